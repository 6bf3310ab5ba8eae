package dev.flywheel.core.stat;

import java.util.Arrays;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Whether one of two models is better on the same folds, by the values of a metric fold by fold. Immutable. Folds of
 * cross-validation share training rows, so that a small p-value is a hint and no proof (Nadeau and Bengio, Machine
 * Learning 52, 2003).
 *
 * @param statistic of the test
 * @param p the two-sided p-value; 1 if the models never differ
 */
record PairedTest(double statistic, double p) {

    /**
     * {@return Student's t test (1908) of the differences {@code second - first}}
     *
     * @throws IllegalArgumentException if the lengths differ, there are fewer than 2 folds, or a value is not finite
     */
    static PairedTest t(double[] first, double[] second) {
        double[] differences = differences(first, second);
        double mean = Means.mean(differences);
        double t = mean / Means.standardError(differences, mean);
        if (Double.isNaN(t)) {
            return new PairedTest(0, 1);
        }
        return new PairedTest(t, 2 * TDistribution.of(differences.length - 1.0).survivalProbability(Math.abs(t)));
    }

    /**
     * {@return Wilcoxon's signed rank test (1945), exact; the statistic is the smaller of both sums of ranks} Folds
     * without a difference are left out. Of equal differences each gets their mean rank, and the sums are held against
     * those of ranks without ties, as SciPy and R do.
     *
     * @throws IllegalArgumentException as {@link #t} throws it
     */
    static PairedTest wilcoxon(double[] first, double[] second) {
        double[] differences = Arrays.stream(differences(first, second))
                .filter(difference -> difference != 0)
                .toArray();
        double[] sizes = Arrays.stream(differences).map(Math::abs).toArray();
        int[] order = Ranking.ascending(sizes);
        double[] sums = new double[2];
        for (int from = 0, to; from < order.length; from = to) {
            for (to = from + 1; to < order.length && sizes[order[to]] == sizes[order[from]]; to++) {}
            for (int i = from; i < to; i++) {
                sums[differences[order[i]] > 0 ? 1 : 0] += (from + to + 1) / 2.0;
            }
        }
        double least = Math.min(sums[0], sums[1]);
        return new PairedTest(least, Math.min(1, 2 * chance(order.length, (int) least)));
    }

    /** The chance that the ranks 1 to n, each with either sign, have a positive sum of at most {@code most}. */
    private static double chance(int n, int most) {
        double[] chances = new double[most + 1];
        chances[0] = 1;
        for (int rank = 1; rank <= n; rank++) {
            for (int sum = most; sum >= 0; sum--) {
                chances[sum] = (chances[sum] + (sum < rank ? 0 : chances[sum - rank])) / 2;
            }
        }
        return Arrays.stream(chances).sum();
    }

    private static double[] differences(double[] first, double[] second) {
        if (first.length != second.length || first.length < 2) {
            throw new IllegalArgumentException("two models are compared on the same 2 or more folds, found "
                    + first.length + " and " + second.length);
        }
        double[] differences = new double[first.length];
        for (int i = 0; i < differences.length; i++) {
            differences[i] = second[i] - first[i];
            if (!Double.isFinite(differences[i])) {
                throw new IllegalArgumentException("the values of fold " + i + " are " + first[i] + " and " + second[i]
                        + ", expected finite ones");
            }
        }
        return differences;
    }
}
