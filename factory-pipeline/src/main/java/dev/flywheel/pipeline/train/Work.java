package dev.flywheel.pipeline.train;

/**
 * How much a training computes. Immutable.
 *
 * @param multiplications how many a row takes on its way through the network
 * @param step the rows of a step
 * @param rows the rows of all steps together
 */
record Work(long multiplications, long step, double rows) {

    private static final double LEAST_STEP = 1L << 22;
    private static final double LEAST_IN_ALL = 1L << 34;

    /**
     * Whether it is done earlier on a GPU. The bounds are reasoned, and not measured yet. A step is about a hundred
     * calls into native code, each of which a GPU takes some microseconds to begin: together half a millisecond, in
     * which one thread of a CPU does the multiplications of the lesser bound, forth and back, at 20 billion a second.
     * CUDA takes seconds to start, as long as those of the greater bound take.
     */
    boolean paysOnGpu() {
        return multiplications * (double) step >= LEAST_STEP && multiplications * rows >= LEAST_IN_ALL;
    }
}
