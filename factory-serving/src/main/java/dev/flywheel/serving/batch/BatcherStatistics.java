package dev.flywheel.serving.batch;

import java.time.Duration;

/**
 * What a {@link Batcher} has done since it was made. Immutable.
 *
 * @param requests requests that were run, failed ones included
 * @param errors requests that failed for a reason of their own or of the model
 * @param refused requests refused because the queue was full
 * @param batches runs of the model
 * @param queued requests waiting now
 * @param p50 the latency that half of the requests did not exceed, from the call to the output, right within 6%
 * @param p99 the same for 99 of 100
 */
public record BatcherStatistics(
        long requests, long errors, long refused, long batches, int queued, Duration p50, Duration p99) {

    /** {@return the mean number of rows in a run; 0 before the first} */
    public double meanBatch() {
        return batches == 0 ? 0 : (double) requests / batches;
    }
}
