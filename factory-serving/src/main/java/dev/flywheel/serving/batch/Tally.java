package dev.flywheel.serving.batch;

import dev.flywheel.serving.monitor.Activity;
import dev.flywheel.serving.monitor.Histogram;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What one lane has done: counts, latencies and sizes of batches. Written only by whoever holds the lane, so a plain
 * increment is enough; read by anyone at any time.
 */
public final class Tally {

    /** Latencies up to this many nanoseconds, more than an hour, are told apart. */
    private static final long LONGEST_NANOS = 1L << 42;

    /** Batches up to this many rows are told apart. */
    private static final long LARGEST_BATCH = 1L << 20;

    private static final int CALLS = 0;
    private static final int ERRORS = 1;
    private static final int BATCHES = 2;
    private static final int REFUSED = 3;
    private static final int HITS = 4;
    private static final int MISSES = 5;
    private static final int ROWS = 6;
    private static final int EXPIRED = 7;
    private static final int CANCELLED = 8;
    private static final int REPLACED = 9;
    private static final int LATENCIES = 10;
    private static final int SIZES = LATENCIES + Histogram.bucket(LONGEST_NANOS) + 1;
    private static final int CELLS = SIZES + Histogram.bucket(LARGEST_BATCH) + 1;

    private final AtomicLongArray cells = new AtomicLongArray(CELLS);

    /** Makes an empty one. */
    public Tally() {}

    void call(long nanos) {
        calls(1, nanos);
    }

    /** Counts calls that took equally long. */
    void calls(int count, long nanos) {
        add(CALLS, count);
        add(LATENCIES + Histogram.bucket(Math.min(nanos, LONGEST_NANOS)), count);
    }

    void error() {
        add(ERRORS, 1);
    }

    /** Counts a run. */
    void batch(int rows) {
        add(BATCHES, 1);
        add(ROWS, rows);
        add(SIZES + Histogram.bucket(Math.min(rows, LARGEST_BATCH)), 1);
    }

    /** Counts a call that was answered without a run, now. */
    public void hit(Call<?> call) {
        call(Nanos.now() - call.stamp());
        add(HITS, 1);
    }

    /** Counts a call that was to be answered without a run, and failed, now. */
    public void failedHit(Call<?> call) {
        call(Nanos.now() - call.stamp());
        error();
    }

    /** Counts calls whose answer was not known, so that they ran. */
    public void misses(long count) {
        add(MISSES, count);
    }

    /** Counts calls whose time was over before their turn. */
    public void expired(long count) {
        add(EXPIRED, count);
    }

    /** Counts calls that were cancelled before their turn. */
    void cancelled(long count) {
        add(CANCELLED, count);
    }

    /** Counts lanes that were given up, and others took their place. */
    void replaced(long count) {
        add(REPLACED, count);
    }

    void refused(long count) {
        add(REFUSED, count);
    }

    /** Adds what another tally has counted. */
    public void add(Tally other) {
        for (int i = 0; i < CELLS; i++) {
            add(i, other.cells.getOpaque(i));
        }
    }

    /** {@return what was counted so far} */
    public Activity activity() {
        return new Activity(
                count(CALLS),
                count(ERRORS),
                count(REFUSED),
                count(EXPIRED),
                count(CANCELLED),
                count(BATCHES),
                count(ROWS),
                count(REPLACED),
                count(HITS),
                count(MISSES),
                histogram(SIZES, CELLS),
                histogram(LATENCIES, SIZES));
    }

    private Histogram histogram(int from, int to) {
        long[] counts = new long[to - from];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = count(from + i);
        }
        return Histogram.of(counts);
    }

    private long count(int cell) {
        return cells.getOpaque(cell);
    }

    private void add(int cell, long count) {
        cells.setOpaque(cell, cells.getPlain(cell) + count);
    }
}
