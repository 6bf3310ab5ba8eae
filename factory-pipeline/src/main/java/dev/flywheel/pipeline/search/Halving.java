package dev.flywheel.pipeline.search;

import java.util.Arrays;
import java.util.List;

/** What all ways of halving have in common. */
final class Halving {

    private Halving() {}

    static int checked(int factor) {
        if (factor < 2) {
            throw new IllegalArgumentException("one in at least 2 must be promoted, found one in " + factor);
        }
        return factor;
    }

    /**
     * The value that such a share of others lie below, interpolated linearly between the two nearest; NaN is left out.
     *
     * @param share from 0 to 1
     */
    static double quantile(List<Double> values, double share) {
        double[] sorted = values.stream()
                .mapToDouble(Double::doubleValue)
                .filter(value -> !Double.isNaN(value))
                .toArray();
        Arrays.sort(sorted);
        if (sorted.length == 0) {
            return Double.NaN;
        }
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(sorted.length - 1, below + 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
