package dev.flywheel.serving.batch;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What one lane has done: counts, and latencies in a histogram of 16 buckets for each power of two (so a quantile is
 * right within 6%; the layout of HdrHistogram). Written only by whoever holds the lane, so a plain increment is enough;
 * read by anyone at any time.
 */
public final class Tally {

    private static final int SUB_BITS = 4;
    private static final int SUB = 1 << SUB_BITS;

    /** Up to 2^42 ns, more than an hour. */
    private static final int BUCKETS = (42 - SUB_BITS + 1) * SUB;

    private static final int CALLS = 0;
    private static final int ERRORS = 1;
    private static final int BATCHES = 2;
    private static final int REFUSED = 3;
    private static final int HITS = 4;
    private static final int MISSES = 5;
    private static final int HEADER = 6;

    private final AtomicLongArray cells = new AtomicLongArray(HEADER + BUCKETS);

    /** Makes an empty one. */
    public Tally() {}

    void call(long nanos) {
        calls(1, nanos);
    }

    /** Counts calls that took equally long. */
    void calls(int count, long nanos) {
        add(CALLS, count);
        add(HEADER + bucket(nanos), count);
    }

    void error() {
        add(ERRORS, 1);
    }

    void batch() {
        add(BATCHES, 1);
    }

    /** Counts a call that was answered without a run, now. */
    public void hit(Call<?> call) {
        call(System.nanoTime() - call.startedNanos());
        add(HITS, 1);
    }

    /** Counts a call that was to be answered without a run, and failed, now. */
    public void failedHit(Call<?> call) {
        call(System.nanoTime() - call.startedNanos());
        error();
    }

    /** Counts calls whose answer was not known, so that they ran. */
    public void misses(long count) {
        add(MISSES, count);
    }

    /** Adds what another tally has counted. */
    public void add(Tally other) {
        for (int i = 0; i < cells.length(); i++) {
            add(i, other.cells.getOpaque(i));
        }
    }

    long calls() {
        return cells.getOpaque(CALLS);
    }

    long errors() {
        return cells.getOpaque(ERRORS);
    }

    long batches() {
        return cells.getOpaque(BATCHES);
    }

    void refused(long count) {
        add(REFUSED, count);
    }

    /** {@return the sums, for a queue that holds so many requests now} */
    public BatcherStatistics statistics(int queued) {
        return new BatcherStatistics(
                calls(),
                errors(),
                cells.getOpaque(REFUSED),
                batches(),
                queued,
                Duration.ofNanos(quantileNanos(0.5)),
                Duration.ofNanos(quantileNanos(0.99)));
    }

    /** {@return the latency in nanoseconds that this share of the calls did not exceed; 0 without calls} */
    long quantileNanos(double share) {
        long total = 0;
        for (int i = 0; i < BUCKETS; i++) {
            total += cells.getOpaque(HEADER + i);
        }
        long rank = Math.max(1, (long) Math.ceil(share * total));
        for (int i = 0; i < BUCKETS; i++) {
            rank -= cells.getOpaque(HEADER + i);
            if (rank <= 0) {
                return middle(i);
            }
        }
        return 0;
    }

    private void add(int cell, long count) {
        cells.setOpaque(cell, cells.getPlain(cell) + count);
    }

    static int bucket(long nanos) {
        if (nanos < SUB) {
            return (int) Math.max(0, nanos);
        }
        int exponent = 63 - Long.numberOfLeadingZeros(nanos);
        int bucket = (exponent - SUB_BITS + 1) * SUB + (int) (nanos >>> (exponent - SUB_BITS) & (SUB - 1));
        return Math.min(bucket, BUCKETS - 1);
    }

    static long middle(int bucket) {
        if (bucket < SUB) {
            return bucket;
        }
        int shift = bucket / SUB - 1;
        return ((long) (SUB + bucket % SUB) << shift) + ((1L << shift) >> 1);
    }
}
