package dev.flywheel.samples;

import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.pipeline.Approval;
import dev.flywheel.pipeline.Pipeline;
import dev.flywheel.pipeline.Risk;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.Trainers;
import java.nio.file.Path;
import java.time.Duration;

/** A model that decides about people, and what it must prove before a person lets it. */
final class Credit {

    record Applicant(int seniority, String home, int age, String job, double income, double amount, double price) {}

    private Credit() {}

    static Pipeline<Applicant, Boolean, Double> pipeline(Path examples) {
        return Pipeline.named("credit")
                .from(Csv.files(examples).examples(Applicant.class, Target.equal("status", "bad")))
                .features(Features.auto(Applicant.class))
                .train()
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.70))
                .gate(Gate.notWorseThanChampion(Metric.ROC_AUC, 0.01))
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.60).onEachSlice("home"))
                .gate(Gate.fair(Criterion.EQUAL_OPPORTUNITY, "home", 0.5))
                .gate(Gate.robust(Metric.ROC_AUC, Perturbation.noise(0.1), 0.03))
                .gate(Gate.latencyAtMost(0.99, Duration.ofMillis(5)))
                .respond(probability -> probability)
                .risk(Risk.HIGH)
                .approve(Approval.within(Duration.ofDays(3)))
                .build();
    }

    /** A candidate that somebody else has trained. */
    static Trainer mine() {
        return Trainers.model(Path.of("mine.onnx"));
    }
}
