package dev.flywheel.serving;

import java.util.function.IntToLongFunction;

/**
 * Finds how many rows of a run pay on a device where a run of one row costs nearly what a full batch does: by doubling
 * them until a second answers hardly more.
 */
final class BatchSize {

    /** The rows that are tried first, and given where nothing can be measured. */
    static final int FIRST = 64;

    /** The most numbers of a run. */
    static final long ELEMENTS = 1 << 26;

    private static final int ROWS = 1 << 16;

    /** A doubling that brings less than this is not worth that everyone waits longer. */
    private static final double GAIN = 1.05;

    private BatchSize() {}

    /**
     * {@return the most rows to try, with which a run takes no more than a quarter of its memory}
     *
     * @param elements the numbers of a row and its answer
     * @param bytes the memory that there is for each of the runs that are under way at a time
     */
    static int most(long elements, long bytes) {
        return (int) Math.max(1, Math.min(ROWS, Math.min(ELEMENTS, bytes / 4 / Long.BYTES) / elements));
    }

    /**
     * {@return the rows after which doubling them brings less than 5% more rows a second}
     *
     * @param most the most rows to try
     * @param nanos the time of a run of so many rows; 0 if such a run cannot be made
     */
    static int best(int most, IntToLongFunction nanos) {
        int best = Math.min(FIRST, most);
        long time = nanos.applyAsLong(best);
        while (time > 0 && best <= most / 2) {
            long twice = nanos.applyAsLong(2 * best);
            if (twice <= 0 || 2.0 * time / twice < GAIN) {
                break;
            }
            best *= 2;
            time = twice;
        }
        return best;
    }
}
