package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RiskTest {

    @TempDir
    Path directory;

    private Pipeline.Ready<Point, Boolean, Double> points(Gate... gates) {
        Pipeline.Trained<Point, Boolean> trained = Pipeline.named("points")
                .from(Csv.files(directory.resolve("points.csv")).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic().l2(1000), Trainers.logistic());
        for (Gate gate : gates) {
            trained = trained.gate(gate);
        }
        return trained.respond(p -> p);
    }

    private static Gate[] most() {
        return new Gate[] {
            Gate.atLeast(Metric.ROC_AUC, 0.8),
            Gate.notWorseThanChampion(Metric.ROC_AUC, 0.05),
            Gate.atLeast(Metric.ROC_AUC, 0.7).onEachSlice("colour"),
            Gate.fair(Criterion.EQUAL_OPPORTUNITY, "colour", 0.5),
            Gate.robust(Metric.ROC_AUC, Perturbation.noise(0.1), 0.1),
            Gate.robust(Metric.ROC_AUC, Perturbation.fgsm(0.01), 0.2),
            Gate.latencyAtMost(0.5, Duration.ofSeconds(10)),
            Gate.sizeAtMost(10_000_000)
        };
    }

    @Test
    void aPipelineThatAsksLessThanItsRiskIsNotBuilt() {
        assertThatThrownBy(() -> points().risk(Risk.LIMITED).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("pipeline \"points\" is of risk LIMITED, which asks for more gates. Fix: add a bound on ROC"
                        + " AUC: .gate(Gate.atLeast(Metric.ROC_AUC, ...)).");
        assertThatThrownBy(() -> points(Gate.atLeast(Metric.ACCURACY, 0.5))
                        .risk(Risk.HIGH)
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "pipeline \"points\" is of risk HIGH, which asks for more gates. Fix: add a bound on ROC AUC:"
                                + " .gate(Gate.atLeast(Metric.ROC_AUC, ...)); a comparison with the champion:"
                                + " .gate(Gate.notWorseThanChampion(Metric.ROC_AUC, ...)) or"
                                + " .gate(Gate.betterThanChampion(Metric.ROC_AUC)); a rule on each slice:"
                                + " .gate(Gate.atLeast(...).onEachSlice(\"a column\")); fairness between groups:"
                                + " .gate(Gate.fair(Criterion.EQUAL_OPPORTUNITY, \"a column\", ...)); robustness:"
                                + " .gate(Gate.robust(Metric.ROC_AUC, Perturbation.noise(0.1), ...)); a bound on the time of a"
                                + " prediction: .gate(Gate.latencyAtMost(0.99, ...)); a person's approval:"
                                + " .approve(Approval.within(...)).");
        assertThatThrownBy(() -> points(most()).risk(Risk.HIGH).build())
                .hasMessageEndingWith("Fix: add a person's approval: .approve(Approval.within(...)).");
        assertThatThrownBy(() -> points().risk(Risk.HIGH).risk(Risk.MINIMAL))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option risk was already set to HIGH");
    }

    @Test
    void fairnessIsAskedOfTrueOrFalseTargetsAlone() {
        Pipeline.Trained<Point, Double> numbers = Pipeline.named("points")
                .from(Csv.files(directory.resolve("points.csv")).examples(Point.class, Target.number("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.linear());
        assertThatThrownBy(() -> numbers.gate(Gate.fair(Criterion.EQUAL_OPPORTUNITY, "colour", 0.5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("gate \"difference in equal opportunity between groups of colour at most 0.5\" of pipeline"
                        + " \"points\" judges decisions between true and false, which a REGRESSION target has not. Fix:"
                        + " use a rule on each slice instead: .gate(Gate.atMost(Metric.RMSE, ...)"
                        + ".onEachSlice(\"colour\")).");
        assertThat(numbers.gate(Gate.atMost(Metric.RMSE, 1))
                        .gate(Gate.betterThanChampion(Metric.RMSE))
                        .gate(Gate.atMost(Metric.RMSE, 2).onEachSlice("colour"))
                        .gate(Gate.robust(Metric.RMSE, Perturbation.noise(0.1), 1))
                        .gate(Gate.latencyAtMost(0.5, Duration.ofSeconds(1)))
                        .respond(x -> x)
                        .approve(Approval.within(Duration.ofHours(1)))
                        .risk(Risk.HIGH)
                        .build()
                        .describe())
                .endsWith("risk HIGH");
    }

    @Test
    void onlyARiskThatAsksForMoreIsPartOfTheDefinition() {
        Gate[] gates = {Gate.atLeast(Metric.ROC_AUC, 0.8), Gate.betterThanChampion(Metric.F1)};
        assertThat(points(gates).risk(Risk.LIMITED).build().describe()).endsWith("\nrisk LIMITED");
        assertThat(points(gates).risk(Risk.MINIMAL).build().hash())
                .isEqualTo(points(gates).build().hash());
    }

    @Test
    void aCandidateOfHighRiskIsJudgedByAllGatesAndChosenOnOtherRows() throws IOException {
        CrashTest.writePoints(directory.resolve("points.csv"), 1500);
        Pipeline<Point, Boolean, Double> pipeline = points(most())
                .approve(Approval.within(Duration.ofHours(1)))
                .risk(Risk.HIGH)
                .build();
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run run = factory.run(pipeline);
            assertThat(run.reason()).startsWith("it passed every gate and waits until ");
            assertThat(run.verdicts())
                    .hasSize(9)
                    .allSatisfy(verdict ->
                            assertThat(verdict.outcome()).as(verdict.toString()).isEqualTo(Verdict.Outcome.PASS));
            assertThat(run.verdicts())
                    .extracting(Verdict::gate)
                    .contains(
                            "ROC AUC at least 0.7 on each slice of colour",
                            "difference in equal opportunity between groups of colour at most 0.5",
                            "ROC AUC loses at most 0.1 by noise of 0.1 standard deviations on every number",
                            "ROC AUC loses at most 0.2 by an attack (FGSM) of 0.01 standard deviations",
                            "p50 of a prediction at most 10.0 s",
                            "size at most 10,000,000 bytes",
                            "exported graph within 0.0001 of the training engine");

            Path file = run.report().resolveSibling("run.json");
            RunReport report = RunReport.read(Files.readAllBytes(file), file.toString());
            assertThat(report.data().parts())
                    .extracting(RunReport.Part::name)
                    .containsExactly("examples", "train", "test", "validation");
            long train = report.data().parts().get(1).rows();
            assertThat((double) report.data().parts().get(3).rows() / train).isBetween(0.15, 0.25);
            List<RunReport.Candidate> candidates = report.models().candidates();
            assertThat(candidates)
                    .allSatisfy(candidate -> assertThat(candidate.validation()).containsKey(Metric.ROC_AUC));
            int winner = report.models().winner().orElseThrow();
            assertThat(candidates.get(winner).metrics()).containsKey(Metric.ROC_AUC);
            assertThat(candidates.get(1 - winner).metrics()).isEmpty();
            assertThat(report.lineage().environment()).containsKey("candidates compared on");
            assertThat(run.report()).content().contains("Metrics on the validation rows");
        }
    }
}
