package dev.flywheel.pipeline.feature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The values of a numeric column: all of them up to a million, beyond that a uniform random million (reservoir
 * sampling, Vitter's algorithm R, with a fixed seed). Not thread-safe.
 */
final class ColumnSample {

    private static final int LIMIT = 1 << 20;

    private final SplittableRandom random = new SplittableRandom(20_010_911L);
    private float[] values = new float[1024];
    private int size;
    private long seen;

    /** Takes a value, NaN where it is missing. */
    void add(float value) {
        seen++;
        if (size < LIMIT) {
            if (size == values.length) {
                values = Arrays.copyOf(values, Math.min(LIMIT, 2 * size));
            }
            values[size++] = value;
        } else {
            long place = random.nextLong(seen);
            if (place < LIMIT) {
                values[(int) place] = value;
            }
        }
    }

    /** The values that are there, ascending; those equal to {@code missingAt}, missing and infinite ones left out. */
    float[] present(float missingAt) {
        float[] present = new float[size];
        int count = 0;
        for (int i = 0; i < size; i++) {
            if (Float.isFinite(values[i]) && values[i] != missingAt) {
                present[count++] = values[i];
            }
        }
        float[] sorted = Arrays.copyOf(present, count);
        Arrays.sort(sorted);
        return sorted;
    }

    /** How many values the sample holds, the missing ones included. */
    int size() {
        return size;
    }

    static float median(float[] sorted) {
        if (sorted.length == 0) {
            return 0;
        }
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (float) (((double) sorted[middle - 1] + sorted[middle]) / 2);
    }

    static double mean(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return values.length == 0 ? 0 : sum / values.length;
    }

    /** The different quantiles at 1/bins, 2/bins and so on: each is the lower edge of a bin. */
    static List<Float> edges(float[] sorted, int bins) {
        List<Float> edges = new ArrayList<>();
        float last = sorted.length == 0 ? 0 : sorted[0];
        for (int bin = 1; bin < bins && sorted.length > 0; bin++) {
            float edge = sorted[(int) ((long) bin * sorted.length / bins)];
            if (edge > last) {
                edges.add(edge);
                last = edge;
            }
        }
        return List.copyOf(edges);
    }
}
