package dev.flywheel.serving.batch;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.serving.batch.Lanes.Slot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How calls of many threads share the lanes of a model.
 *
 * <p>A blocking call that finds a lane free, and nobody waiting, runs at once on its own thread: for a small model that
 * is far cheaper than a hand-over. Otherwise it queues, and whoever finds a lane free next, a caller or a worker
 * thread, runs everything that has gathered, first come first served, as one batch (group commit): batches grow with
 * the load by themselves, and nobody waits for time to pass while a lane is idle. Non-blocking calls always queue.
 *
 * <p>Thread-safe. Closed by whoever made it.
 *
 * @param <T> the answers
 * @param <C> the calls
 * @param <R> what runs them
 */
public final class Batcher<T, C extends Call<T>, R extends Runner<? super C>> implements AutoCloseable {

    /** Waking a thread costs 5 to 50 us: waiting shorter than this for a worker is cheaper than waking another. */
    private static final long WORTH_A_WORKER_NANOS = 20_000;

    /** A run that was not measured yet is taken for a long one. */
    private static final long UNKNOWN_NANOS = 1_000_000;

    private static final long CLOSE_POLL_NANOS = 100_000;

    private final String name;
    private final int capacity;
    private final Queue<C> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private final Workers workers = new Workers(this::runGathered, this::workable);
    private final LongAdder refused = new LongAdder();
    private final Tally ended = new Tally();
    private volatile Lanes<R> lanes = new Lanes<>(List.of());
    private volatile @Nullable Lanes<R> retiring;
    private final AtomicLong lookedNanos = new AtomicLong(System.nanoTime());
    private volatile long runNanos = UNKNOWN_NANOS;
    private volatile boolean closed;

