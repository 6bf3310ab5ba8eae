package dev.flywheel.core.stat;

import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/**
 * Standard errors of statistics that have no closed form, by the Poisson bootstrap: a row's weight in a resample is
 * drawn from Poisson(1) instead of drawing rows, so that whatever was sorted stays sorted (Hanley and MacGibbon 2006;
 * Chamandy et al., "Estimating uncertainty for massive data streams", Google 2012). 200 resamples are enough for a
 * standard error, where percentiles would need thousands (Efron and Tibshirani 1993, section 6.4); hence the normal
 * interval. The seed is fixed: the same rows give the same interval.
 */
final class Bootstrap {

    private static final long SEED = 20_010_401L;
    private static final int RESAMPLES = 200;
    private static final int FEWEST_RESAMPLES = 50;
    // Bounds the time to about a second: fewer resamples above 400,000 rows, where the interval is narrow anyway.
    private static final long MOST_WEIGHTS = 80_000_000L;
    private static final byte[] POISSON = poissonTable();

    private Bootstrap() {}

    /**
     * {@return the standard error of a statistic; NaN if it cannot be computed on the resamples}
     *
     * @param rows the number of rows
     * @param statistic the statistic of the rows with the given weights, in row order; the array is reused
     */
    static double standardError(int rows, ToDoubleFunction<byte[]> statistic) {
        int resamples = (int) Math.max(FEWEST_RESAMPLES, Math.min(RESAMPLES, MOST_WEIGHTS / rows));
        SplittableRandom random = new SplittableRandom(SEED);
        byte[] weights = new byte[rows];
        double[] values = new double[resamples];
        int count = 0;
        for (int i = 0; i < resamples; i++) {
            draw(random, weights);
            double value = statistic.applyAsDouble(weights);
            // A resample without one of the classes says nothing about the statistic.
            if (!Double.isNaN(value)) {
                values[count++] = value;
            }
        }
        return count < FEWEST_RESAMPLES / 2 ? Double.NaN : deviation(values, count);
    }

    static byte[] ones(int rows) {
        byte[] ones = new byte[rows];
        java.util.Arrays.fill(ones, (byte) 1);
        return ones;
    }

    private static void draw(SplittableRandom random, byte[] weights) {
        long bits = 0;
        for (int i = 0; i < weights.length; i++) {
            bits = (i & 3) == 0 ? random.nextLong() : bits >>> 16;
            weights[i] = POISSON[(int) (bits & 0xffff)];
        }
    }

    private static double deviation(double[] values, int count) {
        // Around the first value, so that equal ones deviate by nothing at all.
        double mean = 0;
        for (int i = 0; i < count; i++) {
            mean += (values[i] - values[0]) / count;
        }
        double sum = 0;
        for (int i = 0; i < count; i++) {
            double deviation = values[i] - values[0] - mean;
            sum += deviation * deviation;
        }
        return Math.sqrt(sum / (count - 1));
    }

    /** The inverse of Poisson(1)'s distribution function at 65,536 even steps: a draw costs a quarter of a long. */
    private static byte[] poissonTable() {
        byte[] table = new byte[1 << 16];
        double probability = Math.exp(-1);
        double cumulative = probability;
        byte value = 0;
        for (int i = 0; i < table.length; i++) {
            while ((i + 0.5) / table.length > cumulative) {
                value++;
                probability /= value;
                cumulative += probability;
            }
            table[i] = value;
        }
        return table;
    }
}
