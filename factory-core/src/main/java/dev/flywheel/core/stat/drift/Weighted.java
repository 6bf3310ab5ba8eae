package dev.flywheel.core.stat.drift;

import java.util.Arrays;

/**
 * A sample as its distinct values, ascending, each with the number of rows up to and including it. What is computed
 * from two of them is exact for samples and carries the sketch's error for sketches. Immutable by convention.
 */
final class Weighted {

    private final double[] values;
    private final long[] upTo;

    private Weighted(double[] values, long[] upTo) {
        this.values = values;
        this.upTo = upTo;
    }

    /** {@return the distinct values, not copied} */
    double[] values() {
        return values;
    }

    /** {@return the rows up to and including each value, not copied} */
    long[] upTo() {
        return upTo;
    }

    static Weighted of(double[] sample) {
        double[] sorted = sample.clone();
        Arrays.sort(sorted);
        long[] weights = new long[sorted.length];
        Arrays.fill(weights, 1);
        return ofSorted(sorted, weights);
    }

    static Weighted ofSorted(double[] values, long[] weights) {
        double[] distinct = new double[values.length];
        long[] upTo = new long[values.length];
        int size = 0;
        long sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += weights[i];
            if (size == 0 || values[i] != distinct[size - 1]) {
                distinct[size++] = values[i];
            }
            upTo[size - 1] = sum;
        }
        return new Weighted(Arrays.copyOf(distinct, size), Arrays.copyOf(upTo, size));
    }

    long count() {
        return upTo.length == 0 ? 0 : upTo[upTo.length - 1];
    }

    /** {@return the p-quantile, interpolated linearly between the two rows around it (Hyndman and Fan's type 7)} */
    double quantile(double p) {
        double position = p * (count() - 1);
        long row = (long) Math.floor(position);
        double low = atRow(row);
        return row + 1 >= count() ? low : low + (position - row) * (atRow(row + 1) - low);
    }

    private double atRow(long row) {
        int at = Arrays.binarySearch(upTo, row + 1);
        return values[at >= 0 ? at : -at - 1];
    }

    /** {@return the distinct inner borders of {@code bins} bins that hold equal shares of the rows} */
    double[] borders(int bins) {
        double[] borders = new double[bins - 1];
        int size = 0;
        for (int i = 1; i < bins; i++) {
            double border = quantile((double) i / bins);
            if (size == 0 || border != borders[size - 1]) {
                borders[size++] = border;
            }
        }
        return Arrays.copyOf(borders, size);
    }

    /** {@return the rows of each bin; a value that equals a border belongs above it} */
    long[] histogram(double[] borders) {
        long[] counts = new long[borders.length + 1];
        long before = 0;
        for (int i = 0; i < borders.length; i++) {
            int at = Arrays.binarySearch(values, borders[i]);
            int below = at >= 0 ? at : -at - 1;
            long upToHere = below == 0 ? 0 : upTo[below - 1];
            counts[i] = upToHere - before;
            before = upToHere;
        }
        counts[borders.length] = count() - before;
        return counts;
    }

    /**
     * What lies between two empirical distribution functions.
     *
     * @param above the most by which the first exceeds the second
     * @param below the most by which the second exceeds the first
     * @param area the area between them: Wasserstein's distance
     * @param squared the integral of the squared difference
     */
    record Gap(double above, double below, double area, double squared) {
        double largest() {
            return Math.max(above, below);
        }
    }

    Gap gap(Weighted other) {
        double n = count();
        double m = other.count();
        double above = 0;
        double below = 0;
        double area = 0;
        double squared = 0;
        double last = 0;
        double difference = 0;
        int i = 0;
        int j = 0;
        while (i < values.length || j < other.values.length) {
            double x = j == other.values.length || (i < values.length && values[i] <= other.values[j])
                    ? values[i]
                    : other.values[j];
            area += Math.abs(difference) * (x - last);
            squared += difference * difference * (x - last);
            i += i < values.length && values[i] == x ? 1 : 0;
            j += j < other.values.length && other.values[j] == x ? 1 : 0;
            difference = (i == 0 ? 0 : upTo[i - 1] / n) - (j == 0 ? 0 : other.upTo[j - 1] / m);
            above = Math.max(above, difference);
            below = Math.max(below, -difference);
            last = x;
        }
        return new Gap(above, below, area, squared);
    }
}
