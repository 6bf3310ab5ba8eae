package dev.flywheel.pipeline;

import dev.flywheel.core.stat.Metric;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What is seen of a deployment now, for the rules of a {@link Retrain}. Thread-safe. Asked with every outcome and every
 * second, so an answer is at hand: nothing is measured at the question.
 */
interface Signals {

    /** Those of a deployment that is not watched. */
    Signals NONE = new Signals() {};

    /**
     * One feature, or what is predicted, that is not as it was when the version learned.
     *
     * @param feature its name
     * @param measure the measure of the size, such as "PSI"
     * @param size how large the change is
     * @param since the first time of what was seen changed: what is older is as before
     * @param at when it was measured
     */
    record Drift(String feature, String measure, double size, Instant since, Instant at) {

        String sentence() {
            return String.format(Locale.ROOT, "%s %s %.2f", feature, measure, size);
        }
    }

    /**
     * How good the serving version is, beside how good it was at its evaluation.
     *
     * @param metric what is measured
     * @param now what it is
     * @param reference what it was
     * @param at when it was measured
     * @param sentence what was measured, on how much, such as "AUC of version 4 is 0.7 on its last 1000 outcomes, 0.8
     *     at its evaluation"
     */
    record Quality(Metric metric, double now, double reference, Instant at, String sentence) {

        /** {@return how much worse it has become; negative where it is better} */
        double drop() {
            return metric.oriented(reference - now);
        }
    }

    /** {@return what has drifted beyond chance, the largest change first} */
    default List<Drift> drift() {
        return List.of();
    }

    /** {@return the quality on the outcomes that are known; empty where there are too few} */
    default Optional<Quality> quality(Metric metric) {
        return Optional.empty();
    }

    /** {@return the quality estimated without outcomes; empty where that is not possible} */
    default Optional<Quality> estimatedQuality(Metric metric) {
        return Optional.empty();
    }
}
