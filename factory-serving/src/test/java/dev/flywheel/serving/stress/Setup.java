package dev.flywheel.serving.stress;

import java.util.SplittableRandom;

/**
 * How one endpoint of the stress test is set up and loaded. Immutable.
 *
 * @param callers threads that call one by one
 * @param windows threads that keep many asynchronous requests in flight
 * @param bulks threads that ask for lists
 * @param rivals threads that change versions; 0 if there is a single one, which knows what must come of it
 * @param pauseMillis from one change of versions to the next
 * @param millis until it is closed
 * @param asks how many different inputs there are; 0 if each is another
 * @param cached whether answers are kept
 * @param hangs whether a run hangs now and then
 * @param end how it is closed
 */
record Setup(
        int lanes,
        int maxBatch,
        int queueCapacity,
        int callers,
        int windows,
        int bulks,
        int rivals,
        int pauseMillis,
        int millis,
        int asks,
        boolean cached,
        boolean hangs,
        End end) {

    /** How an endpoint ends. */
    enum End {
        /** Closed when the load has ended. */
        IDLE,
        /** Closed under load, and everything that waits is answered. */
        DRAINED,
        /** Closed under load, and what waits is refused after a moment. */
        CUT
    }

    static Setup random(SplittableRandom random) {
        boolean cached = random.nextInt(4) == 0;
        return new Setup(
                random.nextInt(1, 5),
                random.nextInt(1, 34),
                random.nextBoolean() ? random.nextInt(1, 40) : 2_000,
                random.nextInt(1, 12),
                random.nextInt(0, 4),
                random.nextInt(0, 3),
                random.nextInt(4) == 0 ? random.nextInt(2, 5) : 0,
                random.nextBoolean() ? 0 : random.nextInt(10, 60),
                random.nextInt(50, 3_000),
                cached || random.nextBoolean() ? random.nextInt(10, 1_000) : 0,
                cached,
                random.nextInt(4) == 0,
                End.values()[random.nextInt(End.values().length)]);
    }
}
