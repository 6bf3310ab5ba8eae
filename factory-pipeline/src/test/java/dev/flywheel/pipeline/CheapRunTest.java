package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.energy.EnergyGauge;
import dev.flywheel.core.energy.EnergyMeter;
import dev.flywheel.core.energy.Forecast;
import dev.flywheel.core.energy.PowerPlan;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.TrainingListener;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MonitorInfo;
import java.lang.management.ThreadInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that wait for cheap power, rest in between, and are lost by nothing. */
class CheapRunTest {

    private static final Instant START = Instant.parse("2004-01-01T00:00:00Z");

    @TempDir
    Path directory;

    private final AtomicReference<Instant> now = new AtomicReference<>(START);
    private final AtomicInteger kept = new AtomicInteger();
    private final AtomicLong joules = new AtomicLong();
    private final AtomicInteger untilInterrupt = new AtomicInteger();
    private Path csv;
    private Path prices;

    private static Instant hour(int hours) {
        return START.plus(Duration.ofHours(hours));
    }

    @BeforeEach
    void writePoints() throws IOException {
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
        prices = directory.resolve("prices.csv");
        prices(9, 1, 9, 1, 9, 9);
    }

    private void prices(int... byHour) throws IOException {
        StringBuilder lines = new StringBuilder("from,price\n");
        for (int i = 0; i < byHour.length; i++) {
            lines.append(hour(i)).append(',').append(byHour[i]).append('\n');
        }
        Files.writeString(prices, lines);
    }

    /** A training of two epochs of an hour, which can be left between them. */
    @SuppressWarnings("serial") // never serialized
    private final class TwoHours implements Trainer {

        private final Trainer real = HandMadeTrainer.atOnce();

        @Override
        public String name() {
            return "two hours";
        }

        @Override
        public Map<String, String> settings() {
            return Map.of();
        }

        @Override
        public void requireTask(Task task) {
            real.requireTask(task);
        }

        @Override
        public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
            work();
            if (listener.mustRest()) {
                kept.incrementAndGet();
                listener.rest();
            }
            work();
            return real.train(matrix, target, seed, listener);
        }

