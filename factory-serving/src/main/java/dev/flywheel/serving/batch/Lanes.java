package dev.flywheel.serving.batch;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lanes of one model version: claimed and released without a lock, and closed, each when it is free, when the
 * version is retired. Thread-safe.
 *
 * @param <R> what runs in a lane
 */
final class Lanes<R extends Runner<?>> {

    private static final Logger log = LoggerFactory.getLogger(Lanes.class);

    private static final int FREE = 0;
    private static final int BUSY = 1;
    private static final int CLOSED = 2;

    private final List<Slot<R>> slots;
    private volatile @Nullable Thread retiring;

    Lanes(List<R> runners) {
        this.slots = runners.stream().map(r -> new Slot<>(this, r)).toList();
    }

    /** One lane. Its state is the number itself. */
    static final class Slot<R extends Runner<?>> extends AtomicInteger {

        private static final long serialVersionUID = 1L;

        private final transient Lanes<R> owner;
        final transient R runner;
        final transient Tally tally = new Tally();

        private Slot(Lanes<R> owner, R runner) {
            this.owner = owner;
            this.runner = runner;
        }

        /** Gives the lane back; the next holder sees everything that this one wrote. */
        void release() {
            set(FREE);
            Thread waiting = owner.retiring;
            if (waiting != null) {
                LockSupport.unpark(waiting);
            }
        }
    }

    int size() {
        return slots.size();
    }

    /** {@return a lane that is now the caller's alone, or null if all are taken or closed} */
    @Nullable
    Slot<R> claim() {
        int size = slots.size();
        // A thread that comes back finds the lane that its processor still has in its cache.
        int first = size == 0 ? 0 : (int) ((Thread.currentThread().getId() & Integer.MAX_VALUE) % size);
        for (int i = 0; i < size; i++) {
            int at = first + i;
            Slot<R> slot = slots.get(at < size ? at : at - size);
            if (slot.get() == FREE && slot.compareAndSet(FREE, BUSY)) {
                return slot;
            }
        }
        return null;
    }

    boolean anyFree() {
        for (Slot<R> slot : slots) {
            if (slot.get() == FREE) {
                return true;
            }
        }
        return false;
    }

    /** Closes every lane, waiting for those that are taken. To be called once. */
    void retire() {
        retiring = Thread.currentThread();
        for (Slot<R> slot : slots) {
            while (!slot.compareAndSet(FREE, CLOSED)) {
                LockSupport.park(this);
            }
            try {
                slot.runner.close();
            } catch (RuntimeException | Error e) {
                log.warn("a lane could not be closed; what it held may stay", e);
            }
        }
    }

    /** Adds what the lanes have done to {@code total}. */
    void count(Tally total) {
        slots.forEach(slot -> total.add(slot.tally));
    }
}
