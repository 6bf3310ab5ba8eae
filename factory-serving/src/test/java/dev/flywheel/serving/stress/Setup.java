package dev.flywheel.serving.stress;

import java.util.SplittableRandom;

/**
 * How one endpoint of the stress test is set up and loaded. Immutable.
 *
 * @param callers threads that call one by one
 * @param windows threads that keep many asynchronous requests in flight
 * @param swapMillis from one swap to the next
 * @param millis until it is closed
 */
record Setup(
        int lanes, int maxBatch, int queueCapacity, int callers, int windows, int bulks, int swapMillis, int millis) {

    static Setup random(SplittableRandom random) {
        return new Setup(
                random.nextInt(1, 5),
                random.nextInt(1, 34),
                random.nextBoolean() ? random.nextInt(1, 40) : 2_000,
                random.nextInt(1, 12),
                random.nextInt(0, 4),
                random.nextInt(0, 3),
                random.nextBoolean() ? 0 : random.nextInt(10, 60),
                random.nextInt(50, 3_000));
    }
}
