package dev.flywheel.core.stat.experiment;

import java.util.function.DoubleUnaryOperator;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * How many units a test with one look needs to see an effect, in each arm, and how likely it sees it with those it has.
 * Thread-safe: no state.
 */
public final class SampleSize {

    private static final NormalDistribution NORMAL = NormalDistribution.of(0, 1);
    private static final double FEWEST = 2;
    private static final int HALVINGS = 50;
    private static final double NEARLY_NORMAL = 1e6;
    private static final int STEPS = 2_000;
    private static final double DEVIATIONS = 12;

    private SampleSize() {}

    /**
     * {@return the units for each arm, not rounded, of a two-sided t test of two means, at least 2}
     *
     * @param effect the difference to see, in standard deviations (Cohen's d); not 0
     * @param alpha the chance of seeing one that is not there, 0 to 1
     * @param power the chance of seeing it where it is, 0 to 1
     */
    public static double ofMeans(double effect, double alpha, double power) {
        return units(effect, alpha, power, units -> powerOfMeans(effect, units, alpha));
    }

    /**
     * {@return the chance that a two-sided t test of two means sees an effect}
     *
     * @param effect the true difference, in standard deviations (Cohen's d)
     * @param units of each arm, above 1
     * @param alpha the chance of seeing one that is not there, 0 to 1
     */
    public static double powerOfMeans(double effect, double units, double alpha) {
        return power(effect * Math.sqrt(units / 2), 2 * units - 2, alpha);
    }

    /**
     * {@return the chance that a two-sided t test of paired differences, or of one mean, sees an effect}
     *
     * @param effect the true mean, in standard deviations of the differences
     * @param pairs how many, above 1
     * @param alpha the chance of seeing one that is not there, 0 to 1
     */
    public static double powerOfPairs(double effect, double pairs, double alpha) {
        return power(effect * Math.sqrt(pairs), pairs - 1, alpha);
    }

    private static double power(double shift, double degrees, double alpha) {
        if (!(degrees > 0)) {
            throw new IllegalArgumentException("a t test needs degrees of freedom above 0, found " + degrees);
        }
        double limit = degrees > NEARLY_NORMAL
                ? NORMAL.inverseSurvivalProbability(Effect.alpha(alpha) / 2)
                : TDistribution.of(degrees).inverseSurvivalProbability(Effect.alpha(alpha) / 2);
        return below(-limit, shift, degrees) + below(-limit, -shift, degrees);
    }

    /**
     * The distribution of Student's t with a shift: the normal one, over all that the estimated deviation may be (by
     * Simpson's rule).
     */
    private static double below(double t, double shift, double degrees) {
        if (degrees > NEARLY_NORMAL) {
            return NORMAL.cumulativeProbability(t - shift);
        }
        ChiSquaredDistribution squares = ChiSquaredDistribution.of(degrees);
        double width = DEVIATIONS / Math.sqrt(2 * degrees);
        double from = Math.max(0, 1 - width);
        double step = (1 + width - from) / STEPS;
        double sum = 0;
        for (int i = 0; i <= STEPS; i++) {
            double s = from + i * step;
            double weight = i == 0 || i == STEPS ? 1 : 2 + 2 * (i % 2);
            double density = s == 0 ? 0 : 2 * degrees * s * squares.density(degrees * s * s);
            sum += weight * density * NORMAL.cumulativeProbability(t * s - shift);
        }
        return sum * step / 3;
    }

    /** How many units give a power that grows with them. */
    private static double units(double effect, double alpha, double power, DoubleUnaryOperator powerOf) {
        if (!(Math.abs(effect) > 0)) {
            throw new IllegalArgumentException("no sample size shows an effect of " + effect);
        }
        double z = NORMAL.inverseSurvivalProbability(Effect.alpha(alpha) / 2)
                + NORMAL.inverseCumulativeProbability(Effect.alpha(power));
        double low = FEWEST;
        double high = Math.max(low, 2 * z * z / (effect * effect)) + 2;
        while (powerOf.applyAsDouble(high) < power) {
            high *= 2;
        }
        for (int i = 0; i < HALVINGS; i++) {
            double middle = (low + high) / 2;
            if (powerOf.applyAsDouble(middle) < power) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /**
     * {@return the units for each arm, not rounded, of a two-sided test of two shares, by Cohen's h and the normal
     * distribution, at least 2}
     *
     * @param share of the control, 0 to 1
     * @param difference to see, in absolute terms; not 0
     * @param alpha the chance of seeing one that is not there, 0 to 1
     * @param power the chance of seeing it where it is, 0 to 1
     */
    public static double ofShares(double share, double difference, double alpha, double power) {
        double h = arc(share + difference) - arc(share);
        return units(h, alpha, power, units -> power(h * Math.sqrt(units / 2), Double.POSITIVE_INFINITY, alpha));
    }

    private static double arc(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a share must be 0 to 1, found " + share);
        }
        return 2 * Math.asin(Math.sqrt(share));
    }
}
