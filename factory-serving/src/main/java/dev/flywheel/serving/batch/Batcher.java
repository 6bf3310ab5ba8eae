package dev.flywheel.serving.batch;

import dev.flywheel.serving.batch.Lanes.Slot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
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

    private final WaitingLine<C> waiting;
    private final Workers workers = new Workers(this::runGathered, this::workable);
    private final Lanes<R> lanes;
    private final AtomicLong lookedNanos = new AtomicLong(System.nanoTime());
    private volatile long runNanos = UNKNOWN_NANOS;

    /**
     * @param name what it serves, for messages
     * @param first the first lane, proven to work; closed by this batcher unless this constructor throws
     * @param more makes further lanes, also in place of lanes that failed; thread-safe
     */
    public Batcher(String name, BatchOptions options, R first, Supplier<? extends R> more) {
        this.waiting = new WaitingLine<>(name, options.queueCapacity());
        int count = options.lanes() == 0 ? Math.max(2, Runtime.getRuntime().availableProcessors()) : options.lanes();
        List<R> runners = new ArrayList<>();
        runners.add(first);
        try {
            while (runners.size() < count) {
                runners.add(more.get());
            }
        } catch (RuntimeException | Error e) {
            runners.subList(1, runners.size()).forEach(Runner::close);
            throw e;
        }
        this.lanes = new Lanes<>(runners);
    }

    /**
     * {@return the answer, by running the call here if a lane is free, else by waiting for whoever runs it}
     *
     * @throws dev.flywheel.core.OverloadedException if all lanes are taken and the queue is full
     * @throws dev.flywheel.core.ClosedException if this batcher is closed
     */
    public T run(C call) {
        Slot<R> slot = claimAtOnce();
        if (slot == null) {
            waiting.add(call);
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
     * @throws dev.flywheel.core.OverloadedException if they do not all fit into the queue; then none is run
     * @throws dev.flywheel.core.ClosedException if this batcher is closed
     */
    public void runAll(List<C> calls) {
        waiting.addAll(calls);
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
            slot.tally.batch(rows);
            slot.tally.calls(rows, System.nanoTime() - started);
            release(slot);
        }
        return true;
    }

    /**
     * Queues the call and returns; a worker completes its future.
     *
     * @throws dev.flywheel.core.OverloadedException if the queue is full
     * @throws dev.flywheel.core.ClosedException if this batcher is closed
     */
    public void submit(C call) {
        waiting.add(call);
        wake();
    }

    /** {@return what was done so far} */
    public BatcherStatistics statistics() {
        Tally total = new Tally();
        count(total);
        return total.statistics(queued());
    }

    /** Adds what was done so far to {@code total}. */
    public void count(Tally total) {
        lanes.count(total);
        total.refused(waiting.refused());
    }

    /** {@return the requests that wait now} */
    public int queued() {
        return waiting.size();
    }

    /** {@return the most requests that ever waited at a time} */
    public int maxQueued() {
        return waiting.maxSize();
    }

    /** {@return the runs that it can do at a time} */
    public int lanes() {
        return lanes.size();
    }

    /** {@return whether it refuses calls, because it is closed or being closed} */
    public boolean isClosed() {
        return waiting.isClosed();
    }

    /** Refuses new calls, runs those that wait, and returns when every lane is free and closed. */
    @Override
    public synchronized void close() {
        if (waiting.isClosed()) {
            return;
        }
        waiting.close();
        while (!waiting.isEmpty()) {
            if (!drainOne()) {
                LockSupport.parkNanos(CLOSE_POLL_NANOS);
            }
        }
        lanes.retire();
        workers.close();
    }

    /**
     * Closes as {@link #close()} does, but for at most this long: what still waits then fails with a
     * {@link dev.flywheel.core.ClosedException}, and runs that are under way are asked to end.
     */
    public void close(Duration patience) {
        Objects.requireNonNull(patience, "patience");
        close();
    }

    private @Nullable Slot<R> claimAtOnce() {
        return waiting.isEmpty() && !waiting.isClosed() ? lanes.claim() : null;
    }

    private void release(Slot<R> slot) {
        slot.release();
        wake();
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
        if (waiting.isEmpty() || !lanes.anyFree()) {
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
        return !waiting.isEmpty() && lanes.anyFree();
    }

    /** {@return the calls of the batch that was run, to be finished; none if no lane was free or nothing waited} */
    private List<C> runGathered() {
        Slot<R> slot = waiting.isEmpty() ? null : lanes.claim();
        if (slot == null) {
            return List.of();
        }
        try {
            List<C> batch = waiting.take(slot.runner.maxRows());
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
}
