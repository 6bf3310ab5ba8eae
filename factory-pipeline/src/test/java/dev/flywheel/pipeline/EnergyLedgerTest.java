package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.energy.Energy;
import dev.flywheel.core.energy.EnergyGauge;
import dev.flywheel.core.energy.EnergyMeter;
import dev.flywheel.core.energy.Tariff;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What runs and predictions take, by a counter that the test turns. */
class EnergyLedgerTest {

    private static final Instant START = Instant.parse("2004-01-01T00:00:00Z");

    @TempDir
    Path directory;

    private final AtomicLong joules = new AtomicLong();
    private final EnergyMeter meter = EnergyMeter.of(List.of(new EnergyGauge() {
        @Override
        public String device() {
            return "GPU-1";
        }

        @Override
        public OptionalDouble joules() {
            return OptionalDouble.of((double) joules.get());
        }
    }));
    private Path csv;

    @BeforeEach
    void writePoints() throws IOException {
        csv = CrashTest.writePoints(directory.resolve("points.csv"), 200);
    }

    private Pipeline<Point, Boolean, Double> pipeline(String name, Trainer trainer) {
        return Pipeline.named(name)
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(trainer)
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.5))
                .respond(p -> p)
                .build();
    }

    private Factory open(Factory.Options options) {
        return Factory.open(
                directory.resolve("home"), options.clock(() -> START).withoutTicks());
    }

    private static void predict(Deployment<Point, Boolean, Double> live, int count) {
        Random random = new Random(count);
        for (int i = 0; i < count; i++) {
            assertThat(live.predict(CrashChild.point(random)).value()).isBetween(0.0, 1.0);
        }
    }

    private static EnergyUse use(Deployment<Point, Boolean, Double> live, int version) {
        return Objects.requireNonNull(live.energy().get(version));
    }

    @Test
    void runTellsWhatItTookAndWhatThatCostsInItsReportAndItsCards() throws IOException {
        Tariff tariff = Tariff.unknown().pricePerKilowattHour(0.25, "EUR").gramsPerKilowattHour(400);
        Trainer trainer = new HandMadeTrainer(() -> joules.addAndGet(7_200_000));
        try (Factory factory = open(Factory.options().energy(meter).tariff(tariff))) {
            Run run = factory.run(pipeline("points", trainer));
            assertThat(run.energy().joules()).hasValue(7_200_000);
            assertThat(run.energy().sources()).containsExactly(Energy.Source.COUNTER);
            Path version = factory.versions("points").get(0).modelCard();
            for (Path told : List.of(run.report(), run.report().resolveSibling("run.json"), run.card(), version)) {
                assertThat(Files.readString(told))
                        .contains("7,200,000 J of GPU-1 by its energy counter); 2.000 kWh, 0.5000 EUR, 800.0 g CO2");
            }
        }
    }

    @Test
    void whereNothingCanBeReadARunSaysThatAndPredictionsTellNothing() throws IOException {
        Pipeline<Point, Boolean, Double> points = pipeline("points", HandMadeTrainer.atOnce());
        try (Factory factory = open(Factory.options().energy(EnergyMeter.of(List.of())))) {
            Run run = factory.run(points);
            assertThat(run.energy().joules()).isEmpty();
            assertThat(Files.readString(run.report().resolveSibling("run.json")))
                    .contains("\"energy\" : \"not known\"");
            try (Deployment<Point, Boolean, Double> live = factory.start(points)) {
                predict(live, 3);
                assertThat(live.energy()).isEmpty();
            }
        }
    }

    @Test
    void windowIsDividedByTheRowsOfEachVersionAndAWindowOfARunIsTheRuns() {
        Trainer trainer = new HandMadeTrainer(() -> joules.addAndGet(10_000));
        try (Factory factory = open(Factory.options().energy(meter));
                Deployment<Point, Boolean, Double> one = factory.start(pipeline("one", trainer));
                Deployment<Point, Boolean, Double> two = factory.start(pipeline("two", trainer))) {
            joules.addAndGet(500); // nobody asked for anything: this is the machine's own
            assertThat(one.energy()).isEmpty();
            predict(one, 30);
            predict(two, 10);
            joules.addAndGet(80);
            EnergyUse first = use(one, 1);
            assertThat(first.predictions()).isEqualTo(30);
            assertThat(first.energy().joules().orElseThrow()).isCloseTo(60, within(1e-9));
            assertThat(first.joulesPerThousand().orElseThrow()).isCloseTo(2000, within(1e-6));
            assertThat(first.energy().parts().get(0).apportioned()).isTrue();
            assertThat(use(two, 1).energy().joules().orElseThrow()).isCloseTo(20, within(1e-9));
            Run run = one.retrain().join();
            assertThat(run.energy().joules()).hasValue(10_000);
            assertThat(one.version()).isEqualTo(2);
            predict(one, 5);
            joules.addAndGet(40);
            EnergyUse second = use(one, 2);
            assertThat(second.predictions()).isEqualTo(5);
            assertThat(second.energy().joules()).hasValue(40);
            assertThat(second.energy().parts().get(0).apportioned()).isFalse();
            assertThat(use(one, 1)).isEqualTo(first);
            assertThat(first.plus(second).joulesPerThousand().orElseThrow()).isCloseTo(100_000 / 35.0, within(1e-6));
        }
    }
}
