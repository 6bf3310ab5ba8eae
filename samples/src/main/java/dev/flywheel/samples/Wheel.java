package dev.flywheel.samples;

import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
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
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;

/**
 * Customers begin to leave for another reason than those the model has learned from. The deployment sees its quality
 * fall, trains again and says why; then somebody takes the new version back, and the audit log tells who did what.
 */
public final class Wheel {

    private static final List<String> CONTRACTS = List.of("Month-to-month", "One year", "Two year");
    private static final Set<String> TOLD = Set.of(AuditEvent.REJECTED, AuditEvent.PROMOTED, AuditEvent.ROLLED_BACK);

    public static void main(String[] args) throws IOException {
        Path home = Replay.fresh(Path.of("target", "wheel")).resolve("factory");
        Pipeline<Customer, Boolean, Double> churn = Pipeline.named("churn")
                .from(Csv.files("data/telco_churn.csv.gz").examples(Customer.class, Target.isTrue("churn")))
                .features(Features.auto(Customer.class))
                .train(Trainers.logistic())
                .gate(Gate.betterThanChampion(Metric.LOG_LOSS))
                .respond(p -> p)
                .retrain(rules())
                .build();
        try (Factory factory = Factory.open(home, Factory.options().withoutTicks())) {
            watch(factory, churn);
        }
    }

    static Retrain rules() {
        return Retrain.onQualityDrop(Metric.ROC_AUC, 0.05)
                .orAfterLabels(10_000)
                .orEvery(Duration.ofDays(30))
                .withAtLeastLabels(500)
                .atMostPerDay(3)
                .untilRefused(5);
    }

    private static void watch(Factory factory, Pipeline<Customer, Boolean, Double> churn) {
        try (Deployment<Customer, Boolean, Double> live = factory.start(churn)) {
            live.onDecision(e -> System.out.println(e.decision().sentence()));
            Random random = new Random(1);
            Map<UUID, Boolean> outcomes = new HashMap<>();
            for (int i = 0; i < 1_000; i++) {
                Customer customer = customer(random);
                UUID id = live.predict(customer).id();
                outcomes.put(id, customer.contract().equals("Two year"));
            }
            live.feedback(outcomes);
            live.awaitRun();
            live.rollback();
        }
        factory.audit("churn").stream()
                .map(AuditEntry::event)
                .filter(event -> TOLD.contains(event.action()))
                .forEach(event -> System.out.println(event.actor() + " " + event.action() + " "
                        + event.details().getOrDefault("version", "") + ": "
                        + event.details().get("why")));
    }

    private static Customer customer(Random random) {
        String contract = CONTRACTS.get(random.nextInt(CONTRACTS.size()));
        return new Customer(random.nextInt(72), 20 + random.nextInt(90), contract, "DSL", "Mailed check");
    }
}
