package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.ColumnDrift;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.watch.WatchHistory;
import dev.flywheel.pipeline.watch.WindowResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report over time tells what has happened, and says what it cannot tell. */
class ChronicleTest {

    private static final Instant START = Instant.parse("2020-01-01T00:00:00Z");

    @TempDir
    Path directory;

    private Path home;
    private Pipeline<Point, Boolean, Double> pipeline;
    private volatile Instant now = START;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        pipeline = CrashChild.pipeline(CrashTest.writePoints(directory.resolve("points.csv"), 200));
    }

    private Factory open() {
        return Factory.open(home, Factory.options().clock(() -> now).withoutTicks());
    }

    private void pass(Duration time) {
        now = now.plus(time);
    }

    @Test
    void tellsTheStoryOfAHome() throws IOException {
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            pass(Duration.ofDays(1));
            var prediction = live.predict(new Point(2, 1, "red"));
            pass(Duration.ofHours(5));
            live.feedback(prediction.id(), true);
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            while (live.labels().isEmpty()) { // which comes after the run, on its thread
                Thread.onSpinWait();
            }
            pass(Duration.ofDays(1));
            live.rollback();
            factory.freeze("the audit of the year", "Ada <admin>");
            pass(Duration.ofDays(1));
            Path report = live.report();
            assertThat(report).isEqualTo(home.resolve("pipelines/points/report.html"));
            assertThat(Files.readString(report))
                    .contains("Version 1 serves since 2020-01-03 05:00")
                    .contains("Promotions are frozen by Ada &lt;admin&gt; since", "the audit of the year")
                    .contains("Rolled back from version 2", "asked for by the host", "there is no champion yet")
                    .contains("Promoted version 2", "Rolled back to version 1", "Promotions were frozen")
                    .contains("Of 1 outcomes half came within 5 h", "Predictions by age at 2020-01-02 05:00")
                    .contains("Calibration of the champions", "at the champion&#39;s evaluation")
                    .contains("all that the source gives", "200 from the source, 1 from feedback")
                    .doesNotContain("Ada <admin>", "could not", "cannot");
        }
    }

    @Test
    void showsWhatWasWatched() throws IOException {
        try (Factory factory = open()) {
            assertThat(factory.run(pipeline).outcome()).isEqualTo(Run.Outcome.PROMOTED);
            WatchHistory history = WatchHistory.open(PipelineDirectory.in(home, "points"));
            history.add(window(START, 0.1, WindowResult.Alarm.NONE));
            history.add(window(START.plusSeconds(3600), 0.7, WindowResult.Alarm.RAISED));
            pass(Duration.ofHours(2));
            assertThat(Files.readString(factory.report("points")))
                    .contains("ROC AUC in production", "estimated without outcomes", "x1 is elsewhere")
                    .contains("drift, Wasserstein distance 0.70", "Drift of x1")
                    .contains("Errors are larger", "version 1, since 2020-01-01 01:00, as a detector")
                    .contains("2020-01-01 01:00: 500 predictions", "How late outcomes come: nobody has looked yet");
        }
    }

    private static WindowResult window(Instant start, double size, WindowResult.Alarm alarm) {
        boolean drifted = alarm != WindowResult.Alarm.NONE;
        WindowResult.Feature feature = new WindowResult.Feature(
                "x1",
                drifted ? ColumnDrift.State.DRIFTED : ColumnDrift.State.STABLE,
                "Kolmogorov-Smirnov",
                0.001,
                0.05,
                size,
                0.1,
                0,
                0,
                0,
                List.of(),
                alarm,
                drifted ? start : null,
                drifted ? "x1 is elsewhere" : "x1 is as before");
        Estimate estimate = new Estimate(0.9, 0.8, 0.95, "DeLong");
        List<WindowResult.Quality> quality = List.of(new WindowResult.Quality(Metric.ROC_AUC, estimate, 0.92, 400));
        return new WindowResult(
                start,
                start.plusSeconds(3600),
                1,
                500,
                "200 training rows",
                List.of(feature),
                null,
                400,
                quality,
                quality,
                null,
                drifted ? start : null);
    }

    @Test
    void damageLeavesAGapAndASentence() throws IOException {
        Path pipelines = home.resolve("pipelines/points");
        try (Factory factory = open()) {
            factory.run(pipeline);
            pass(Duration.ofDays(1));
            factory.run(pipeline);
            Path run;
            try (Stream<Path> runs = Files.list(pipelines.resolve("runs"))) {
                run = runs.sorted().findFirst().orElseThrow();
            }
            Files.writeString(run.resolve("run.json"), "{\"head\":");
            Files.writeString(pipelines.resolve("versions/1/card.json"), "{}");
            Files.writeString(pipelines.resolve("watch.jsonl"), "[\n");
            assertThat(Files.readString(factory.report("points")))
                    .contains("1 of 2 runs left no report that can be read")
                    .contains("The card cannot be read: reading ")
                    .contains("Drift and quality over time: ")
                    .contains("Version 2 serves since 2020-01-02 00:00");
        }
    }

    @Test
    void knowsOnlyPipelinesOfItsHome() {
        try (Factory factory = open()) {
            assertThatThrownBy(() -> factory.report("other"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("there is no pipeline \"other\" in " + home.toAbsolutePath() + ", but []");
        }
    }
}
