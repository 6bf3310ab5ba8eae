package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.pipeline.watch.Watch;
import dev.flywheel.pipeline.watch.Watched;
import dev.flywheel.pipeline.watch.WindowResult;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    @TempDir
    Path directory;

    private volatile Instant now = START;
    private Path csv = Path.of("");

    @BeforeEach
    void writePoints() throws IOException {
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 400);
    }

    private Pipeline.Ready<Point, Boolean, Double> ready(Features<Point> features) {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(features)
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p);
    }

    private Pipeline.Ready<Point, Boolean, Double> ready() {
        return ready(Features.auto(Point.class));
    }

    private Factory open(Path home) {
        return Factory.open(home, Factory.options().clock(() -> now));
    }

    /** What interrupts the wait for outcomes. */
    private enum Between {
        NOTHING,
        RESTART,
        KILL
    }

    /** What a watch has come to know. */
    private record Known(WindowResult last, String decision) {}

    @Test
    void outcomesThatComeLateCountAlikeWithARestartOrAKillInBetween() throws IOException {
        Known known = delayed(Between.NOTHING);
        assertThat(known.last.labels()).isEqualTo(1_200);
        assertThat(known.last.quality())
                .isNotEmpty()
                .allSatisfy(quality -> assertThat(quality.rows()).isEqualTo(1_200));
        assertThat(known.decision).contains("on its last 1000 outcomes");
        assertThat(delayed(Between.RESTART)).isEqualTo(known);
        assertThat(delayed(Between.KILL)).isEqualTo(known);
    }

    /** Predictions on one day, the outcomes of half of them the next, and the others, and some again, the day after. */
    private Known delayed(Between between) throws IOException {
        now = START;
        Path home = directory.resolve(between.name());
        Pipeline<Point, Boolean, Double> pipeline =
                ready().retrain(Retrain.onQualityDrop(Metric.ACCURACY, 0.9)).build();
        List<Map<UUID, Boolean>> outcomes = List.of(new LinkedHashMap<>(), new LinkedHashMap<>());
        Factory factory = open(home);
        Deployment<Point, Boolean, Double> live = factory.start(pipeline);
        try {
            Random random = new Random(7);
            for (int i = 0; i < 1_200; i++) {
                Point point = CrashChild.point(random);
                outcomes.get(i % 2).put(live.predict(point).id(), CrashChild.inside(point));
            }
            day(1);
            live.feedback(outcomes.get(0));
            live.awaitRun();
            if (between != Between.NOTHING) {
                Path copy = directory.resolve(between + " after");
                if (between == Between.KILL) {
                    copy(home, copy);
                }
                factory.close();
                factory = open(between == Between.KILL ? copy : home);
                live = factory.start(pipeline);
            }
            day(2);
            outcomes.get(0).replaceAll((id, inside) -> !inside);
            live.feedback(outcomes.get(0));
            live.feedback(outcomes.get(1));
            for (int i = 0; i < 100; i++) {
                Prediction<Double> unused = live.predict(CrashChild.point(random));
            }
            day(3);
            WindowResult last = live.watched().flatMap(Watched::last).orElseThrow();
            return new Known(last, live.decision().sentence());
        } finally {
            factory.close();
        }
    }

    private void day(int day) {
        now = START.plus(Duration.ofDays(day));
    }

    /** What a kill would leave: of a file that is renamed meanwhile, what was there before. */
    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                Files.createDirectories(to.resolve(from.relativize(directory)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                try {
                    Files.copy(file, to.resolve(from.relativize(file)));
                } catch (NoSuchFileException e) {
                    return visitFileFailed(file, e);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }
        });
    }

    @Test
    void whatIsNotLoggedIsHiddenFromTheWatchAndItsFiles() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = ready(
                        Features.of(Point.class).number(Point::x))
                .log(Logging.of(Point.class)
                        .only(Point::x)
                        .hashed(Point::colour, new byte[16])
                        .except(point -> point.x() > 100))
                .watch(Watch.defaults().confirmedBy(1))
                .build();
        Path home = directory.resolve("home");
        Random random = new Random(7);
        try (Factory factory = open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            for (int i = 0; i < 200; i++) {
                Prediction<Double> logged = live.predict(new Point(random.nextGaussian(), 77_123.5, "lilac"));
                Prediction<Double> except = live.predict(new Point(8_888.25, 0, "red"));
                assertThat(logged.id()).isNotEqualTo(except.id());
            }
            assertThat(live.watched().orElseThrow().rows())
                    .as("inputs that are never logged are not watched")
                    .isEqualTo(200);
            day(1);
            WindowResult window = live.watched().flatMap(Watched::last).orElseThrow();
            assertThat(window.features()).extracting(WindowResult.Feature::name).containsExactly("x");
            Prediction<Double> open = live.predict(new Point(0, 77_123.5, "lilac"));
            assertThat(open.version()).isEqualTo(1);
        }
        PipelineDirectory place = PipelineDirectory.in(home, "points");
        for (String file : List.of("watch.json", "watch.jsonl")) {
            assertThat(Files.readString(place.path().resolve(file)))
                    .isNotEmpty()
                    .doesNotContain("77123.5", "lilac", "8888.25");
        }
    }

    @Test
    void aRuleThatOnlyAWatchCanTellBringsOne() {
        List<Retrain> watched = List.of(
                Retrain.onDrift(0.2),
                Retrain.onQualityDrop(Metric.ROC_AUC, 0.1),
                Retrain.onEstimatedDrop(Metric.ROC_AUC, 0.1),
                Retrain.afterLabels(10).and(Retrain.onDrift(0.2)));
        List<Retrain> others = List.of(
                Retrain.never(),
                Retrain.afterLabels(10).orEvery(Duration.ofDays(1)).learningFromLast(Duration.ofDays(30)));
        for (Retrain rules : watched) {
            assertThat(rules.needsWatch()).as(rules.describe()).isTrue();
            assertThat(ready().retrain(rules).build().watch()).isEqualTo(Watch.defaults());
            assertThatThrownBy(() -> ready().retrain(rules).watch(Watch.off()).build())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("pipeline \"points\" retrains \"" + rules.describe()
                            + "\", which only a watch can tell, and the watch is off. Fix: leave watch(Watch.off())"
                            + " out, or use other rules.");
        }
        for (Retrain rules : others) {
            assertThat(rules.needsWatch()).as(rules.describe()).isFalse();
            assertThat(ready().retrain(rules).build().watch()).isEqualTo(Watch.off());
        }
        assertThat(Retrain.every(Duration.ofDays(1)).learningFromLastDrift(100).needsWatch())
                .as("what a run learns from")
                .isTrue();
        Watch hourly = Watch.defaults().window(Duration.ofHours(1));
        assertThat(ready().watch(hourly).retrain(watched.get(0)).build().watch())
                .as("what was chosen")
                .isEqualTo(hourly);
    }

    @Test
    void nothingIsWatchedWhereNothingIsLogged() {
        assertThatThrownBy(() -> ready().watch(Watch.defaults())
                        .log(Logging.of(Point.class).durability(Durability.NONE))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "pipeline \"points\" is to be watched, and durability is NONE, which logs nothing that could"
                                + " be. Fix: leave watch(...) out, or log with another durability.");
    }
}
