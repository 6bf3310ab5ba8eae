package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Threshold.Costs;
import dev.flywheel.pipeline.check.Check;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Watch;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PipelineTest {

    record Flight(String origin, double distance) {}

    private static Pipeline.Sourced<Flight, Boolean> sourced() {
        return Pipeline.named("delays")
                .from(Csv.files("flights.csv").examples(Flight.class, Target.atLeast("delay", 15)));
    }

    private static Pipeline.Featured<Flight, Boolean> featured() {
        return sourced().features(Features.auto(Flight.class));
    }

    private static Pipeline.Trained<Flight, Boolean> trained() {
        return featured().train(Trainers.logistic());
    }

    private static Pipeline.Ready<Flight, Boolean, Double> ready() {
        return trained().respond(p -> p);
    }

    private static Pipeline<Flight, Boolean, Double> full() {
        return sourced()
                .check(Check.column("distance").between(0, 12_000).notNull())
                .check(Check.column("origin").notBlank())
                .split(Split.newest(0.3))
                .features(Features.of(Flight.class).number(Flight::distance).category(Flight::origin))
                .train(Trainers.logistic(), Trainers.mlp(64, 32))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.62))
                .gate(Gate.notWorseThanChampion(Metric.LOG_LOSS, 0.005))
                .respond(p -> p)
                .retrain(Retrain.afterLabels(10_000)
                        .orEvery(Duration.ofDays(7))
                        .orOnQualityDrop(Metric.ROC_AUC, 0.05)
                        .atMostEvery(Duration.ofHours(1))
                        .learningFromLast(Duration.ofDays(90)))
                .seed(7)
                .build();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "Delays",
                "-delays",
                "_delays",
                "de lays",
                "de/lays",
                "..",
                "de.lays",
                "delays\n",
                "fl\u00FCge",
                "x1234567890123456789012345678901234567890123456789012345678901234"
            })
    void aNameThatIsNoPlainNameIsRefused(String name) {
        assertThatThrownBy(() -> Pipeline.named(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "pipeline name \"" + name + "\" is invalid: expected 1 to 64 lower-case letters, digits, '-' or"
                                + " '_', the first a letter or digit");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "7", "delays-2_b", "x123456789012345678901234567890123456789012345678901234567890123"})
    void aPlainNameIsTaken(String name) {
        assertThat(Pipeline.named(name)
                        .from(Csv.files("a.csv").examples(Flight.class, Target.isTrue("late")))
                        .features(Features.auto(Flight.class))
                        .train(Trainers.logistic())
                        .respond(p -> p)
                        .build()
                        .name())
                .isEqualTo(name);
    }

    @Test
    void anOptionSetTwiceIsRefusedAndTheFirstTold() {
        assertThatThrownBy(() -> sourced().split(Split.newest(0.3)).split(Split.random(0.2)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option split was already set to newest 0.3");
        assertThatThrownBy(() -> ready().retrain(Retrain.afterLabels(10)).retrain(Retrain.never()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option retrain was already set to after 10 labels");
        assertThatThrownBy(() -> ready().retrain(Retrain.never()).retrain(Retrain.afterLabels(10)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option retrain was already set to never");
        assertThatThrownBy(() -> ready().seed(1).seed(2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option seed was already set to 1");
        assertThatThrownBy(() -> ready().costs(Costs.of(1, 5)).costs(Costs.of(1, 2.5)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option costs was already set to a false positive costs 1, a false negative 5");
    }

    @Test
    void costsAreOfDecisionsAndPartOfTheDefinition() {
        assertThat(ready().costs(Costs.of(1, 2.5)).build().describe())
                .endsWith("\ndecide where a false positive costs 1, a false negative 2.5");
        Pipeline.Ready<Flight, Double, Double> number = Pipeline.named("delays")
                .from(Csv.files("a.csv").examples(Flight.class, Target.number("delay")))
                .features(Features.auto(Flight.class))
                .train(Trainers.linear())
                .respond(p -> p);
        assertThatThrownBy(() -> number.costs(Costs.of(1, 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("costs \"a false positive costs 1, a false negative 2\" of pipeline \"delays\" are of"
                        + " true-or-false decisions, found a REGRESSION target");
    }

    @Test
    void aGateOfAnotherTaskIsRefused() {
        assertThatThrownBy(() -> trained().gate(Gate.atMost(Metric.RMSE, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "gate \"RMSE at most 3\" of pipeline \"delays\" judges RMSE, which is not a metric of a BINARY"
                                + " target");
    }

    @Test
    void aRuleOfRetrainingOfAnotherTaskIsRefused() {
        assertThatThrownBy(() -> ready().retrain(Retrain.onQualityDrop(Metric.RMSE, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "retrain \"when RMSE is worse by 3.0\" of pipeline \"delays\" judges RMSE, which is not a metric"
                                + " of a BINARY target");
    }

    @Test
    void aTrainerOfAnotherTaskIsRefused() {
        assertThatThrownBy(() -> featured().train(Trainers.linear()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("trainer " + Trainers.linear().describe()
                        + " learns REGRESSION targets, found a BINARY target; use Trainers.logistic() or"
                        + " Trainers.mlp(...)");
    }

    @Test
    void withoutCandidatesItIsTheDefaultPortfolio() {
        assertThat(featured().train().respond(p -> p).build().describe())
                .contains("train " + Trainers.logistic().describe() + "\n")
                .contains("train " + Trainers.mlp(64, 32).describe() + "\n");
    }

    @Test
    void nothingIsNull() {
        assertThatThrownBy(() -> Pipeline.named(Nulls.none())).hasMessage("name");
        assertThatThrownBy(() -> Pipeline.named("delays").from(Nulls.<Source<Flight, Boolean>>none()))
                .hasMessage("source");
        assertThatThrownBy(() -> sourced().check(Nulls.none())).hasMessage("check");
        assertThatThrownBy(() -> sourced().split(Nulls.none())).hasMessage("split");
        assertThatThrownBy(() -> sourced().features(Nulls.none())).hasMessage("features");
        assertThatThrownBy(() -> featured().train(Trainers.logistic(), Nulls.<Trainer>none()))
                .hasMessage("candidate");
        assertThatThrownBy(() -> trained().gate(Nulls.none())).hasMessage("gate");
        assertThatThrownBy(() -> trained().respond(Nulls.none())).hasMessage("response");
        assertThatThrownBy(() -> ready().retrain(Nulls.none())).hasMessage("retrain");
    }

    @Test
    void saysAllOfItself() {
        Pipeline<Flight, Boolean, Double> pipeline = full();
        assertThat(pipeline.describe())
                .isEqualTo(String.join(
                        "\n",
                        "pipeline delays",
                        "from " + pipeline.source().describe(),
                        "predict delay at least 15",
                        "check distance between 0 and 12000, not null",
                        "check origin not blank",
                        "split newest 0.3",
                        "features " + pipeline.features().describe(),
                        "train " + Trainers.logistic().describe(),
                        "train " + Trainers.mlp(64, 32).describe(),
                        "gate ROC AUC at least 0.62",
                        "gate Log loss not worse than the champion's by 0.005 or more",
                        "retrain after 10000 labels or every PT168H or when ROC_AUC is worse by 0.05, at most every"
                                + " PT1H, from the last PT2160H",
                        "seed 7",
                        "watch " + Watch.defaults().describe()));
        assertThat(pipeline).hasToString(pipeline.describe());
    }

    @Test
    void defaultsAreSaidToo() {
        assertThat(ready().build().describe())
                .contains("split by default", "gate ROC AUC better than the champion's", "retrain never", "seed 42");
    }

    @Test
    void equalDefinitionsHaveEqualHashesAndOthersOthers() {
        assertThat(full().hash()).isEqualTo(full().hash()).matches("[0-9a-f]{64}");
        assertThat(full().describe()).isEqualTo(full().describe());
        assertThat(ready().build().hash())
                .isEqualTo(ready().seed(42).retrain(Retrain.never()).build().hash())
                .isNotEqualTo(ready().seed(43).build().hash())
                .isNotEqualTo(ready().retrain(Retrain.afterLabels(1)).build().hash())
                .isNotEqualTo(trained()
                        .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                        .respond(p -> p)
                        .build()
                        .hash());
    }

    @Test
    void oneStageCanMakeTwoPipelines() {
        Pipeline.Trained<Flight, Boolean> stage = trained();
        Pipeline<Flight, Boolean, Double> gated =
                stage.gate(Gate.atLeast(Metric.ROC_AUC, 0.9)).respond(p -> p).build();
        Pipeline<Flight, Boolean, String> other = stage.respond(String::valueOf).build();
        assertThat(gated.describe()).contains("gate ROC AUC at least 0.9");
        assertThat(other.describe()).doesNotContain("at least 0.9");
        Pipeline.Ready<Flight, Boolean, Double> last = ready();
        assertThat(last.seed(1).build().describe()).endsWith("seed 1");
        assertThat(last.seed(2).build().describe()).endsWith("seed 2");
    }

    @Test
    void buildingTouchesNoFile() {
        assertThat(Pipeline.named("absent")
                        .from(Csv.files("/no/such/file.csv").examples(Flight.class, Target.isTrue("late")))
                        .features(Features.auto(Flight.class))
                        .train(Trainers.logistic())
                        .respond(p -> p)
                        .build()
                        .describe())
                .contains("/no/such/file.csv");
    }
}
