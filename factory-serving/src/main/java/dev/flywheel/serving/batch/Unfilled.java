package dev.flywheel.serving.batch;

import org.jspecify.annotations.Nullable;

/**
 * Places of a ring that were claimed by threads that had no stack left to fill them, and what was to come into them.
 * Everything is guarded by the monitor of this but {@link #any}; the fields are bare, because such a thread can note
 * its place without calling anything, and not otherwise.
 */
final class Unfilled {

    /** Far more than threads can be at the end of their stacks between two looks at the queue. */
    static final int MOST = 4096;

    final @Nullable Object[] calls = new Object[MOST];
    final long[] positions = new long[MOST];
    int count;

    /** Whether there may be some. */
    volatile boolean any;
}
