package dev.flywheel.samples;

import dev.flywheel.core.energy.Forecast;
import dev.flywheel.core.energy.PowerPlan;
import dev.flywheel.core.energy.Tariff;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.Deployment;
import dev.flywheel.pipeline.Factory;
import dev.flywheel.pipeline.Pipeline;
import dev.flywheel.pipeline.Retrain;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.samples.Churn.Customer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What does it take, and when is that cheap? In an evening of dear power a rule asks for a run; it is made at night.
 * The clock is the sample's own, so that nobody has to wait.
 */
public final class Power {

    private static final Instant EVENING = Instant.parse("2026-01-31T18:00:00Z");
    private static final double[] PRICES = {0.52, 0.50, 0.44, 0.37, 0.31, 0.28, 0.22, 0.19, 0.18, 0.20, 0.24, 0.33};

    private Power() {}

    public static void main(String[] args) throws IOException {
        Path folder = Replay.fresh(Path.of("target", "power"));
        Path prices = write(folder.resolve("prices.csv"));
        AtomicReference<Instant> now = new AtomicReference<>(EVENING);
        Factory.Options options = Factory.options()
                .tariff(Tariff.unknown()
                        .pricePerKilowattHour(0.31, "EUR")
                        .gramsPerKilowattHour(380)
                        .pue(1.2));
        Retrain rules = Retrain.afterLabels(10)
                .whenCheap(PowerPlan.of(Forecast.csv(prices), Duration.ofHours(2), Duration.ofHours(12)));
        Pipeline<Customer, Boolean, Double> churn = Pipeline.named("churn")
                .from(Csv.files("data/telco_churn.csv.gz").examples(Customer.class, Target.isTrue("churn")))
                .features(Features.auto(Customer.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.75))
                .respond(p -> p)
                .retrain(rules)
                .build();
        try (Factory factory = Factory.open(
                        folder.resolve("factory"), options.clock(now::get).withoutTicks());
                Deployment<Customer, Boolean, Double> live = factory.start(churn)) {
            live.onDecision(e -> System.out.println(
                            e.decision().at() + " " + e.decision().sentence()))
                    .onRun(e -> System.out.println(
                            "the run took " + e.run().energy().describe()));
            Customer customer = new Customer(1, 89.5, "Month-to-month", "Fiber optic", "Electronic check");
            for (int i = 0; i < 10; i++) {
                live.feedback(live.predict(customer).id(), i % 2 == 0);
            }
            live.energy()
                    .forEach((version, use) -> use.joulesPerThousand()
                            .ifPresent(joules -> System.out.println(
                                    "version " + version + ": " + joules + " J per 1,000 predictions")));
            now.set(EVENING.plus(Duration.ofHours(7)));
            live.awaitRun();
            System.out.println("version " + live.version() + " serves");
        }
    }

    /** What the exchange tells of the next twelve hours. */
    private static Path write(Path file) throws IOException {
        StringBuilder lines = new StringBuilder("from,price\n");
        for (int hour = 0; hour < PRICES.length; hour++) {
            lines.append(EVENING.plus(Duration.ofHours(hour)))
                    .append(',')
                    .append(PRICES[hour])
                    .append('\n');
        }
        return Files.writeString(file, lines);
    }
}
