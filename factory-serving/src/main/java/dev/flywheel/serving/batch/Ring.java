package dev.flywheel.serving.batch;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue over an array for many threads that put and one at a time that takes; first come first served by
 * position. Putting is a compare-and-swap and a store; nobody ever waits for a lock.
 *
 * <p>Contract: a thread {@linkplain #claim claims} positions and then {@linkplain #put puts} an element into each of
 * them, soon. What a thread wrote before {@code put} is seen by the thread that {@linkplain #poll polls} the element.
 * {@link #poll}, {@link #publish} and {@link #at} are called by one thread at a time, each after the one before in the
 * order of some lock. A claim comes before the seal, and is polled in the end, or fails. After a claim has returned,
 * every {@link #isEmpty} anywhere is false until the element is polled and that is published.
 *
 * @param <E> the elements
 */
final class Ring<E> {

    /** Claims that failed. */
    static final long FULL = -1;

    static final long SEALED = -2;

    // Each 16 longs from the other, two cache lines: those who put do not slow down the one who takes.
    private static final int TAIL = 16;
    private static final int HEAD = 32;
    private static final long SEAL = Long.MIN_VALUE;

    private final AtomicLongArray ends = new AtomicLongArray(48);
    private final AtomicReferenceArray<@Nullable E> cells;
    private final int mask;

    /** The next position to poll; ahead of HEAD until that is published. */
    private long next;

    /** @param capacity rounded up to a power of two */
    Ring(int capacity) {
        int size = Integer.highestOneBit(Math.max(1, capacity - 1)) << 1;
        this.cells = new AtomicReferenceArray<>(size);
        this.mask = size - 1;
    }

    int capacity() {
        return mask + 1;
    }

    /**
     * {@return the first of {@code count} positions that are the caller's to {@link #put} into, or {@link #FULL}, or
     * {@link #SEALED}}
     *
     * @param limit the most elements that there may be then
     */
    long claim(int count, long limit) {
        long most = Math.min(limit, capacity());
        while (true) {
            long tail = ends.get(TAIL);
            if (tail < 0) {
                return SEALED;
            }
            if (tail + count - ends.getAcquire(HEAD) > most) {
                // A tail from before this head would make it look fuller than it is.
                if (tail == ends.get(TAIL)) {
                    return FULL;
                }
            } else if (ends.compareAndSet(TAIL, tail, tail + count)) {
                return tail;
            }
        }
    }

    /** Fills a claimed position. */
    void put(long position, E element) {
        cells.setRelease((int) position & mask, element);
    }

    /** {@return the next element, taken out; null if there is none, or if it was claimed and not yet put} */
    @Nullable
    E poll() {
        int cell = (int) next & mask;
        E element = cells.getAcquire(cell);
        if (element != null) {
            cells.setPlain(cell, null);
            next++;
        }
        return element;
    }

    /** Gives the places of what was polled to those who put. */
    void publish() {
        ends.setRelease(HEAD, next);
    }

    /** {@return the element that is {@code index} behind the next, left where it is; null if there is none yet} */
    @Nullable
    E at(int index) {
        return cells.getAcquire((int) (next + index) & mask);
    }

    /** {@return some element that was the next a moment ago, or null; called by any thread} */
    @Nullable
    E peek() {
        return cells.getAcquire((int) ends.getAcquire(HEAD) & mask);
    }

    /** {@return whether a claimed position was not put into; called as {@link #poll} is} */
    boolean isUnfilled(long position) {
        return position >= next && cells.getAcquire((int) position & mask) == null;
    }

    /** {@return whether nothing is before this position any more} */
    boolean isNext(long position) {
        return ends.getAcquire(HEAD) == position;
    }

    /** Makes every later claim fail. */
    void seal() {
        long tail = ends.get(TAIL);
        while (tail >= 0 && !ends.compareAndSet(TAIL, tail, tail | SEAL)) {
            tail = ends.get(TAIL);
        }
    }

    boolean isSealed() {
        return ends.get(TAIL) < 0;
    }

    boolean isEmpty() {
        return size() == 0;
    }

    /** {@return the positions that are claimed and not yet given back} */
    int size() {
        long head = ends.getAcquire(HEAD);
        // The tail is read after the head, so that it is never behind it.
        return (int) Math.min((ends.get(TAIL) & ~SEAL) - head, Integer.MAX_VALUE);
    }
}
