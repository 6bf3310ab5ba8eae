package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DataException;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.prove.Goal;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Watch;
import dev.flywheel.pipeline.watch.WindowResult;
import dev.flywheel.serving.Classification;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Storms of the Atlantic, which of three strengths they have: from a file to an answer, to feedback and back. */
class SeveralClassesTest {

    private static final String[] CLASSES = {"tropical depression", "tropical storm", "hurricane"};
    private static final Target<String> STATUS = Target.oneOf("status", CLASSES);

    @TempDir
    Path directory;

    record Storm(double pressure, double lat, double month) {}

    private record Observed(Storm storm, String status) {}

    private final List<Observed> live = new ArrayList<>();
    private Path csv = Path.of("");

    @BeforeEach
    void sample() throws IOException {
        List<String> lines = new ArrayList<>(List.of("pressure,lat,month,status"));
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(SharedData.csv("storms"))), StandardCharsets.UTF_8))) {
            List<String> names =
                    List.of(Objects.requireNonNull(reader.readLine()).split(",", -1));
            int row = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine(), row++) {
                String[] cells = line.split(",", -1);
                String pressure = cells[names.indexOf("pressure")];
                String lat = cells[names.indexOf("lat")];
                String month = cells[names.indexOf("month")];
                String status = cells[names.indexOf("status")];
                if (row % 20 == 0) {
                    lines.add(String.join(",", pressure, lat, month, status));
                } else if (row % 40 == 10) {
                    Storm storm =
                            new Storm(Double.parseDouble(pressure), Double.parseDouble(lat), Double.parseDouble(month));
                    live.add(new Observed(storm, status));
                }
            }
        }
        lines.add("1000,20,9,gale");
        csv = Files.write(directory.resolve("storms.csv"), lines);
    }

    private Pipeline.Trained<Storm, String> trained() {
        return Pipeline.named("storms")
                .from(Csv.files(csv).examples(Storm.class, STATUS))
                .features(Features.auto(Storm.class))
                .train(Trainers.logistic());
    }

    @Test
    void learnsServesAndLearnsFromFeedback() {
        Pipeline<Storm, String, Classification> pipeline = trained()
                .gate(Gate.atLeast(Metric.ACCURACY, 0.7))
                .gate(Gate.notWorseThanChampion(Metric.LOG_LOSS, 0.1))
                .classify(c -> c)
                .watch(Watch.defaults().window(200))
                .build();
        try (Factory factory = Factory.open(directory.resolve("home"));
                Deployment<Storm, String, Classification> deployment = factory.start(pipeline)) {
            ModelCard card = factory.versions("storms").get(0).card();
            assertThat(card.metrics())
                    .containsOnlyKeys("ACCURACY", "MACRO_F1", "LOG_LOSS", "BRIER", "ECE")
                    .hasEntrySatisfying(
                            "ACCURACY", accuracy -> assertThat(accuracy.value()).isGreaterThan(0.7));
            Classification deep = deployment.predict(new Storm(920, 25, 9)).value();
            assertThat(deep.label()).isEqualTo("hurricane");
            assertThat(deep.probability("hurricane")).isGreaterThan(0.9);
            assertThat(deep.probabilities()).containsOnlyKeys(CLASSES);

            double accuracy = feed(deployment);
            WindowResult window = deployment.watched().orElseThrow().last().orElseThrow();
            assertThat(window.quality())
                    .extracting(WindowResult.Quality::metric)
                    .contains(Metric.ACCURACY);
            assertThat(window.prediction()).isNotNull();
            assertThat(accuracy).isGreaterThan(0.7);

            UUID id = deployment.predict(new Storm(1000, 20, 9)).id();
            assertThatThrownBy(() -> deployment.feedback(id, "gale")).isInstanceOf(DataException.class);

            Run run = deployment.retrain().join();
            assertThat(run.reason()).isNotEmpty();
            assertThat(run.outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(deployment.version()).isEqualTo(2);
            assertThat(deployment.predict(new Storm(920, 25, 9)).value().label())
                    .isEqualTo("hurricane");
            assertThat(run.report())
                    .content()
                    .contains(live.size() + " of ")
                    .contains("predicted tropical storm")
                    .contains("Decisions of the champion");
            assertThat(deployment.report()).content().contains("Accuracy").contains("Macro F1");
        }
    }

    /** {@return the share of live predictions that were right} */
    private double feed(Deployment<Storm, String, Classification> deployment) {
        Map<UUID, String> outcomes = new LinkedHashMap<>();
        int right = 0;
        for (Observed observed : live) {
            Prediction<Classification> prediction = deployment.predict(observed.storm);
            outcomes.put(prediction.id(), observed.status);
            right += prediction.value().label().equals(observed.status) ? 1 : 0;
            if (outcomes.size() == 50) {
                deployment.feedback(outcomes);
                outcomes.clear();
            }
        }
        deployment.feedback(outcomes);
        return (double) right / live.size();
    }

    @Test
    void theAnswerIsMadeOfAClassification() {
        assertThatThrownBy(() -> trained().respond(p -> p))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("pipeline \"storms\" predicts one of several classes; use classify(...) instead of"
                        + " respond(...)");
        assertThatThrownBy(() -> Pipeline.named("heights")
                        .from(Csv.files(csv).examples(Storm.class, Target.number("lat")))
                        .features(Features.auto(Storm.class))
                        .train(Trainers.linear())
                        .classify(c -> c))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("pipeline \"heights\" predicts a number; use respond(...) instead of classify(...)");
    }

    @Test
    void whatTheLogDoesNotTellIsNoRule() {
        assertThatThrownBy(() -> trained().classify(c -> c).retrain(Retrain.onQualityDrop(Metric.LOG_LOSS, 0.1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("judges LOG_LOSS, which needs the probabilities of all classes; of a prediction"
                        + " the most probable class is logged, which tells [ACCURACY, MACRO_F1]");
        assertThatThrownBy(() -> trained().classify(c -> c).prove(Experiment.on(Goal.model(Metric.BRIER))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(trained()
                        .classify(c -> c)
                        .prove(Experiment.on(Goal.model(Metric.ACCURACY)))
                        .build()
                        .describe())
                .contains("experiment, ");
    }

    @Test
    void aDecisionIsRightOrWrong() {
        Goal accuracy = Goal.model(Metric.ACCURACY);
        assertThat(accuracy.loss(2, 2)).isEqualTo(1);
        assertThat(accuracy.loss(1, 2)).isZero();
        assertThat(accuracy.loss(0.5, 1)).isEqualTo(1);
        assertThat(accuracy.loss(0.49, 1)).isZero();
    }
}
