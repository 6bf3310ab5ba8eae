package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left to a factory after a bad source, a bad disk or a bad experiment. */
class MisfortuneTest {

    record Place(double x, double y) {}

    @TempDir
    Path directory;

    private Path home;
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 600);
    }

    private static int serve(Factory factory, Pipeline<Point, Boolean, Double> pipeline) {
        try (Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            return live.predict(new Point(2, 1, "red")).version();
        }
    }

    @Test
    void aRunWhoseTestExamplesAreOfOneClassFails() throws IOException {
        StringBuilder rows = new StringBuilder("x,y,colour,inside\n");
        for (int i = 0; i < 200; i++) {
            rows.append(i).append(",1,red,").append(i % 5 != 4 && i % 2 == 0).append('\n');
        }
        Files.writeString(csv, rows);
        Pipeline<Point, Boolean, Double> pipeline = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .split(Split.everyNth(5))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home)) {
            Run run = factory.run(pipeline);
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason())
                    .isEqualTo("the test examples of pipeline \"points\" are of one class: all 40 have the label false."
                            + " Fix: bring more examples, or hold back more or others with a split.");
            assertThat(factory.versions("points")).isEmpty();
        }
    }

    @Test
    void anExperimentWithOtherColumnsThatIsRejectedLeavesTheChampionAtWork() {
        Pipeline<Place, Boolean, Double> experiment = experiment(Gate.atLeast(Metric.ROC_AUC, 1));
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        try (Factory factory = Factory.open(home)) {
            assertThat(serve(factory, pipeline)).isEqualTo(1);
            assertThat(factory.run(experiment).outcome()).isEqualTo(Run.Outcome.REJECTED);
            assertThat(serve(factory, pipeline)).isEqualTo(1);
            assertThat(factory.run(experiment(Gate.atLeast(Metric.ROC_AUC, 0.5)))
                            .outcome())
                    .isEqualTo(Run.Outcome.PROMOTED);
            try (Deployment<Place, Boolean, Double> live = factory.start(experiment)) {
                assertThat(live.predict(new Place(2, 1)).version()).isEqualTo(2);
            }
        }
    }

    @Test
    void aCandidateIsNotPromotedOverAChampionThatItCannotBeComparedWith() {
        try (Factory factory = Factory.open(home)) {
            assertThat(serve(factory, CrashChild.pipeline(csv))).isEqualTo(1);
            Run run = factory.run(experiment(Gate.notWorseThanChampion(Metric.ROC_AUC, 0.5)));
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.REJECTED);
            assertThat(run.reason())
                    .startsWith("INCONCLUSIVE ROC AUC not worse than the champion's by 0.5 or more (version 1, the"
                            + " champion, could not be scored: ");
            assertThat(run.card()).content().contains("version 1, the champion, could not be scored");
            assertThat(serve(factory, CrashChild.pipeline(csv))).isEqualTo(1);
        }
    }

    private Pipeline<Place, Boolean, Double> experiment(Gate gate) {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Place.class, Target.isTrue("inside")))
                .features(Features.auto(Place.class))
                .train(Trainers.logistic())
                .gate(gate)
                .respond(p -> p)
                .build();
    }

    @Test
    void aDamagedFeedbackLogCanBeMendedWhileTheFactoryIsOpen() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        Path log = home.resolve("pipelines/points/feedback/00000000000000000000.log");
        try (Factory factory = Factory.open(home)) {
            serve(factory, pipeline);
            byte[] whole = Files.readAllBytes(log);
            Files.write(log, new byte[whole.length + 64]);
            assertThatThrownBy(() -> factory.start(pipeline))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining(log.toString());
            Files.write(log, whole);
            assertThat(serve(factory, pipeline)).isEqualTo(1);
        }
    }

    @Test
    void aDiskThatRefusesInTheMidstOfATrainingEndsTheRunAndLeavesTheChampionAtWork() throws IOException {
        Pipeline<Point, Boolean, Double> endless = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.mlp(8).epochs(1_000_000))
                .respond(p -> p)
                .build();
        Path checkpoint = home.resolve("pipelines/points/searches/search-0/training.paused");
        try (Factory factory = Factory.open(home)) {
            assertThat(serve(factory, CrashChild.pipeline(csv))).isEqualTo(1);
            Files.createDirectories(checkpoint.resolve("in-the-way"));
            Run run = factory.run(endless);
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason())
                    .startsWith("writing " + checkpoint + ": the file system says ")
                    .endsWith(
                            " Fix: check that the disk is mounted, has space left and that this user may write there.");
            assertThat(serve(factory, CrashChild.pipeline(csv))).isEqualTo(1);
        }
    }

    @Test
    void saysWhatToDoWhenTheExamplesAreLost() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        try (Factory factory = Factory.open(home)) {
            serve(factory, pipeline);
            Path history = home.resolve("pipelines/points/history.json");
            Files.delete(history);
            assertThatThrownBy(() -> factory.start(pipeline))
                    .isInstanceOf(StoreException.class)
                    .hasMessage("the examples of pipeline \"points\" cannot be found: " + history
                            + " cannot be read. Fix: restore the file from a backup, or run the pipeline once on its"
                            + " source.");
            factory.run(pipeline);
            serve(factory, pipeline);
        }
    }
}
