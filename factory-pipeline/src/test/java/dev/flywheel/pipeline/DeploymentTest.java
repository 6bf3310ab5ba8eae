package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Prediction;
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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeploymentTest {

    @TempDir
    Path directory;

    private Path home;
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 600);
    }

    @Test
    void trainsAFirstVersionServesItAndFindsItAgain() {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        double first;
        Point point = new Point(2, 1, "red");
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.version()).isEqualTo(1);
            first = live.predict(point).value();
            assertThat(first).isGreaterThan(0.5);
        }
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.version()).isEqualTo(1);
            assertThat(live.predict(point).value()).isEqualTo(first);
            assertThat(factory.versions("points")).hasSize(1);
            assertThat(home.resolve("pipelines/points/definition.json"))
                    .content()
                    .contains(pipeline.hash());
        }
    }

    @Test
    void bareOnnxRuntimeGivesTheEndpointsOutputsBitForBit() throws Exception {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
            List<Point> points = new ArrayList<>();
            List<Map<String, Object>> rows = new ArrayList<>();
            Random random = new Random(3);
            for (int i = 0; i < 64; i++) {
                Point point = CrashChild.point(random);
                points.add(point);
                rows.add(Map.of("x", (float) point.x(), "y", (float) point.y(), "colour", point.colour()));
            }
            Path model = factory.versions("points").get(0).artifact().modelFile();
            float[] bare = BareOnnxRuntime.predict(model, rows);
            List<Prediction<Double>> batch = live.predictAll(points);
            for (int i = 0; i < 64; i++) {
                assertThat(batch.get(i).value().floatValue()).isEqualTo(bare[i]);
                assertThat(live.predict(points.get(i)).value().floatValue())
                        .isEqualTo(BareOnnxRuntime.predict(model, rows.subList(i, i + 1))[0])
                        .isCloseTo(bare[i], within(1e-6f));
            }
            assertThat(live.snapshot().total().requests()).isEqualTo(128);
        }
    }

    @Test
    void retrainsOnFeedbackWhileItServes() throws Exception {
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
            CountDownLatch promoted = new CountDownLatch(1);
            live.onPromotion(e -> promoted.countDown());
            AtomicBoolean stop = new AtomicBoolean();
            CompletableFuture<Integer> served = CompletableFuture.supplyAsync(() -> {
                Random random = new Random(5);
                int count = 0;
                for (; !stop.get(); count++) {
                    assertThat(live.predict(CrashChild.point(random)).value()).isBetween(0.0, 1.0);
                }
                return count;
            });
            feed(live, 40, 1);
            promoted.await();
            stop.set(true);
            assertThat(served.join()).isPositive();
            assertThat(live.version()).isEqualTo(2);
            ModelVersion second = factory.versions("points").get(1);
            assertThat(second.card().trainRows() + second.card().testRows()).isEqualTo(640);
            assertThat(second.card().parent()).hasValue(1);
        }
    }

    @Test
    void aRunThatIsDueByTheClockIsWaitedForWithoutANewOutcome() {
        Instant start = Instant.parse("2004-01-01T00:00:00Z");
        AtomicReference<Instant> now = new AtomicReference<>(start);
        Pipeline<Point, Boolean, Double> daily = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .retrain(Retrain.every(Duration.ofDays(1)))
                .build();
        try (Factory factory = Factory.open(home, Factory.options().clock(now::get));
                Deployment<Point, Boolean, Double> live = factory.start(daily)) {
            for (int day = 1; day <= 3; day++) {
                now.set(start.plus(Duration.ofDays(day)));
                live.awaitRun();
                assertThat(live.version()).isEqualTo(1 + day);
            }
        }
    }

    @Test
    void rollsBackInOneCallAndPausesRetraining() {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(live.version()).isEqualTo(2);
            assertThat(live.rollback()).isEqualTo(1);
            assertThat(live.predict(new Point(0, 0, "red")).version()).isEqualTo(1);
            feed(live, 100, 2);
            live.awaitRun();
            assertThat(live.version()).isEqualTo(1);
            assertThat(live.paused()).isPresent();
            assertThatThrownBy(live::rollback)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("named no other before");
        }
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.version()).isEqualTo(1);
            assertThat(live.paused()).isPresent();
            live.resume();
            assertThat(live.retrain().join().version()).hasValue(3);
        }
    }

    @Test
    void refusesADamagedChampionAndServesTheOneBefore() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv);
        Path model;
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            live.retrain().join();
            assertThat(live.version()).isEqualTo(2);
            model = factory.versions("points").get(1).artifact().modelFile();
        }
        byte[] bytes = Files.readAllBytes(model);
        bytes[bytes.length / 2] ^= 1;
        Files.write(model, bytes);
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.version()).isEqualTo(1);
            assertThat(live.predict(new Point(0, 0, "red")).version()).isEqualTo(1);
            assertThatThrownBy(() -> factory.versions("points").get(1).artifact())
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("model.onnx")
                    .hasMessageContaining("SHA-256");
        }
    }

    @Test
    void saysWhyThereIsNothingToServe() throws IOException {
        Files.writeString(
                csv, "x,y,colour,inside\n1,2,red,true\n2,3,red,true\n3,1,blue,true\n4,1,blue,true\n5,1,blue,true\n");
        try (Factory factory = Factory.open(home)) {
            assertThatThrownBy(() -> factory.start(CrashChild.pipeline(csv)))
                    .isInstanceOf(TrainingException.class)
                    .hasMessageStartingWith("pipeline \"points\" has nothing to serve: ")
                    .hasMessageContaining("one class")
                    .hasMessageNotContaining("..");
            Run run = factory.run(CrashChild.pipeline(csv));
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.report()).content().contains("one class");
        }
    }

    @Test
    void keepsTheChampionWhenAGateRefusesTheCandidate() {
        Pipeline<Point, Boolean, Double> strict = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.betterThanChampion(Metric.ROC_AUC))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(strict)) {
            List<Event.Rejected> rejected = new ArrayList<>();
            CompletableFuture<Event.Rejected> heard = new CompletableFuture<>();
            live.onRejected(heard::complete);
            Run run = live.retrain().join();
            rejected.add(heard.join());
            assertThat(run.outcome()).isEqualTo(Run.Outcome.REJECTED);
            assertThat(rejected.get(0).reasons()).hasSize(1);
            assertThat(live.version()).isEqualTo(1);
            assertThat(factory.versions("points")).hasSize(1);
        }
    }

    @Test
    void aHomeServesOneFactoryAtATime() {
        try (Factory factory = Factory.open(home)) {
            assertThatThrownBy(() -> Factory.open(home))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("Fix: ");
            try (Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv))) {
                assertThat(live.version()).isEqualTo(1);
                assertThatThrownBy(() -> factory.start(CrashChild.pipeline(csv)))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("pipeline \"points\" is at work already; close that deployment first");
            }
        }
    }

    private static void feed(Deployment<Point, Boolean, Double> live, int count, long seed) {
        Random random = new Random(seed);
        Map<UUID, Boolean> outcomes = new HashMap<>();
        for (int i = 0; i < count; i++) {
            Point point = CrashChild.point(random);
            outcomes.put(live.predict(point).id(), CrashChild.inside(point));
        }
        live.feedback(outcomes);
    }
}
