package dev.flywheel.core.stat.experiment;

import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * How many units a test with one look needs to see an effect, in each arm. Thread-safe: no state.
 *
 * <p>By the normal approximation: for means, one or two units fewer than the t test needs.
 */
public final class SampleSize {

    private static final NormalDistribution NORMAL = NormalDistribution.of(0, 1);

    private SampleSize() {}

    /**
     * {@return the units for each arm, not rounded, of a two-sided test of two means}
     *
     * @param effect the difference to see, in standard deviations (Cohen's d); not 0
     * @param alpha the chance of seeing one that is not there, 0 to 1
     * @param power the chance of seeing it where it is, 0 to 1
     */
    public static double ofMeans(double effect, double alpha, double power) {
        if (!(Math.abs(effect) > 0)) {
            throw new IllegalArgumentException("no sample size shows an effect of " + effect);
        }
        double z = NORMAL.inverseSurvivalProbability(Effect.alpha(alpha) / 2)
                + NORMAL.inverseCumulativeProbability(Effect.alpha(power));
        return 2 * z * z / (effect * effect);
    }

    /**
     * {@return the units for each arm, not rounded, of a two-sided test of two shares, by Cohen's h}
     *
     * @param share of the control, 0 to 1
     * @param difference to see, in absolute terms; not 0
     * @param alpha the chance of seeing one that is not there, 0 to 1
     * @param power the chance of seeing it where it is, 0 to 1
     */
    public static double ofShares(double share, double difference, double alpha, double power) {
        return ofMeans(arc(share + difference) - arc(share), alpha, power);
    }

    private static double arc(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a share must be 0 to 1, found " + share);
        }
        return 2 * Math.asin(Math.sqrt(share));
    }
}
