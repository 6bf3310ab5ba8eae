package dev.flywheel.pipeline.prove;

import dev.flywheel.core.stat.experiment.CrossMoments;
import dev.flywheel.core.stat.experiment.Moments;
import java.util.Objects;

/**
 * What one arm has seen of one goal. Immutable; merges; a record of JSON.
 *
 * @param values all observations; none of a ratio
 * @param pairs those that came with a covariate, which is x; of a ratio, the numerator as x and the denominator as y
 */
public record Sums(Moments values, CrossMoments pairs) {

    static final Sums NONE = new Sums(Moments.NONE, CrossMoments.NONE);

    /** Refuses null. */
    public Sums {
        Objects.requireNonNull(values, "values");
        Objects.requireNonNull(pairs, "pairs");
    }

    Sums plus(double value) {
        return new Sums(values.plus(value), pairs);
    }

    Sums plus(double covariate, double value) {
        return new Sums(values.plus(value), pairs.plus(covariate, value));
    }

    Sums plusRatio(double numerator, double denominator) {
        return new Sums(values, pairs.plus(numerator, denominator));
    }

    Sums merge(Sums other) {
        return new Sums(values.merge(other.values), pairs.merge(other.pairs));
    }

    long n() {
        return Math.max(values.n(), pairs.n());
    }

    /** {@return whether each observation came with a covariate} */
    boolean covered() {
        return values.n() > 0 && pairs.n() == values.n();
    }
}