    /**
     * @param name what it serves, for messages
     * @param capacity the most calls that wait, at least 1
     */
    public Batcher(String name, int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("a queue needs room for at least 1 call, found " + capacity);
        }
        this.name = name;
        this.capacity = capacity;
    }

    /**
     * Serves with these from now on. Calls that have begun finish on the runners that they began on; returns when they
     * have, and the old runners are closed.
     *
     * @param runners one for each lane, at least one; closed by this batcher
     * @throws ClosedException if this batcher is closed; then the runners are still the caller's
     */
    public synchronized void swap(List<R> runners) {
        if (runners.isEmpty()) {
            throw new IllegalArgumentException("a batcher needs at least one runner");
        }
        if (closed) {
            throw closedException();
        }
        Lanes<R> old = lanes;
        synchronized (ended) {
            retiring = old;
            lanes = new Lanes<>(runners);
        }
        runNanos = UNKNOWN_NANOS;
        lookedNanos.set(System.nanoTime() - WORTH_A_WORKER_NANOS);
        wake();
        old.retire();
        synchronized (ended) {
            old.count(ended);
            retiring = null;
        }
    }

    /**
     * {@return the answer, by running the call here if a lane is free, else by waiting for whoever runs it}
     *
     * @throws OverloadedException if all lanes are taken and the queue is full
     * @throws ClosedException if this batcher is closed
     */
    public T run(C call) {
        Slot<R> slot = claimAtOnce();
        if (slot == null) {
            enqueue(call);
            help(call);
            return call.await();
        }
        try {
            BatchRun.run(slot.runner, call, slot.tally);
        } finally {
            release(slot);
        }
        return call.outcome();
    }

    /**
     * Lets the calls be run by whoever has a lane, and returns when all are done.
     *
     * @throws OverloadedException if they do not all fit into the queue; then none is run
     * @throws ClosedException if this batcher is closed
     */
    public void runAll(List<C> calls) {
        reserve(calls.size());
        queue.addAll(calls);
        if (closed && queue.removeAll(calls)) {
            throw closedException();
        }
        for (C call : calls) {
            help(call);
            call.awaitDone();
        }
    }

    /**
     * {@return whether a lane was free and nobody waiting, so that the work was done, here}
     *
     * @param rows the requests that the work answers, for the statistics
     * @param work what to do with the lane; what it throws is thrown on
     */
    public boolean runHere(int rows, Consumer<? super R> work) {
        Slot<R> slot = claimAtOnce();
        if (slot == null) {
            return false;
        }
        long started = System.nanoTime();
        try {
            work.accept(slot.runner);
        } catch (RuntimeException | Error e) {
            slot.tally.error();
            throw e;
        } finally {
            slot.tally.batch();
            slot.tally.calls(rows, System.nanoTime() - started);
            release(slot);
        }
        return true;
    }

    /**
     * Queues the call and returns; a worker completes its future.
     *
     * @throws OverloadedException if the queue is full
     * @throws ClosedException if this batcher is closed
     */
    public void submit(C call) {
        enqueue(call);
        wake();
    }

    /** {@return what was done so far} */
    public BatcherStatistics statistics() {
        Tally total = new Tally();
        synchronized (ended) {
            total.add(ended);
            lanes.count(total);
            if (retiring != null) {
                retiring.count(total);
            }
        }
        return new BatcherStatistics(
                total.calls(),
                total.errors(),
                refused.sum(),
                total.batches(),
                queued.get(),
                Duration.ofNanos(total.quantileNanos(0.5)),
                Duration.ofNanos(total.quantileNanos(0.99)));
    }

    /** Refuses new calls, runs those that wait, and returns when every lane is free and closed. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        while (!queue.isEmpty()) {
            if (!drainOne()) {
                LockSupport.parkNanos(CLOSE_POLL_NANOS);
            }
        }
        lanes.retire();
        workers.close();
    }

    private @Nullable Slot<R> claimAtOnce() {
        return queue.isEmpty() ? claim() : null;
    }

    private @Nullable Slot<R> claim() {
        Lanes<R> current = lanes;
        while (true) {
            Slot<R> slot = current.claim();
            Lanes<R> now = lanes;
            if (slot != null || now == current) {
                return slot;
            }
            current = now;
        }
    }

    private void release(Slot<R> slot) {
        slot.release();
        wake();
    }

    private void enqueue(C call) {
        reserve(1);
        queue.add(call);
        // Either the closing thread still sees this call, or this thread sees that it is closing.
        if (closed && queue.remove(call)) {
            throw closedException();
        }
    }

    private void reserve(int size) {
        if (closed) {
            throw closedException();
        }
        if (queued.addAndGet(size) > capacity) {
            throw overloaded(queued.addAndGet(-size), size);
        }
    }

    /** Runs batches here until the call is done, as long as a lane is free and something waits. */
    private void help(C call) {
        boolean worthwhile = true;
        while (worthwhile && !call.isDone()) {
            worthwhile = drainOne();
        }
    }

    private boolean drainOne() {
        List<C> done = runGathered();
        done.forEach(Call::finish);
        return !done.isEmpty();
    }

    /**
     * Starts a worker if something waits and a lane is free, unless an active worker is likely to come by sooner than a
     * new one could: runs are short, and one has looked at the queue just now. (Active workers may be held up, by a
     * long run or in a version that retires.)
     */
    private void wake() {
        if (queue.isEmpty() || !lanes.anyFree()) {
            return;
        }
        int active = workers.active();
        if (active == 0 || (runNanos > WORTH_A_WORKER_NANOS && active < lanes.size())) {
            workers.start(active);
            return;
        }
        long looked = lookedNanos.get();
        long now = System.nanoTime();
        if (now - looked > WORTH_A_WORKER_NANOS && lookedNanos.compareAndSet(looked, now)) {
            workers.start(active);
        }
    }

    private boolean workable() {
        return !queue.isEmpty() && lanes.anyFree();
    }

    /** {@return the calls of the batch that was run, to be finished; none if no lane was free or nothing waited} */
    private List<C> runGathered() {
        Slot<R> slot = queue.isEmpty() ? null : claim();
        if (slot == null) {
            return List.of();
        }
        try {
            List<C> batch = gather(slot.runner.maxRows());
            if (!batch.isEmpty()) {
                long started = System.nanoTime();
                lookedNanos.set(started);
                BatchRun.run(slot.runner, batch, slot.tally);
                long mean = runNanos;
                runNanos = mean + (System.nanoTime() - started - mean) / 8;
            }
            return batch;
        } finally {
            release(slot);
        }
    }

    private List<C> gather(int most) {
        List<C> batch = new ArrayList<>(Math.min(most, Math.max(1, queued.get())));
        while (batch.size() < most) {
            C call = queue.poll();
            if (call == null) {
                break;
            }
            batch.add(call);
        }
        queued.addAndGet(-batch.size());
        return batch;
    }

    private ClosedException closedException() {
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
