package dev.flywheel.core.stat.experiment;

import java.util.function.DoubleUnaryOperator;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Uniform boundaries of a martingale by the method of mixtures: with the chance {@code 1 - alpha}, a sum of centred
 * numbers stays below {@link #bound} at all times together (Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform
 * Chernoff bounds via nonnegative supermartingales" and "Time-uniform, nonparametric, nonasymptotic confidence
 * sequences", Annals of Statistics 49, 2021). Immutable.
 *
 * <p>{@code v} is the intrinsic time of the sum: its variance, known or bounded. {@code best} is the time at which the
 * boundary is tightest.
 */
public final class Mixture {

    private static final double TUNED_FOR = 0.05;
    private static final NormalDistribution NORMAL = NormalDistribution.of(0, 1);
    private static final int HALVINGS = 200;

    /** The logarithm of the mixture supermartingale. */
    @FunctionalInterface
    private interface Log {
        double of(double s, double v);
    }

    private final Log log;
    private final double slopeOfLargest;

    private Mixture(Log log, double slopeOfLargest) {
        this.log = log;
        this.slopeOfLargest = slopeOfLargest;
    }

    /**
     * {@return the precision of a normal mixture whose two-sided bound of {@code alpha} is tightest at {@code best}}
     */
    public static double precision(double best, double alpha) {
        double inverse = 2 * Math.log(1 / Effect.alpha(alpha));
        return positive("best", best) / (inverse + Math.log1p(inverse));
    }

    /** {@return the two-sided mixture of sub-Gaussian sums: the bound holds for the sum and for its negative} */
    public static Mixture normal(double best) {
        double rho = precision(best, TUNED_FOR);
        return new Mixture(
                (s, v) -> 0.5 * Math.log(rho / (v + rho)) + s * s / (2 * (v + rho)), Double.POSITIVE_INFINITY);
    }

    /** {@return the one-sided mixture of sub-Gaussian sums} */
    public static Mixture normalOneSided(double best) {
        double rho = precision(best, 2 * TUNED_FOR);
        return new Mixture(
                (s, v) -> 0.5 * Math.log(4 * rho / (v + rho))
                        + s * s / (2 * (v + rho))
                        + Math.log(NORMAL.cumulativeProbability(s / Math.sqrt(v + rho))),
                Double.POSITIVE_INFINITY);
    }

    /**
     * {@return the one-sided mixture of sub-exponential sums}
     *
     * @param scale c of the paper, above 0: the largest number of a bounded sum
     */
    public static Mixture gammaExponential(double best, double scale) {
        double c2 = positive("scale", scale) * scale;
        double prior = precision(best, 2 * TUNED_FOR) / c2;
        double constant =
                prior * Math.log(prior) - Special.logGamma(prior) - Math.log(Special.lowerGamma(prior, prior));
        return new Mixture(
                (s, v) -> {
                    double shape = v / c2 + prior;
                    double at = s / scale + shape;
                    return constant
                            + Special.logGamma(shape)
                            + Math.log(Special.lowerGamma(shape, at))
                            - shape * Math.log(at)
                            + at
                            - prior;
                },
                Double.POSITIVE_INFINITY);
    }

    /**
     * {@return the one-sided mixture of sub-Poisson sums}
     *
     * @param scale c of the paper, above 0: the size of a jump
     */
    public static Mixture gammaPoisson(double best, double scale) {
        double c2 = positive("scale", scale) * scale;
        double prior = precision(best, 2 * TUNED_FOR) / c2;
        double constant =
                prior * Math.log(prior) - Special.logGamma(prior) - Math.log(Special.upperGamma(prior, prior));
        return new Mixture(
                (s, v) -> {
                    double rate = v / c2 + prior;
                    double shape = rate + s / scale;
                    return constant
                            + Special.logGamma(shape)
                            + Math.log(Special.upperGamma(shape, rate))
                            - shape * Math.log(rate)
                            + v / c2;
                },
                Double.POSITIVE_INFINITY);
    }

    /**
     * {@return the two-sided mixture of sums of numbers from {@code -below} to {@code above}}
     *
     * @param below g of the paper, above 0
     * @param above h of the paper, above 0
     */
    public static Mixture betaBinomial(double best, double below, double above) {
        Beta beta = new Beta(precision(best, TUNED_FOR), positive("below", below), positive("above", above));
        double prior = Special.logBeta(beta.first(0, 0), beta.second(0, 0));
        return new Mixture(
                (s, v) -> beta.common(s, v) + Special.logBeta(beta.first(s, v), beta.second(s, v)) - prior, 1 / below);
    }

    /** {@return the one-sided mixture of such sums} */
    public static Mixture betaBinomialOneSided(double best, double below, double above) {
        Beta beta = new Beta(precision(best, 2 * TUNED_FOR), positive("below", below), positive("above", above));
        double prior = beta.logIncomplete(0, 0);
        return new Mixture((s, v) -> beta.common(s, v) + beta.logIncomplete(s, v) - prior, 1 / below);
    }

    /** The terms of the beta-binomial mixture; {@code v} is n g h for sums of n numbers from -g to h. */
    private record Beta(double precision, double g, double h) {

        // below it the prior would not be proper; a thousandth as in the authors' own implementation
        private static final double LEAST = 1e-3;

        double rest() {
            return Math.max(precision - g * h, LEAST * g * h);
        }

        double first(double s, double v) {
            return (rest() + v - g * s) / (g * (g + h));
        }

        double second(double s, double v) {
            return (rest() + v + h * s) / (h * (g + h));
        }

        double common(double s, double v) {
            return v / (g * h) * Math.log(g + h)
                    - (v + h * s) / (h * (g + h)) * Math.log(g)
                    - (v - g * s) / (g * (g + h)) * Math.log(h);
        }

        double logIncomplete(double s, double v) {
            double a = first(s, v);
            double b = second(s, v);
            return Special.logBeta(a, b) + Math.log(Special.beta(h / (g + h), a, b));
        }
    }

    /**
     * {@return the logarithm of the evidence against a mean of zero, of a sum {@code s} at intrinsic time {@code v}}
     */
    public double logMixture(double s, double v) {
        return log.of(s, v);
    }

    /** {@return the boundary: the sum at which the evidence is 1 / alpha; the largest possible sum if it never is} */
    public double bound(double v, double alpha) {
        double threshold = -Math.log(Effect.alpha(alpha));
        DoubleUnaryOperator excess = s -> log.of(s, v) - threshold;
        double most = v * slopeOfLargest;
        double high = Math.min(most, Math.sqrt(v) + 1);
        while (high < most && excess.applyAsDouble(high) < 0) {
            high = Math.min(most, 2 * high);
        }
        return root(excess, 0, high);
    }

    /**
     * {@return the interval of a success rate that holds after any number of trials, from 0 to 1}
     *
     * @param successes of the trials so far
     * @param trials so far, 1 or more
     * @param best the number of trials at which it is tightest, 1 or more
     */
    public static Effect successRate(long successes, long trials, double alpha, long best) {
        Sample sample = Sample.proportion(successes, trials);
        double threshold = -Math.log(Effect.alpha(alpha));
        DoubleUnaryOperator excess = mean -> {
            double unit = mean * (1 - mean);
            return betaBinomial(best * unit, mean, 1 - mean).logMixture(successes - trials * mean, trials * unit)
                    - threshold;
        };
        double rate = sample.mean();
        double tiny = 1e-12;
        double low = rate < tiny || excess.applyAsDouble(tiny) < 0 ? 0 : root(excess.andThen(x -> -x), tiny, rate);
        double high = rate > 1 - tiny || excess.applyAsDouble(1 - tiny) < 0 ? 1 : root(excess, rate, 1 - tiny);
        return new Effect(rate, Math.sqrt(sample.squaredError()), low, high, 1, "beta-binomial confidence sequence");
    }

    /** Bisection of a function that is at most 0 at {@code from} and rises to {@code to}. */
    private static double root(DoubleUnaryOperator f, double from, double to) {
        double low = from;
        double high = to;
        for (int i = 0; i < HALVINGS && high - low > Math.ulp(high); i++) {
            double middle = low + (high - low) / 2;
            if (f.applyAsDouble(middle) < 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    private static double positive(String name, double value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException(name + " must be above 0, found " + value);
        }
        return value;
    }
}
