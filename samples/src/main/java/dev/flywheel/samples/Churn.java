package dev.flywheel.samples;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.*;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.*;
import dev.flywheel.pipeline.train.Trainers;
import java.nio.file.Path;

/** Which customers will leave? The smallest whole factory: train, judge, serve, take feedback. */
public final class Churn {

    record Customer(int tenure, double monthlyCharges, String contract, String internetService, String paymentMethod) {}

    record Risk(long percent, boolean call) {}

    public static void main(String[] args) {
        Pipeline<Customer, Boolean, Risk> churn = Pipeline.named("churn")
                .from(Csv.files("data/telco_churn.csv.gz").examples(Customer.class, Target.isTrue("churn")))
                .split(Split.random(0.2))
                .features(Features.auto(Customer.class))
                .train(Trainers.logistic(), Trainers.mlp(32, 16))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.80))
                .respond(p -> new Risk(Math.round(100 * p), p > 0.5))
                .build();
        try (Factory factory = Factory.open(Path.of("target/churn-factory"));
                Deployment<Customer, Boolean, Risk> live = factory.start(churn)) {
            Customer customer = new Customer(1, 89.5, "Month-to-month", "Fiber optic", "Electronic check");
            Prediction<Risk> risk = live.predict(customer);
            System.out.println(risk.value() + " says version " + risk.version());
            live.feedback(risk.id(), true); // when the outcome is known: now or in a month
        }
    }
}
