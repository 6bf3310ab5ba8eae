package dev.flywheel.core.stat.drift;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * How far apart two distributions over the same bins or categories are. Counts are made shares first; no rows at all
 * count as a share of 0 everywhere. Thread-safe.
 */
public final class Divergence {

    private Divergence() {}

    /**
     * {@return the population stability index, the sum of (w - r) ln(w / r) over the shares (Siddiqi 2006, "Credit risk
     * scorecards"; it is Jeffreys's divergence of 1946). Usually read as: below 0.1 no change, above 0.25 a large one;
     * but see {@link #expectedPsi}}
     *
     * @param floor what a share of 0 is replaced by; with 0 the index is infinite where a bin is empty in one only
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double psi(long[] reference, long[] window, double floor) {
        return psi(floored(shares(reference), floor), floored(shares(window), floor));
    }

    /**
     * {@return the population stability index of counts with half a row added to each bin (Krichevsky and Trofimov
     * 1981), so that an empty bin of a small window stays small news}
     *
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double psi(long[] reference, long[] window) {
        return psi(smoothed(reference), smoothed(window));
    }

    /**
     * {@return what the population stability index is on average though nothing changed: (bins - 1) (1/n + 1/m)
     * (Yurdakul 2018, "Statistical properties of population stability index")}
     */
    public static double expectedPsi(int bins, long n, long m) {
        return (bins - 1) * (1.0 / n + 1.0 / m);
    }

    static double psi(double[] r, double[] w) {
        same(r.length, w.length);
        double sum = 0;
        for (int i = 0; i < r.length; i++) {
            sum += r[i] == w[i] ? 0 : (w[i] - r[i]) * Math.log(w[i] / r[i]);
        }
        return sum;
    }

    /**
     * {@return the Kullback-Leibler divergence (1951) of the reference from the window, in nats: the sum of r ln(r / w)
     * over shares that are made to add up to 1 again after flooring}
     *
     * @param floor what a share of 0 is replaced by
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double kullbackLeibler(long[] reference, long[] window, double floor) {
        return relativeEntropy(
                normalised(floored(shares(reference), floor)), normalised(floored(shares(window), floor)));
    }

    /**
     * {@return the Jensen-Shannon distance in base 2, the square root of the divergence (Lin 1991; Endres and
     * Schindelin 2003): from 0 to 1}
     *
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double jensenShannon(long[] reference, long[] window) {
        return Math.sqrt(jensenShannonDivergence(shares(reference), shares(window)));
    }

    /**
     * {@return the Jensen-Shannon distance in base 2 of two histograms whose buckets differ, over the union of all
     * borders}
     *
     * @throws IllegalArgumentException if a histogram has no rows
     */
    public static double jensenShannon(List<Bucket> reference, List<Bucket> window) {
        double[] borders = Stream.concat(reference.stream(), window.stream())
                .flatMapToDouble(b -> DoubleStream.of(b.low(), b.high()))
                .sorted()
                .distinct()
                .toArray();
        return Math.sqrt(jensenShannonDivergence(shares(reference, borders), shares(window, borders)));
    }

    /** The share at each border and, between two of them, of what lies in between. */
    private static double[] shares(List<Bucket> histogram, double[] borders) {
        double rows = histogram.stream().mapToDouble(Bucket::count).sum();
        if (!(rows > 0)) {
            throw new IllegalArgumentException("a histogram needs rows, found an empty histogram");
        }
        double[] shares = new double[2 * borders.length - 1];
        for (Bucket bucket : histogram) {
            for (int i = 0; i < shares.length; i++) {
                shares[i] += bucket.within(borders[i / 2], borders[(i + 1) / 2]) / rows;
            }
        }
        return shares;
    }

    /** {@return the Jensen-Shannon divergence in bits, 0 to 1} */
    static double jensenShannonDivergence(double[] r, double[] w) {
        same(r.length, w.length);
        double[] middle = new double[r.length];
        Arrays.setAll(middle, i -> (r[i] + w[i]) / 2);
        double nats = (relativeEntropy(r, middle) + relativeEntropy(w, middle)) / 2;
        return Math.max(0, nats / Math.log(2));
    }

    /**
     * {@return the Hellinger distance (1909): from 0 to 1}
     *
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double hellinger(long[] reference, long[] window) {
        double[] r = shares(reference);
        double[] w = shares(window);
        same(r.length, w.length);
        double sum = 0;
        for (int i = 0; i < r.length; i++) {
            double root = Math.sqrt(r[i]) - Math.sqrt(w[i]);
            sum += root * root;
        }
        return Math.sqrt(sum / 2);
    }

    /**
     * {@return the total variation distance: the share of rows that would have to move, 0 to 1}
     *
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double totalVariation(long[] reference, long[] window) {
        return Arrays.stream(differences(shares(reference), shares(window))).sum() / 2;
    }

    /**
     * {@return the largest difference of the share of any category, 0 to 1}
     *
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double largestDifference(long[] reference, long[] window) {
        return largestDifference(shares(reference), shares(window));
    }

    /**
     * {@return the largest difference of the share of any category, 0 to 1, of weights that are made shares first}
     *
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double largestDifference(double[] reference, double[] window) {
        return largest(normalised(reference), normalised(window));
    }

    /**
     * {@return the largest difference of any weight over the sum of all weights of both, 0 to 1: other than
     * {@link #largestDifference(double[], double[])} it sees that everything became more or less (TensorFlow Data
     * Validation's normalized absolute difference)}
     *
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double normalizedDifference(double[] reference, double[] window) {
        double all = Arrays.stream(reference).sum() + Arrays.stream(window).sum();
        return all == 0 ? 0 : largest(reference, window) / all;
    }

    private static double largest(double[] r, double[] w) {
        return Arrays.stream(differences(r, w)).max().orElse(0);
    }

    private static double[] differences(double[] r, double[] w) {
        same(r.length, w.length);
        double[] differences = new double[r.length];
        Arrays.setAll(differences, i -> Math.abs(r[i] - w[i]));
        return differences;
    }

    private static double relativeEntropy(double[] p, double[] q) {
        same(p.length, q.length);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            sum += p[i] == 0 ? 0 : p[i] * Math.log(p[i] / q[i]);
        }
        return sum;
    }

    private static double[] shares(long[] counts) {
        return normalised(Arrays.stream(counts).asDoubleStream().toArray());
    }

    private static double[] normalised(double[] weights) {
        double sum = Arrays.stream(weights).sum();
        return each(weights, w -> sum == 0 ? 0 : w / sum);
    }

    private static double[] smoothed(long[] counts) {
        return normalised(Arrays.stream(counts).mapToDouble(c -> c + 0.5).toArray());
    }

    private static double[] floored(double[] shares, double floor) {
        return each(shares, s -> s == 0 ? floor : s);
    }

    private static double[] each(double[] values, DoubleUnaryOperator change) {
        return Arrays.stream(values).map(change).toArray();
    }

    private static void same(int first, int second) {
        if (first != second) {
            throw new IllegalArgumentException(
                    "counts of the same categories expected, found " + first + " and " + second);
        }
    }
}
