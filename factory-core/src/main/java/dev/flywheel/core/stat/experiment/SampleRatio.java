package dev.flywheel.core.stat.experiment;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;

/**
 * The check that the arms got the shares of units they should: where they did not (a sample-ratio mismatch), something
 * in assignment or logging is broken, and no effect can be trusted (Fabijan et al., KDD 2019). Immutable.
 *
 * @param statistic of the test
 * @param p the p-value of the shares being as planned
 */
public record SampleRatio(double statistic, double p) {

    /** The concentration of the sequential test's prior around the planned shares, as in its paper's examples. */
    private static final double CONCENTRATION = 100;

    /**
     * {@return Pearson's chi-square test, for one look at a sample size fixed before; the statistic is chi-square}
     *
     * @param observed units of each arm
     * @param weights planned for each arm, in any unit, each above 0
     */
    public static SampleRatio chiSquare(long[] observed, double[] weights) {
        double[] shares = shares(observed, weights);
        double all = Arrays.stream(observed).sum();
        if (all == 0) {
            return new SampleRatio(0, 1);
        }
        double statistic = IntStream.range(0, observed.length)
                .mapToDouble(i -> {
                    double expected = shares[i] * all;
                    return (observed[i] - expected) * (observed[i] - expected) / expected;
                })
                .sum();
        return new SampleRatio(
                statistic, ChiSquaredDistribution.of(observed.length - 1.0).survivalProbability(statistic));
    }

    /**
     * {@return the sequential multinomial test (Lindon and Malek, NeurIPS 2022), which may be done after each unit; the
     * statistic is the logarithm of the Bayes factor against the planned shares} The least p of all looks so far is
     * valid at any time.
     *
     * @param observed units of each arm
     * @param weights planned for each arm, in any unit, each above 0
     */
    public static SampleRatio sequential(long[] observed, double[] weights) {
        return sequential(observed, weights, CONCENTRATION);
    }

    /**
     * {@return the sequential multinomial test with another prior}
     *
     * @param concentration of the Dirichlet prior around the planned shares: the larger, the smaller the mismatches it
     *     looks for; above 0, by default 100
     */
    public static SampleRatio sequential(long[] observed, double[] weights, double concentration) {
        double[] shares = shares(observed, weights);
        long all = Arrays.stream(observed).sum();
        double log = Special.logGamma(concentration) - Special.logGamma(concentration + all);
        for (int i = 0; i < observed.length; i++) {
            double prior = concentration * shares[i];
            log += Special.logGamma(prior + observed[i]) - Special.logGamma(prior) - observed[i] * Math.log(shares[i]);
        }
        return new SampleRatio(log, Math.min(1, Math.exp(-log)));
    }

    private static double[] shares(long[] observed, double[] weights) {
        double sum = Arrays.stream(weights).sum();
        boolean valid = observed.length == weights.length
                && observed.length >= 2
                && Arrays.stream(observed).allMatch(n -> n >= 0)
                && Arrays.stream(weights).allMatch(w -> w > 0 && w / sum > 0);
        if (!valid) {
            throw new IllegalArgumentException(
                    "a sample ratio needs two or more arms with a count and a weight above 0 each, found counts "
                            + Arrays.toString(observed) + " and weights " + Arrays.toString(weights));
        }
        return Arrays.stream(weights).map(w -> w / sum).toArray();
    }
}
