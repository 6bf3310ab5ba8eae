package dev.flywheel.core.stat.experiment;

import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Welch's t test of two arms of unequal variance (Biometrika 34, 1947), for a single look at a sample size that was
 * fixed before. Whoever looks more often takes {@link AlwaysValid}. Thread-safe: no state.
 */
public final class Welch {

    private static final String METHOD = "Welch t";

    private Welch() {}

    /**
     * {@return the effect of the treatment}
     *
     * @param lift absolute or relative; the interval of a relative one is that of the delta method
     * @param alpha the chance that the interval misses the truth, 0 to 1
     */
    public static Effect effect(Sample control, Sample treatment, Lift lift, Tail tail, double alpha) {
        Effect.alpha(alpha);
        double estimate = lift.estimate(control, treatment);
        double error = Math.sqrt(lift.squaredError(control, treatment));
        if (!Double.isFinite(estimate) || !(error > 0)) {
            return Effect.unknown(estimate, METHOD);
        }
        TDistribution t = TDistribution.of(Lift.degrees(control, treatment));
        double statistic = estimate / error;
        double p = switch (tail) {
            case TWO_SIDED -> 2 * t.survivalProbability(Math.abs(statistic));
            case GREATER -> t.survivalProbability(statistic);
            case LESS -> t.cumulativeProbability(statistic);
        };
        double quantile = t.inverseSurvivalProbability(tail == Tail.TWO_SIDED ? alpha / 2 : alpha);
        return Effect.around(estimate, error, quantile * error, tail, Math.min(1, p), METHOD);
    }

    /** {@return the degrees of freedom of Welch and Satterthwaite} */
    public static double degreesOfFreedom(Sample control, Sample treatment) {
        return Lift.degrees(control, treatment);
    }
}
