package dev.flywheel.pipeline.flywheel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue of predictions from any thread to one, without locks: a list of entries, each of which a caller links
 * to the one before (after D. Vyukov's intrusive queue, 2010). It holds no memory while it is empty, and its entries
 * are young objects: storing references in slots that live for ever would keep the garbage collector busy beside the
 * callers.
 *
 * @param <I> the type of a row
 */
final class HandOff<I> {

    private static final VarHandle NEXT;

    static {
        try {
            NEXT = MethodHandles.lookup().findVarHandle(Entry.class, "next", Entry.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // what callers write, what the reader writes and what both read are far apart, on cache lines of their own
    private static final int APART = 32;
    private static final int PUBLISHED = 64;

    private final int capacity;
    private final int publishEach;
    private final AtomicReferenceArray<Entry<I>> newest = new AtomicReferenceArray<>(2 * APART);
    private final AtomicLongArray taken = new AtomicLongArray(2 * APART);
    // of the reader alone: the entry before the oldest
    private final AtomicReferenceArray<Entry<I>> before = new AtomicReferenceArray<>(2 * APART);

    /** One prediction on its way. */
    static final class Entry<I> {
        // written through NEXT alone
        @SuppressWarnings("UnusedVariable")
        private volatile @Nullable Entry<I> next;

        private long position;

        @Nullable
        UUID id;

        int version;

        @Nullable
        I row;

        double output;

        @Nullable
        Instant at;
    }

    /** @param capacity how many entries it holds at most */
    HandOff(int capacity) {
        this.capacity = capacity;
        this.publishEach = Math.max(1, Math.min(PUBLISHED, capacity / 8));
        Entry<I> none = new Entry<>();
        none.position = -1;
        newest.set(APART, none);
        before.set(APART, none);
    }

    /** {@return the position of the entry, from 0, or -1 if the queue is full} */
    long offer(UUID id, int version, I row, double output, Instant at) {
        Entry<I> entry = new Entry<>();
        entry.id = id;
        entry.version = version;
        entry.row = row;
        entry.output = output;
        entry.at = at;
        while (true) {
            Entry<I> last = newest.get(APART);
            entry.position = last.position + 1;
            if (entry.position - taken.getAcquire(APART) >= capacity) {
                return -1;
            }
            if (newest.compareAndSet(APART, last, entry)) {
                NEXT.setRelease(last, entry);
                return entry.position;
            }
        }
    }

    /** {@return the oldest entry, or null if there is none; for the reader alone, which gives it back} */
    @Nullable
    @SuppressWarnings("unchecked")
    Entry<I> peek() {
        return (Entry<I>) NEXT.getAcquire(before.getPlain(APART));
    }

    /** Makes room for another entry in place of the one that {@link #peek} returned. */
    void giveBack(Entry<I> entry) {
        Entry<I> last = before.getPlain(APART);
        before.setPlain(APART, entry);
        // an old one that leads to young ones would take them along to where they are collected late
        NEXT.set(last, (Entry<I>) null);
        entry.id = null;
        entry.row = null;
        entry.at = null;
        if ((entry.position + 1) % publishEach == 0) {
            publish();
        }
    }

    /** Lets callers know of all that was given back; for the reader alone, when it has no more to do for now. */
    void publish() {
        taken.setRelease(APART, before.getPlain(APART).position + 1);
    }

    /** {@return whether so many wait that the reader should not sleep} */
    boolean halfFull() {
        return halfFull(newest.get(APART).position);
    }

    /** {@return whether the entry at a position has so many before it that the reader should not sleep} */
    boolean halfFull(long position) {
        return position - taken.getAcquire(APART) >= capacity / 2;
    }

    /** {@return the number of entries ever offered} */
    long offered() {
        return newest.get(APART).position + 1;
    }

    /** {@return the number of entries ever given back, as far as that was published} */
    long taken() {
        return taken.getAcquire(APART);
    }
}
