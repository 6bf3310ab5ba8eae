package dev.flywheel.core.stat.stream;

import dev.flywheel.core.model.Estimate;
import java.util.List;

/**
 * A table of scores from 0 to 1 and of the probabilities that came with them. Bins are narrow where scores are near 0
 * or 1: 32 for each power of two of the distance to the nearer end, down to 2^-17. Mergeable. Not thread-safe.
 */
final class Scores {

    private static final int SHIFT = 52 - 5;
    private static final double LEAST = 0x1p-17;
    private static final long BASE = Double.doubleToRawLongBits(LEAST) >>> SHIFT;
    private static final int SIDE = (int) ((Double.doubleToRawLongBits(0.5) >>> SHIFT) - BASE) + 2;

    private final long[] rows = new long[2 * SIDE];
    private final double[] sums = new double[2 * SIDE];
    private final double[] squares = new double[2 * SIDE];

    /** {@return the bin of a score, in the scores' order} */
    static int bin(double score) {
        boolean low = score < 0.5;
        double distance = low ? score : 1 - score;
        int step = distance < LEAST ? 0 : 1 + (int) ((Double.doubleToRawLongBits(distance) >>> SHIFT) - BASE);
        return low ? step : 2 * SIDE - 1 - step;
    }

    void add(double score, double probability) {
        int bin = bin(score);
        rows[bin]++;
        sums[bin] += probability;
        squares[bin] += probability * probability;
    }

    void merge(Scores other) {
        for (int bin = 0; bin < rows.length; bin++) {
            rows[bin] += other.rows[bin];
            sums[bin] += other.sums[bin];
            squares[bin] += other.squares[bin];
        }
    }

    Estimate auc() {
        ExpectedAuc auc = start();
        if (!auc.defined()) {
            return ExpectedAuc.undefined();
        }
        for (int bin = 0; bin < rows.length; bin++) {
            if (rows[bin] > 0) {
                auc.first((double) rows[bin], sums[bin], scatter(bin));
            }
        }
        for (int bin = 0; bin < rows.length; bin++) {
            if (rows[bin] > 0) {
                auc.second((double) rows[bin], sums[bin], scatter(bin));
            }
        }
        return ExpectedQuality.interval(auc.area(), auc.error(), error(), 1);
    }

    /**
     * {@return the most by which the area can be off} A pair of one bin counts half; in its true order it would count
     * (p_i - p_j) / 2 more or less, and the sum of |p_i - p_j| over the pairs of a bin is at most the root of their
     * number times the sum of the squares (Cauchy-Schwarz), which the bin knows.
     */
    double error() {
        ExpectedAuc auc = start();
        double sum = 0;
        for (int bin = 0; bin < rows.length; bin++) {
            double n = rows[bin];
            double spread = Math.max(0, n * squares[bin] - sums[bin] * sums[bin]);
            sum += Math.sqrt(n * (n - 1) / 2 * spread);
        }
        return auc.defined() ? sum / 2 / auc.pairs() : 0;
    }

    private ExpectedAuc start() {
        double n = 0;
        double positives = 0;
        double scatter = 0;
        for (int bin = 0; bin < rows.length; bin++) {
            n += rows[bin];
            positives += sums[bin];
            scatter += scatter(bin);
        }
        return new ExpectedAuc(n, positives, scatter);
    }

    private double scatter(int bin) {
        return Math.max(0, sums[bin] - squares[bin]);
    }

    void save(List<Double> values) {
        for (int bin = 0; bin < rows.length; bin++) {
            if (rows[bin] > 0) {
                values.addAll(List.of((double) bin, (double) rows[bin], sums[bin], squares[bin]));
            }
        }
    }

    void load(List<Double> values) {
        for (int i = 0; i < values.size(); i += 4) {
            int bin = values.get(i).intValue();
            rows[bin] = values.get(i + 1).longValue();
            sums[bin] = values.get(i + 2);
            squares[bin] = values.get(i + 3);
        }
    }
}
