package dev.flywheel.core.stat.stream;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Curves;
import dev.flywheel.core.stat.Proportion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;

/**
 * How far the scores of a binary model are from the shares of positive rows that came true, in 10 bins of equal width
 * as {@link dev.flywheel.core.stat.Metric#ECE} has them. Takes labelled rows one by one in constant memory, and is
 * mergeable: fill one a thread or a window, and {@link #merge} them. Not thread-safe.
 */
public final class CalibrationTable {

    private static final int BINS = 10;
    private static final int CELLS = 7;
    private static final double Z = 1.959963984540054;
    /** The usual least variance of a count for which the normal approximation serves. */
    private static final double LEAST_SCATTER = 5;

    /**
     * The table as data. Immutable.
     *
     * @param values the bins, in an order that only the class knows
     */
    public record Saved(List<Double> values) {
        /** Copies the list. */
        public Saved {
            values = List.copyOf(values);
        }
    }

    private final long[] rows = new long[BINS];
    private final long[] positives = new long[BINS];
    private final double[] scores = new double[BINS];
    private final double[] squares = new double[BINS];
    private final double[] positiveScores = new double[BINS];
    private final double[] lowest = new double[BINS];
    private final double[] highest = new double[BINS];

    /** Makes an empty table. */
    public CalibrationTable() {
        Arrays.fill(lowest, 1);
    }

    /**
     * {@return the table as it was when it was saved}
     *
     * @throws StoreException if no table saves itself like this
     */
    public static CalibrationTable of(Saved saved) {
        List<Double> values = saved.values();
        if (values.size() != BINS * CELLS) {
            throw new StoreException(
                    "restoring a calibration table",
                    "it holds " + values.size() + " values, expected " + BINS * CELLS,
                    "restore the file that it was saved in from a backup, or start with a new one");
        }
        CalibrationTable table = new CalibrationTable();
        for (int bin = 0; bin < BINS; bin++) {
            int at = bin * CELLS;
            table.rows[bin] = values.get(at).longValue();
            table.positives[bin] = values.get(at + 1).longValue();
            table.scores[bin] = values.get(at + 2);
            table.squares[bin] = values.get(at + 3);
            table.positiveScores[bin] = values.get(at + 4);
            table.lowest[bin] = values.get(at + 5);
            table.highest[bin] = values.get(at + 6);
        }
        return table;
    }

    /**
     * Takes a labelled row.
     *
     * @param score what the model answered, from 0 to 1
     * @param label what came true, 0 or 1
     */
    public void add(double score, double label) {
        ExpectedQuality.checkProbability("score", score);
        if (label != 0 && label != 1) {
            throw new IllegalArgumentException("the label must be 0 or 1, found " + label);
        }
        int bin = Math.min(BINS - 1, (int) (score * BINS));
        rows[bin]++;
        positives[bin] += (long) label;
        scores[bin] += score;
        squares[bin] += score * score;
        positiveScores[bin] += label * score;
        lowest[bin] = Math.min(lowest[bin], score);
        highest[bin] = Math.max(highest[bin], score);
    }

    /** Takes all rows of another table, which stays as it is. */
    public void merge(CalibrationTable other) {
        for (int bin = 0; bin < BINS; bin++) {
            rows[bin] += other.rows[bin];
            positives[bin] += other.positives[bin];
            scores[bin] += other.scores[bin];
            squares[bin] += other.squares[bin];
            positiveScores[bin] += other.positiveScores[bin];
            lowest[bin] = Math.min(lowest[bin], other.lowest[bin]);
            highest[bin] = Math.max(highest[bin], other.highest[bin]);
        }
    }

    /** {@return how many rows it has seen} */
    public long rows() {
        long sum = 0;
        for (long count : rows) {
            sum += count;
        }
        return sum;
    }

    /**
     * {@return the expected calibration error with a normal 95% interval from the scatter within the bins; NaN without
     * rows} Noise counts as error whatever its sign, so the error of few rows is too large; {@link #pValue} says
     * whether there is more than noise.
     */
    public Estimate error() {
        long n = rows();
        if (n == 0) {
            return ExpectedQuality.undefined("no rows");
        }
        double sum = 0;
        double variance = 0;
        for (int bin = 0; bin < BINS; bin++) {
            double gap = scores[bin] - positives[bin];
            sum += Math.abs(gap);
            if (rows[bin] > 0) {
                variance += squares[bin] - 2 * positiveScores[bin] + positives[bin] - gap * gap / rows[bin];
            }
        }
        double half = Z * Math.sqrt(Math.max(0, variance)) / n;
        return new Estimate(sum / n, Math.max(0, sum / n - half), Math.min(1, sum / n + half), "normal");
    }

    /**
     * {@return the probability of gaps at least as large as these if the scores were calibrated: a chi-squared test of
     * as many degrees of freedom as there are bins (Hosmer and Lemeshow, 1980, with a model that did not see these
     * rows); 1 without rows} Neighbouring bins are taken together until five or more rows can be expected to vary.
     */
    public double pValue() {
        double statistic = 0;
        int groups = 0;
        double gap = 0;
        double scatter = 0;
        double rest = totalScatter();
        for (int bin = 0; bin < BINS; bin++) {
            gap += scores[bin] - positives[bin];
            scatter += scatter(bin);
            rest -= scatter(bin);
            boolean last = bin == BINS - 1;
            if (last || (scatter >= LEAST_SCATTER && rest >= LEAST_SCATTER)) {
                statistic += squaredOver(gap, scatter);
                groups++;
                gap = 0;
                scatter = 0;
            }
        }
        return ChiSquaredDistribution.of(groups).survivalProbability(statistic);
    }

    private static double squaredOver(double gap, double scatter) {
        if (Math.abs(gap) < 1e-9) {
            return 0;
        }
        return scatter > 0 ? gap * gap / scatter : Double.POSITIVE_INFINITY;
    }

    private double totalScatter() {
        double sum = 0;
        for (int bin = 0; bin < BINS; bin++) {
            sum += scatter(bin);
        }
        return sum;
    }

    private double scatter(int bin) {
        return Math.max(0, scores[bin] - squares[bin]);
    }

    /** {@return the predicted beside the observed share in each bin that has rows, from the lowest score on} */
    public List<Curves.Bin> bins() {
        List<Curves.Bin> bins = new ArrayList<>();
        for (int bin = 0; bin < BINS; bin++) {
            if (rows[bin] > 0) {
                Estimate observed = Proportion.wilson(positives[bin], rows[bin]);
                bins.add(new Curves.Bin(lowest[bin], highest[bin], rows[bin], scores[bin] / rows[bin], observed));
            }
        }
        return List.copyOf(bins);
    }

    /** {@return the table as data} */
    public Saved saved() {
        List<Double> values = new ArrayList<>();
        for (int bin = 0; bin < BINS; bin++) {
            values.addAll(List.of(
                    (double) rows[bin],
                    (double) positives[bin],
                    scores[bin],
                    squares[bin],
                    positiveScores[bin],
                    lowest[bin],
                    highest[bin]));
        }
        return new Saved(values);
    }
}
