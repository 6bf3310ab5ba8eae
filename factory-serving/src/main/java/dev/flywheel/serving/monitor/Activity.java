package dev.flywheel.serving.monitor;

import java.time.Duration;

/**
 * What was done in some time. Immutable.
 *
 * @param requests requests that were run, or answered from the cache, failed ones included
 * @param errors those of them that failed, for a reason of their own or of the model
 * @param refused requests that were not taken because the queue was full
 * @param expired requests that were not run because their deadline passed while they waited
 * @param cancelled requests that were not run because their owner cancelled them while they waited
 * @param batches runs of the model
 * @param rows rows of these runs, those that were run again after a failure counted again
 * @param lanesReplaced lanes that hung or failed, and others took their place
 * @param cacheHits requests answered from the cache, or by the run of another that asked the same; 0 without a cache
 * @param cacheMisses requests that were looked up in the cache and had to run; 0 without a cache
 * @param batchSizes the rows of each run
 * @param latencies the nanoseconds of each request, from the call to the output; of those that ran where they were
 *     called, one in eight is measured and counts for the next ones too, and those of a list count as long as its run
 */
public record Activity(
        long requests,
        long errors,
        long refused,
        long expired,
        long cancelled,
        long batches,
        long rows,
        long lanesReplaced,
        long cacheHits,
        long cacheMisses,
        Histogram batchSizes,
        Histogram latencies) {

    /** {@return nothing done} */
    public static Activity none() {
        return new Activity(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Histogram.empty(), Histogram.empty());
    }

    /** {@return the mean rows of a run; 0 before the first} */
    public double meanBatch() {
        return batches == 0 ? 0 : (double) rows / batches;
    }

    /**
     * {@return the latency that this share of the requests did not exceed, within 6%; 0 without requests}
     *
     * @param share 0 to 1, such as 0.99
     */
    public Duration latency(double share) {
        return Duration.ofNanos(latencies.quantile(share));
    }

    /** {@return what no latency exceeded, at most 6% above the longest; 0 without requests} */
    public Duration maxLatency() {
        return Duration.ofNanos(latencies.max());
    }

    /** {@return the share of the requests looked up in the cache that it answered, 0 to 1; 0 without any} */
    public double hitRate() {
        long asked = cacheHits + cacheMisses;
        return asked == 0 ? 0 : (double) cacheHits / asked;
    }

    /** {@return what both have done} */
    public Activity plus(Activity other) {
        return new Activity(
                requests + other.requests,
                errors + other.errors,
                refused + other.refused,
                expired + other.expired,
                cancelled + other.cancelled,
                batches + other.batches,
                rows + other.rows,
                lanesReplaced + other.lanesReplaced,
                cacheHits + other.cacheHits,
                cacheMisses + other.cacheMisses,
                batchSizes.plus(other.batchSizes),
                latencies.plus(other.latencies));
    }

    /**
     * {@return what was done since}
     *
     * @param earlier what the same had done at an earlier time
     */
    public Activity since(Activity earlier) {
        return new Activity(
                requests - earlier.requests,
                errors - earlier.errors,
                refused - earlier.refused,
                expired - earlier.expired,
                cancelled - earlier.cancelled,
                batches - earlier.batches,
                rows - earlier.rows,
                lanesReplaced - earlier.lanesReplaced,
                cacheHits - earlier.cacheHits,
                cacheMisses - earlier.cacheMisses,
                batchSizes.since(earlier.batchSizes),
                latencies.since(earlier.latencies));
    }
}
