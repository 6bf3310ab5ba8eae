package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DataException;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackTest {

    @TempDir
    Path directory;

    private Path home;
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        home = directory.resolve("home");
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
    }

    private static void feed(Deployment<Point, Boolean, Double> live, int count) {
        Random random = new Random(count);
        Map<UUID, Boolean> outcomes = new HashMap<>();
        for (int i = 0; i < count; i++) {
            Point point = CrashChild.point(random);
            outcomes.put(live.predict(point).id(), CrashChild.inside(point));
        }
        live.feedback(outcomes);
    }

    @Test
    void labelsCountOverRestarts() throws Exception {
        Pipeline<Point, Boolean, Double> pipeline = CrashChild.pipeline(csv); // retrains after 40 labels
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            feed(live, 30);
        }
        BlockingQueue<Long> totals = new LinkedBlockingQueue<>();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            live.onFeedback(e -> totals.add(e.total()));
            feed(live, 10);
            assertThat(totals.take()).isEqualTo(40);
            live.awaitRun();
            assertThat(live.version()).isEqualTo(2);
        }
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            live.onFeedback(e -> totals.add(e.total()));
            feed(live, 1);
            assertThat(totals.take()).isEqualTo(1);
            live.awaitRun();
            assertThat(live.version()).isEqualTo(2);
        }
    }

    @Test
    void aRunThatWasCutShortDoesNotUseUpItsLabels() throws Exception {
        HookedTrainer.Gate gate = new HookedTrainer.Gate();
        HookedTrainer.Gate[] first = {null};
        Pipeline<Point, Boolean, Double> pipeline = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(new HookedTrainer(() -> {
                    if (first[0] != null) {
                        first[0].run();
                    }
                }))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .retrain(Retrain.afterLabels(5))
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            first[0] = gate;
            feed(live, 5);
            gate.begun.await();
        }
        first[0] = null;
        try (Factory factory = Factory.open(home);
                Deployment<Point, Boolean, Double> live = factory.start(pipeline)) {
            assertThat(live.version()).isEqualTo(1);
            live.awaitRun();
            assertThat(live.version()).isEqualTo(2);
        }
    }

    @Test
    void aRunThatIsDueStartsByItselfAlsoAfterALookForItHasFailed() throws Exception {
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        AtomicReference<Instant> now = new AtomicReference<>(start);
        AtomicBoolean broken = new AtomicBoolean();
        InstantSource clock = () -> {
            if (Thread.currentThread().getName().equals("flywheel-clock") && broken.compareAndSet(true, false)) {
                throw new IllegalStateException("the clock stands still");
            }
            return Objects.requireNonNull(now.get());
        };
        Pipeline<Point, Boolean, Double> daily = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .retrain(Retrain.every(Duration.ofDays(1)))
                .build();
        try (Factory factory = Factory.open(home, Factory.options().clock(clock));
                Deployment<Point, Boolean, Double> live = factory.start(daily)) {
            CompletableFuture<Event.Failed> failed = new CompletableFuture<>();
            CompletableFuture<Event.Promoted> promoted = new CompletableFuture<>();
            live.onError(failed::complete).onPromotion(promoted::complete);
            broken.set(true);
            now.set(start.plus(Duration.ofDays(1)));
            assertThat(failed.join().activity()).isEqualTo("looking for a reason to retrain pipeline points");
            assertThat(failed.join().cause()).hasMessage("the clock stands still");
            assertThat(factory.audit("points"))
                    .anySatisfy(entry -> assertThat(entry.event().details())
                            .containsEntry(
                                    "why",
                                    "looking for a reason to retrain pipeline points:"
                                            + " java.lang.IllegalStateException: the clock stands still"));
            assertThat(promoted.join().version()).isEqualTo(2);
        }
    }

    @Test
    void anOutcomeThatDoesNotFitIsRefusedAndNothingOfItsCallIsTaken() {
        Pipeline<Point, Double, Double> pipeline = Pipeline.named("heights")
                .from(Csv.files(csv).examples(Point.class, Target.number("y")))
                .features(Features.of(Point.class).number(Point::x))
                .train(Trainers.linear())
                .gate(Gate.atMost(Metric.RMSE, 100))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Point, Double, Double> live = factory.start(pipeline)) {
            UUID id = live.predict(new Point(1, 0, "red")).id();
            List<Event.FeedbackAccepted> accepted = new ArrayList<>();
            live.onFeedback(accepted::add);
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                assertThatThrownBy(() -> live.feedback(id, bad))
                        .isInstanceOf(DataException.class)
                        .hasMessage(
                                "label " + bad + " of \"y\" cannot be used: expected a finite number. Fix: leave such"
                                        + " outcomes out.");
            }
            Map<UUID, Double> halfGood = new HashMap<>();
            halfGood.put(id, 1.0);
            halfGood.put(UUID.randomUUID(), Double.NaN);
            assertThatThrownBy(() -> live.feedback(halfGood)).isInstanceOf(DataException.class);
            assertThatThrownBy(() -> live.feedback(Nulls.map(id, Nulls.none())))
                    .isInstanceOf(NullPointerException.class)
                    .hasMessage("label");
            assertThatThrownBy(() -> live.feedback(Nulls.map(Nulls.none(), 1.0)))
                    .isInstanceOf(NullPointerException.class)
                    .hasMessage("id");
            live.feedback(Map.of());
            assertThat(joined("heights")).isEmpty();
            live.feedback(id, 0.5);
            assertThat(joined("heights")).containsExactly(id);
        }
    }

    @Test
    void whatWasPredictedForAnInfiniteNumberIsNotLearnedFrom() throws Exception {
        record Loose(Double x, Double y, String colour) {}
        Pipeline<Loose, Boolean, Double> pipeline = Pipeline.named("points")
                .from(Csv.files(csv).examples(Loose.class, Target.isTrue("inside")))
                .features(Features.of(Loose.class).number(Loose::y).category(Loose::colour))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home);
                Deployment<Loose, Boolean, Double> live = factory.start(pipeline)) {
            // x is no feature, so the model can answer
            Prediction<Double> odd = live.predict(new Loose(Double.POSITIVE_INFINITY, 1.0, "red"));
            Prediction<Double> good = live.predict(new Loose(1.0, 1.0, "red"));
            live.feedback(Map.of(odd.id(), true, good.id(), true));
            Run run = live.retrain().join();
            assertThat(run.outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(run.report())
                    .content()
                    .contains("200 examples from the source and 1 of 2 predictions whose outcome is known.")
                    .contains("1 predictions with an outcome were left out: a check refuses them, or a value is missing"
                            + " or infinite.");
        }
    }

    @Test
    void everyOutcomeThatIsAcknowledgedWhileTheDeploymentClosesIsJoined() throws Exception {
        int threads = 4;
        ExecutorService callers = Executors.newFixedThreadPool(threads);
        Set<UUID> acknowledged = new HashSet<>();
        try (Factory factory = Factory.open(home)) {
            Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv));
            CountDownLatch busy = new CountDownLatch(threads * 20);
            List<CompletableFuture<Set<UUID>>> feeding = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                Random random = new Random(thread);
                feeding.add(CompletableFuture.supplyAsync(() -> feedUntilClosed(live, random, busy), callers));
            }
            busy.await();
            live.close();
            live.close();
            for (CompletableFuture<Set<UUID>> fed : feeding) {
                acknowledged.addAll(fed.join());
            }
        } finally {
            callers.shutdownNow();
        }
        assertThat(acknowledged).hasSizeGreaterThanOrEqualTo(threads * 20);
        assertThat(joined("points")).containsAll(acknowledged);
    }

    private static Set<UUID> feedUntilClosed(
            Deployment<Point, Boolean, Double> live, Random random, CountDownLatch busy) {
        Set<UUID> acknowledged = new HashSet<>();
        try {
            while (true) {
                Point point = CrashChild.point(random);
                UUID id = live.predict(point).id();
                live.feedback(id, CrashChild.inside(point));
                acknowledged.add(id);
                busy.countDown();
            }
        } catch (ClosedException e) {
            return acknowledged;
        }
    }

    @Test
    void refusesEverythingOnceClosed() {
        try (Factory factory = Factory.open(home)) {
            Deployment<Point, Boolean, Double> live = factory.start(CrashChild.pipeline(csv));
            live.close();
            String message = "deployment \"points\": it was closed. Fix: start the pipeline again.";
            assertThatThrownBy(() -> live.feedback(UUID.randomUUID(), true))
                    .isInstanceOf(ClosedException.class)
                    .hasMessage(message);
            assertThatThrownBy(live::rollback)
                    .isInstanceOf(ClosedException.class)
                    .hasMessage(message);
            assertThatThrownBy(live::resume).isInstanceOf(ClosedException.class).hasMessage(message);
            assertThatThrownBy(live::retrain)
                    .isInstanceOf(ClosedException.class)
                    .hasMessage("a run of pipeline \"points\": its deployment was closed. Fix: start the pipeline"
                            + " again.");
            assertThatThrownBy(() -> live.predict(new Point(1, 1, "red"))).isInstanceOf(ClosedException.class);
            live.awaitRun();
        }
    }

    @Test
    void closingADeploymentAbandonsItsRun() throws Exception {
        HookedTrainer.Gate gate = new HookedTrainer.Gate();
        boolean[] blocked = {false};
        Pipeline<Point, Boolean, Double> pipeline = Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(new HookedTrainer(() -> {
                    if (blocked[0]) {
                        gate.run();
                    }
                }))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
        try (Factory factory = Factory.open(home)) {
            Deployment<Point, Boolean, Double> live = factory.start(pipeline);
            blocked[0] = true;
            CompletableFuture<Run> run = live.retrain();
            gate.begun.await();
            live.close();
            assertThat(run.join().outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(factory.versions("points")).hasSize(1);
        }
    }

    private Set<UUID> joined(String pipeline) {
        Path place = home.resolve("pipelines").resolve(pipeline);
        Set<UUID> ids = new HashSet<>();
        new FeedbackJoin(
                        place.resolve("predictions"),
                        place.resolve("feedback"),
                        RecordType.of(Point.class).schema(),
                        Duration.ofDays(1))
                .run(Instant.MIN, Instant.MAX, example -> ids.add(example.id()));
        return ids;
    }
}
