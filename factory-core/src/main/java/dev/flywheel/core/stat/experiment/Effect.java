package dev.flywheel.core.stat.experiment;

/**
 * The effect of a treatment with its interval. Immutable. Where the data say nothing (fewer than two units in an arm,
 * no variance at all, a relative effect on a control of 0), the interval is infinite and p is 1.
 *
 * @param estimate the effect; NaN if there is none
 * @param standardError of the estimate
 * @param low the lower end of the interval at the confidence that was asked for; may be negative infinity
 * @param high the upper end; may be infinity
 * @param p the p-value of no effect; at most 1
 * @param method how the interval was made
 */
public record Effect(double estimate, double standardError, double low, double high, double p, String method) {

    static Effect unknown(double estimate, String method) {
        return new Effect(estimate, Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, 1, method);
    }

    static Effect around(double estimate, double error, double half, Tail tail, double p, String method) {
        return new Effect(
                estimate,
                error,
                tail == Tail.LESS ? Double.NEGATIVE_INFINITY : estimate - half,
                tail == Tail.GREATER ? Double.POSITIVE_INFINITY : estimate + half,
                p,
                method);
    }

    static double alpha(double alpha) {
        if (!(alpha > 0 && alpha < 1)) {
            throw new IllegalArgumentException("alpha must be between 0 and 1, found " + alpha);
        }
        return alpha;
    }
}
