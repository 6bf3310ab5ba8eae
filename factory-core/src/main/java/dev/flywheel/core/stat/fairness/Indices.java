package dev.flywheel.core.stat.fairness;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Single numbers of how unequal decisions are, and what evens them out. Thread-safe. */
final class Indices {

    private Indices() {}

    /**
     * {@return what each row gets from its decision: 1 if it is right, 2 if it is better than deserved, 0 if it is
     * worse (Speicher et al., KDD 2018)}
     *
     * @param labels 0 or 1, of shape [rows]
     * @param decisions 0 or 1, of shape [rows]
     */
    static double[] benefits(double[] labels, double[] decisions) {
        return IntStream.range(0, labels.length)
                .mapToDouble(row -> decisions[row] - labels[row] + 1)
                .toArray();
    }

    /**
     * {@return the generalized entropy of benefits, 0 if all get the same (Shorrocks, Econometrica 48, 1980)}
     *
     * @param alpha the weight of distances at the upper end; 1 is the Theil index, 2 half the squared coefficient of
     *     variation; not 0
     * @param benefits of shape [rows], 0 or more, not all 0
     */
    static double generalizedEntropy(double alpha, double[] benefits) {
        double mean = Arrays.stream(benefits).average().orElse(Double.NaN);
        return Arrays.stream(benefits)
                .map(benefit -> benefit / mean)
                .map(share -> alpha == 1
                        ? (share == 0 ? 0 : share * Math.log(share))
                        : (Math.pow(share, alpha) - 1) / (alpha * (alpha - 1)))
                .average()
                .orElse(Double.NaN);
    }

    /**
     * {@return the part of {@link #generalizedEntropy} that lies between groups: that of rows which all get the mean of
     * their group}
     *
     * @param groups the group of each row, of shape [rows]
     */
    static double betweenGroups(double alpha, double[] benefits, String[] groups) {
        Map<String, double[]> sums = new HashMap<>();
        for (int row = 0; row < groups.length; row++) {
            double[] sum = sums.computeIfAbsent(groups[row], unused -> new double[2]);
            sum[0] += benefits[row];
            sum[1]++;
        }
        return generalizedEntropy(
                alpha,
                Arrays.stream(groups)
                        .map(sums::get)
                        .mapToDouble(sum -> sum[0] / sum[1])
                        .toArray());
    }

    /**
     * {@return the largest logarithm of a ratio between two groups' chances of either decision, smoothed; 0 if all are
     * alike (Foulds et al., "An Intersectional Definition of Fairness", ICDE 2020)}
     *
     * @param selected rows decided as positive, of shape [groups]
     * @param rows of shape [groups]
     * @param concentration of the prior, above 0; 1 is a row that is half of each decision
     */
    static double differentialFairness(long[] selected, long[] rows, double concentration) {
        double[] logs = IntStream.range(0, rows.length)
                .mapToDouble(i -> Math.log((selected[i] + concentration / 2) / (rows[i] + concentration)))
                .toArray();
        double[] others =
                Arrays.stream(logs).map(log -> Math.log1p(-Math.exp(log))).toArray();
        return Math.max(range(logs), range(others));
    }

    private static double range(double[] values) {
        return Arrays.stream(values).max().orElse(Double.NaN)
                - Arrays.stream(values).min().orElse(Double.NaN);
    }

    /**
     * {@return weights to train with, under which group and label are independent (Kamiran and Calders, Knowledge and
     * Information Systems 33, 2012), of shape [rows]; they add up to the number of rows}
     *
     * @param labels of shape [rows]
     * @param groups of shape [rows]
     */
    static double[] reweighing(double[] labels, String[] groups) {
        Map<String, Integer> ofGroup = new HashMap<>();
        Map<Double, Integer> ofLabel = new HashMap<>();
        Map<List<Object>, Integer> ofBoth = new HashMap<>();
        for (int row = 0; row < labels.length; row++) {
            ofGroup.merge(groups[row], 1, Integer::sum);
            ofLabel.merge(labels[row], 1, Integer::sum);
            ofBoth.merge(List.of(groups[row], labels[row]), 1, Integer::sum);
        }
        return IntStream.range(0, labels.length)
                .mapToDouble(row -> (double) ofGroup.getOrDefault(groups[row], 0)
                        * ofLabel.getOrDefault(labels[row], 0)
                        / ((double) labels.length * ofBoth.getOrDefault(List.of(groups[row], labels[row]), 0)))
                .toArray();
    }

    /**
     * The positions of a ranking, counted from 0, up to which a group has fewer rows than its share of them rounded
     * down (Yang and Stoyanovich, SSDBM 2017).
     */
    static int[] infeasible(String[] ranking, Map<String, Double> shares) {
        return IntStream.range(0, ranking.length)
                .filter(position -> shares.entrySet().stream()
                        .anyMatch(share -> Arrays.stream(ranking, 0, position + 1)
                                        .filter(share.getKey()::equals)
                                        .count()
                                < Math.floor(share.getValue() * (position + 1))))
                .toArray();
    }

    /** The gains of a ranking, each by the logarithm of its position (Jaervelin and Kekaelaeinen 2002). */
    static double discountedGain(double[] gains) {
        return IntStream.range(0, gains.length)
                .mapToDouble(position -> gains[position] * Math.log(2) / Math.log(position + 2.0))
                .sum();
    }

    /** The same by that of the best ranking of these gains. */
    static double normalizedGain(double[] gains) {
        double[] best = Arrays.stream(gains)
                .map(gain -> -gain)
                .sorted()
                .map(gain -> -gain)
                .toArray();
        return discountedGain(gains) / discountedGain(best);
    }

    /** The distances between rows and what became of them, added up; power 1 is Manhattan, 2 Euclid. */
    static double distortion(double[][] rows, double[][] distorted, double power) {
        return IntStream.range(0, rows.length)
                .mapToDouble(row -> Math.pow(
                        IntStream.range(0, rows[row].length)
                                .mapToDouble(i -> Math.pow(Math.abs(distorted[row][i] - rows[row][i]), power))
                                .sum(),
                        1 / power))
                .sum();
    }
}
