package dev.flywheel.serving.batch;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.OverloadedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * The calls that wait, first come first served, up to a number. Thread-safe and free of locks.
 *
 * @param <C> the calls
 */
final class WaitingLine<C extends Call<?>> {

    private final String name;
    private final int capacity;
    private final Queue<C> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger size = new AtomicInteger();
    private final AtomicInteger longest = new AtomicInteger();
    private final LongAdder refused = new LongAdder();
    private volatile boolean closed;

    WaitingLine(String name, int capacity) {
        this.name = name;
        this.capacity = capacity;
    }

    /**
     * @throws OverloadedException if there is no room
     * @throws ClosedException if it is closed
     */
    void add(C call) {
        reserve(1);
        queue.add(call);
        // Either the closing thread still sees this call, or this thread sees that it is closing.
        if (closed && queue.remove(call)) {
            size.decrementAndGet();
            throw closedException();
        }
    }

    /**
     * @throws OverloadedException if there is no room for all of them
     * @throws ClosedException if it is closed
     */
    void addAll(List<C> calls) {
        reserve(calls.size());
        queue.addAll(calls);
        if (closed) {
            int removed = (int) calls.stream().filter(queue::remove).count();
            size.addAndGet(-removed);
            if (removed > 0) {
                throw closedException();
            }
        }
    }

    private void reserve(int calls) {
        if (closed) {
            throw closedException();
        }
        int now = size.addAndGet(calls);
        if (now > capacity) {
            throw overloaded(size.addAndGet(-calls), calls);
        }
        if (now > longest.get()) {
            longest.accumulateAndGet(now, Math::max);
        }
    }

    /** {@return the calls that have waited longest, taken out, at most so many} */
    List<C> take(int most) {
        List<C> batch = new ArrayList<>(Math.min(most, Math.max(1, size.get())));
        while (batch.size() < most) {
            C call = queue.poll();
            if (call == null) {
                break;
            }
            batch.add(call);
        }
        size.addAndGet(-batch.size());
        return batch;
    }

    /** Refuses what comes from now on. */
    void close() {
        closed = true;
    }

    boolean isClosed() {
        return closed;
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    int size() {
        return size.get();
    }

    /** {@return the most calls that ever waited} */
    int maxSize() {
        return longest.get();
    }

    long refused() {
        return refused.sum();
    }

    ClosedException closedException() {
        return new ClosedException(
                name + " refused a prediction", "it is closed", "keep it open for as long as requests come");
    }

    private OverloadedException overloaded(int waiting, int more) {
        refused.add(more);
        C oldest = queue.peek();
        long waited = oldest == null ? 0 : (System.nanoTime() - oldest.startedNanos()) / 1_000_000;
        return new OverloadedException(
                name + " refused " + (more == 1 ? "a prediction" : more + " predictions"),
                "its queue holds " + waiting + " of " + capacity + " requests, the oldest for " + waited + " ms",
                "raise queueCapacity, add lanes, or send less");
    }
}
