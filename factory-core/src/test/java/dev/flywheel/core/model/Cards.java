package dev.flywheel.core.model;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Signatures and cards for tests. */
public final class Cards {

    private Cards() {}

    public static Signature signature() {
        return new Signature(
                List.of(new TensorSpec("numbers", ElementType.FLOAT, List.of(-1L, 2L), List.of("distance", "hour"))),
                List.of(new TensorSpec("prediction", ElementType.FLOAT, List.of(-1L, 1L), List.of())));
    }

    public static ModelCard card(String runId) {
        return new ModelCard(
                "delays",
                runId,
                Instant.parse("2026-01-31T12:00:00.123456Z"),
                Task.BINARY,
                "d".repeat(64),
                "from csv, train logistic",
                List.of("a".repeat(64)),
                1000,
                200,
                OptionalInt.of(3),
                "logistic(l2=0.1)",
                Map.of("ROC_AUC", new Estimate(0.71, 0.69, 2.0E-3, "DeLong"), "ECE", nan()),
                List.of(new Verdict("ROC_AUC at least 0.62", Verdict.Outcome.PASS, "0.71")),
                Map.of("java", "17"));
    }

    private static Estimate nan() {
        return new Estimate(Double.NaN, Double.NEGATIVE_INFINITY, 1.0e300, "none");
    }
}
