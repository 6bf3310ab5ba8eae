package dev.flywheel.pipeline.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Counts of values in bins of equal width. Immutable.
 *
 * @param low where the first bin starts
 * @param high where the last bin ends
 * @param counts the values in each bin; a bin includes its lower end, the last one both
 * @param outside the values below {@code low} or above {@code high}: a few far outliers that would leave one bar
 */
public record Histogram(double low, double high, List<Long> counts, long outside) {

    private static final double TAIL = 0.005;

    /** Copies the counts. */
    public Histogram {
        counts = List.copyOf(counts);
    }

    /**
     * {@return the histogram of some values} The range leaves out what lies far beyond the 0.5% and 99.5% quantiles.
     * Integers of a small range get a bin each.
     *
     * @param values at least one value, all finite
     * @param bins the largest number of bins, at least 1
     */
    static Histogram of(double[] values, int bins) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double min = sorted[0];
        double max = sorted[sorted.length - 1];
        double lower = quantile(sorted, TAIL);
        double upper = quantile(sorted, 1 - TAIL);
        double slack = (upper - lower) / 4;
        double low = slack > 0 && min < lower - slack ? lower : min;
        double high = slack > 0 && max > upper + slack ? upper : max;
        if (low == high) {
            return new Histogram(low, high, List.of((long) values.length), 0);
        }
        boolean integers = Arrays.stream(sorted).allMatch(value -> value == Math.rint(value));
        if (integers && high - low < bins) {
            return counted(sorted, low - 0.5, high + 0.5, (int) (high - low) + 1);
        }
        return counted(sorted, low, high, bins);
    }

    /** {@return the linearly interpolated quantile of sorted values} */
    static double quantile(double[] sorted, double share) {
        double position = share * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(sorted.length - 1, below + 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    private static Histogram counted(double[] values, double low, double high, int bins) {
        long[] counts = new long[bins];
        long outside = 0;
        for (double value : values) {
            if (value < low || value > high) {
                outside++;
            } else {
                counts[Math.min(bins - 1, (int) ((value - low) / (high - low) * bins))]++;
            }
        }
        List<Long> list = new ArrayList<>();
        Arrays.stream(counts).forEach(list::add);
        return new Histogram(low, high, list, outside);
    }
}