        private void work() {
            now.updateAndGet(at -> at.plus(Duration.ofHours(1)));
            joules.addAndGet(1_000);
        }
    }

    private Pipeline<Point, Boolean, Double> pipeline(String name, Trainer trainer, Retrain retrain) {
        return Pipeline.named(name)
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(trainer)
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .retrain(retrain)
                .build();
    }

    private Pipeline<Point, Boolean, Double> cheap(Trainer trainer) {
        PowerPlan plan = PowerPlan.of(Forecast.csv(prices), Duration.ofHours(2), Duration.ofHours(6));
        return pipeline("points", trainer, Retrain.afterLabels(10).whenCheap(plan));
    }

    private Factory open() {
        EnergyMeter meter = EnergyMeter.of(List.of(new EnergyGauge() {
            @Override
            public String device() {
                return "GPU-1";
            }

            @Override
            public OptionalDouble joules() {
                return OptionalDouble.of((double) joules.get());
            }
        }));
        return Factory.open(
                directory.resolve("home"),
                Factory.options().clock(this::instant).energy(meter).withoutTicks());
    }

    /** The time; whoever closes a factory interrupts the run at any moment, here at one at which it asks for it. */
    private Instant instant() {
        if (Thread.currentThread().getName().equals("flywheel-train") && untilInterrupt.getAndDecrement() == 1) {
            Thread.currentThread().interrupt();
        }
        return Objects.requireNonNull(now.get());
    }

    private static void feed(Deployment<Point, Boolean, Double> live, int count) {
        Random random = new Random(count);
        for (int i = 0; i < count; i++) {
            Point point = CrashChild.point(random);
            live.feedback(live.predict(point).id(), CrashChild.inside(point));
        }
    }

    /** The first version is made by a training that takes no time. */
    private void makeFirst() {
        try (Factory factory = open()) {
            assertThat(factory.run(pipeline("points", HandMadeTrainer.atOnce(), Retrain.never()))
                            .outcome())
                    .isEqualTo(Run.Outcome.PROMOTED);
        }
    }

    @Test
    void runIsMadeInTheCheapHoursAndRestsBetweenThemWhileServingAndOthersGoOn() {
        makeFirst();
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(cheap(new TwoHours()))) {
            feed(live, 10);
            live.awaitRun();
            assertThat(live.decision())
                    .isEqualTo(new Decision(
                            START,
                            Decision.Outcome.HOLD,
                            "did not retrain: 10 new labels since the last run, the rule is 10, but power is cheaper"
                                    + " later: planned from 2004-01-01T01:00:00Z at 1.000 a kWh instead of 5.000 now,"
                                    + " done by 2004-01-01T06:00:00Z at the latest"));
            assertThat(live.version()).isEqualTo(1);

            now.set(hour(1));
            live.awaitRun();
            assertThat(now.get()).as("an hour of training is done").isEqualTo(hour(2));
            assertThat(kept).hasValue(1);
            assertThat(live.decision().sentence())
                    .isEqualTo("the run rests: power is cheaper later: planned from 2004-01-01T03:00:00Z at 1.000 a kWh"
                            + " instead of 9.000 now, done by 2004-01-01T06:00:00Z at the latest");
            feed(live, 2);
            assertThat(live.version()).isEqualTo(1);
            joules.addAndGet(50_000); // of others
            assertThat(factory.run(pipeline("other", HandMadeTrainer.atOnce(), Retrain.never()))
                            .outcome())
                    .isEqualTo(Run.Outcome.PROMOTED);

            CompletableFuture<Run> inProgress = live.retrain();
            now.set(hour(3));
            live.awaitRun();
            Run run = inProgress.join();
            assertThat(now.get()).isEqualTo(hour(4));
            assertThat(live.version()).isEqualTo(2);
            assertThat(run.energy().joules()).as("while it was at work").hasValue(2_000);
            assertThat(live.decisions())
                    .extracting(Decision::outcome)
                    .containsExactly(
                            Decision.Outcome.WAIT,
                            Decision.Outcome.HOLD,
                            Decision.Outcome.RETRAIN,
                            Decision.Outcome.HOLD,
                            Decision.Outcome.RETRAIN);
            assertThat(live.decision().sentence()).isEqualTo("did not retrain: 2 of 10 new labels");
        }
    }

    @Test
    void runThatWaitsOrRestsIsLostByNoRestart() {
        makeFirst();
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(cheap(new TwoHours()))) {
            feed(live, 10);
        }
        now.set(hour(1));
        try (Factory factory = open()) { // which closes the deployment
            Deployment<Point, Boolean, Double> live = factory.start(cheap(new TwoHours()));
            live.awaitRun();
            assertThat(live.decision().sentence()).startsWith("the run rests: ");
        }
        now.set(hour(4));
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(cheap(HandMadeTrainer.atOnce()))) {
            assertThat(live.version()).isEqualTo(1);
            live.awaitRun();
            assertThat(live.version()).as("there is no time left to wait").isEqualTo(2);
            assertThat(live.decisions())
                    .extracting(Decision::sentence)
                    .last()
                    .isEqualTo("retrains: 10 new labels since the last run, the rule is 10");
        }
    }

    @Test
    void newerForecastIsFollowedAndOneThatFailsKeepsNoRunWaiting() throws IOException {
        makeFirst();
        prices(9, 9, 9, 1, 1, 9);
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(cheap(HandMadeTrainer.atOnce()))) {
            feed(live, 10);
            assertThat(live.decision().sentence()).contains("planned from 2004-01-01T03:00:00Z");
            prices(9, 9, 1, 1, 9, 9);
            now.set(START.plusSeconds(60));
            assertThat(live.decision().sentence()).contains("planned from 2004-01-01T02:00:00Z");
            Files.delete(prices);
            now.set(START.plusSeconds(120));
            live.awaitRun();
            assertThat(live.version()).isEqualTo(2);
        }
    }

    @Test
    void whatTheHostAsksForIsMadeAtOnceAndCountsForWhatWasOwed() {
        makeFirst();
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(cheap(new TwoHours()))) {
            feed(live, 10);
            assertThat(live.retrain().join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(now.get()).isEqualTo(hour(2));
            assertThat(kept).hasValue(0);
            assertThat(live.decision().sentence()).isEqualTo("did not retrain: 0 of 10 new labels");
        }
    }

    @Test
    void deploymentThatIsClosedWhileItsRunRestsWaitsForNobody() {
        makeFirst();
        try (Factory factory = open()) {
            try (Deployment<Point, Boolean, Double> live = factory.start(cheap(new TwoHours()))) {
                feed(live, 10);
                now.set(hour(1));
                live.awaitRun();
                assertThat(live.decision().outcome()).isEqualTo(Decision.Outcome.HOLD);
            }
            assertThat(factory.run(pipeline("other", HandMadeTrainer.atOnce(), Retrain.never()))
                            .outcome())
                    .isEqualTo(Run.Outcome.PROMOTED);
        }
    }

    @Test
    void runThatIsAbandonedWhileItWaitsForTheRunOfAnotherTrainsNoMore() {
        makeFirst();
        HookedTrainer.Gate gate = new HookedTrainer.Gate();
        try (Factory factory = open()) {
            CompletableFuture<Run> other;
            try (Deployment<Point, Boolean, Double> live = factory.start(cheap(new TwoHours()))) {
                feed(live, 10);
                now.set(hour(1));
                live.awaitRun();
                assertThat(kept).as("rests").hasValue(1);
                other = CompletableFuture.supplyAsync(
                        () -> factory.run(pipeline("other", new HandMadeTrainer(gate), Retrain.never())));
                Uninterruptibles.awaitUninterruptibly(gate.begun);
                now.set(hour(3));
                feed(live, 1);
                assertThat(live.decision().sentence()).startsWith("the run rests: ");
            }
            assertThat(now.get()).isEqualTo(hour(3));
            gate.letGo.countDown();
            assertThat(other.join().outcome()).isEqualTo(Run.Outcome.PROMOTED);
        }
    }

    @Test
    void runThatIsInterruptedAtItsBeginIsOwedAndFailsNot() {
        makeFirst();
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(cheap(HandMadeTrainer.atOnce()))) {
            feed(live, 10);
            now.set(hour(5));
            untilInterrupt.set(3);
            live.awaitRun();
            assertThat(untilInterrupt.get()).isNotPositive();
            assertThat(live.version()).isEqualTo(1);
            live.awaitRun();
            assertThat(live.version()).isEqualTo(2);
        }
    }

    @Test
    void clockThatIsSetBackMovesTheDeadline() {
        PowerPlan plan = PowerPlan.of(Forecast.csv(prices), Duration.ofHours(2), Duration.ofHours(6));
        CheapTime cheap = new CheapTime(plan, hour(1_000), "labels");
        cheap.look(START);
        assertThat(cheap.mayStart(START)).isFalse();
        assertThat(cheap.sentence()).endsWith("done by 2004-01-01T06:00:00Z at the latest");
    }

    @Test
    void forecastIsAskedByAThreadThatNobodyWaitsFor() {
        makeFirst();
        Set<String> locked = new ConcurrentSkipListSet<>();
        AtomicInteger asked = new AtomicInteger();
        Forecast forecast = (from, until) -> {
            asked.incrementAndGet();
            ThreadInfo[] here = ManagementFactory.getThreadMXBean()
                    .getThreadInfo(new long[] {Thread.currentThread().getId()}, true, false);
            for (MonitorInfo monitor : here[0].getLockedMonitors()) {
                locked.add(monitor.getLockedStackFrame().toString());
            }
            return List.of(
                    new Forecast.Slot(hour(0), hour(1), 9, 0),
                    new Forecast.Slot(hour(1), hour(2), 1, 0),
                    new Forecast.Slot(hour(2), hour(3), 9, 0),
                    new Forecast.Slot(hour(3), hour(4), 1, 0),
                    new Forecast.Slot(hour(4), hour(5), 9, 0));
        };
        PowerPlan plan = PowerPlan.of(forecast, Duration.ofHours(2), Duration.ofHours(5));
        Retrain rules = Retrain.afterLabels(10).whenCheap(plan);
        try (Factory factory = open();
                Deployment<Point, Boolean, Double> live = factory.start(pipeline("points", new TwoHours(), rules))) {
            feed(live, 10);
            assertThat(live.decision().outcome()).isEqualTo(Decision.Outcome.HOLD);
            now.set(hour(1));
            live.awaitRun();
            assertThat(kept).as("rests").hasValue(1);
            now.set(hour(3));
            live.awaitRun();
            assertThat(live.version()).isEqualTo(2);
        }
        assertThat(asked).hasPositiveValue();
        assertThat(locked).isEmpty();
    }
}
