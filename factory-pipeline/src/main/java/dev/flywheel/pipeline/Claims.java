package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Which pipelines of a factory are in use, so that nobody else uses them meanwhile. Thread-safe. */
final class Claims implements AutoCloseable {

    /** How a pipeline is used, and what to do if that is in the way. */
    enum Use {
        AT_WORK("at work already; close that deployment first"),
        STARTING("being started already; wait for that deployment"),
        RUNNING("in a run already; wait until it has ended");

        private final String text;

        Use(String text) {
            this.text = text;
        }
    }

    private final String factory;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, Use> uses = new HashMap<>();
    private volatile boolean closed;

    /** @param factory what is claimed from, for messages */
    Claims(String factory) {
        this.factory = factory;
    }

    /**
     * Takes a pipeline.
     *
     * @throws IllegalStateException if it is in use
     * @throws ClosedException if nothing can be claimed any more
     */
    void take(String pipeline, Use use) {
        lock.lock();
        try {
            if (closed) {
                throw new ClosedException(factory, "it was closed", "open it again");
            }
            Use found = uses.putIfAbsent(pipeline, use);
            if (found != null) {
                throw new IllegalStateException("pipeline \"" + pipeline + "\" is " + found.text);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Goes on to another use of a pipeline that was taken. */
    void change(String pipeline, Use use) {
        lock.lock();
        try {
            uses.replace(pipeline, use);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Gives a pipeline back. */
    void free(String pipeline) {
        lock.lock();
        try {
            uses.remove(pipeline);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether nothing can be claimed any more} */
    boolean closed() {
        return closed;
    }

    /** Refuses more claims. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until nothing is in use but what is at work. */
    void awaitSettled() {
        lock.lock();
        try {
            while (uses.values().stream().anyMatch(use -> use != Use.AT_WORK)) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
