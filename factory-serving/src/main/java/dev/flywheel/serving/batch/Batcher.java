package dev.flywheel.serving.batch;

import dev.flywheel.core.ClosedException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How calls of many threads share the lanes of a model.
 *
 * <p>What is best depends on what a run costs beside the waking of a thread, which takes 5 to 50 us, so a
 * {@link CostModel} decides:
 *
 * <ul>
 *   <li>A blocking call that finds a lane free runs at once on its own thread. Where a run is shorter than the waking
 *       of a thread there are more lanes than processors, so that this is the rule even while threads that have a lane
 *       have lost their processor; and such calls may go before some that wait, for {@value #PATIENCE_MILLIS} ms at
 *       most. So most callers run without a switch of threads, as if each had the model for itself, and none waits much
 *       longer than that. Where there are more callers than lanes, a thread makes way for the others after some calls.
 *       (Were all callers to run whenever they like, the operating system would let some of 256 threads wait for half a
 *       second.)
 *   <li>What waits is run by workers, in batches of all that has gathered: batches grow with the load by themselves,
 *       and nobody waits for time to pass while a lane is idle. One worker does for a model whose runs are shorter than
 *       the waking of another; otherwise there are as many as lanes.
 *   <li>Calls that do not block always gather, first come first served, or in the order of a {@link Backlog} where they
 *       differ in length or priority.
 * </ul>
 *
 * <p>Thread-safe. Closed by whoever made it.
 *
 * @param <T> the answers
 * @param <C> the calls
 * @param <R> what runs them
 */
public final class Batcher<T, C extends Call<T>, R extends Runner<? super C>> implements AutoCloseable {

    /** For so long calls of a short run may go before some that wait. Then those go first, together. */
    static final long PATIENCE_MILLIS = 2;

    private static final long PATIENCE_NANOS = PATIENCE_MILLIS * 1_000_000;
    private static final long CLOSE_POLL_NANOS = 100_000;
    private static final long DELAY_POLL_NANOS = 50_000;

    private final BatchOptions options;
    private final Policy policy;
    private final WaitingLine<C> line;
    private final Lanes<C, R> lanes;
    private final Workers<C> workers;
    private final Overseer<C, R> overseer;
    private final ReentrantLock closing = new ReentrantLock();
    private final int maxRows;
    private volatile boolean closed;

    private final AtomicLong patientUntil = new AtomicLong(Long.MAX_VALUE);

    /**
     * Measures what a run costs, which takes tens of milliseconds, or a few runs if they are slower.
     *
     * @param name what it serves, for messages
     * @param first the first lane, proven to work; closed by this batcher unless this constructor throws
     * @param more makes further lanes, also in place of lanes that failed; thread-safe
     */
    public Batcher(String name, BatchOptions options, R first, Supplier<? extends R> more) {
        this.options = options;
        this.maxRows = first.maxRows();
        this.line = new WaitingLine<>(name, options);
        this.policy = new Policy(options, first, line);
        this.lanes = new Lanes<>(first, more, policy.lanesAtOnce(), policy::lanes);
        this.workers = new Workers<>(() -> new Batch<>(maxRows), this::serve, this::workable, policy::workers);
        this.overseer = new Overseer<>(name, options, line, lanes, workers, this::tend);
        Watch.SHARED.add(overseer);
    }

    /**
     * {@return the answer, by running the call here if a lane is free, else by waiting for whoever runs it}
     *
     * @throws dev.flywheel.core.OverloadedException if all lanes are taken and the queue is full
     * @throws dev.flywheel.core.DeadlineException if its time is over while it waits
     * @throws java.util.concurrent.CancellationException if the thread is interrupted while it waits; it stays so
     * @throws ClosedException if this batcher is closed
     */
    public T run(C call) {
        Slot<C, R> slot = claimAtOnce();
        boolean waits = slot == null;
        if (slot == null) {
            line.add(call, Thread.currentThread());
            // A lane may have come free before it could be seen that this call waits.
            slot = policy.isHurried() && !line.isEmpty() ? claimAtOnce() : null;
        }
        if (slot != null) {
            long held = slot.held;
            try {
                if (!waits || call.take()) {
                    runAlone(slot, call, waits);
                    waits = false;
                }
            } finally {
                try {
                    leave(slot);
                } catch (StackOverflowError e) {
                    slot.left = held;
                }
            }
        }
        if (waits) {
            if (policy.isHurried()) {
                policy.foundNone(Nanos.now());
            }
            tend();
            call.awaitRun(line);
        }
        return call.outcome();
    }

    private void runAlone(Slot<C, R> slot, C call, boolean waited) {
        if (waited) {
            line.left(false);
        }
        if (slot.timesNext()) {
            long started = call.stamp();
            long before = Nanos.now();
            BatchRun.run(slot, call);
            long now = Nanos.now();
            slot.lastNanos(now - started);
            policy.observe(call.length(), now - before);
        } else {
            BatchRun.run(slot, call);
        }
        slot.tally.calls(1, slot.lastNanos());
        if (call.failed()) {
            slot.tally.error();
        }
    }

    /**
     * Lets the calls be run by whoever has a lane, and returns when all are done.
     *
     * @throws dev.flywheel.core.OverloadedException if they do not all fit into the queue; then none is run
     * @throws ClosedException if this batcher is closed
     */
    public void runAll(List<C> calls) {
        line.addAll(calls, Thread.currentThread());
        for (int i = Math.min(calls.size(), policy.workers()); i > 0; i--) {
            workers.wake();
        }
        RuntimeException left = null;
        for (C call : calls) {
            try {
                call.awaitRun(line);
            } catch (RuntimeException e) {
                left = e;
                call.completeExceptionally(e);
            }
        }
        if (left != null && Thread.currentThread().isInterrupted()) {
            throw left;
        }
    }

    /**
     * {@return the answer to a request that ran here, since a lane was free and nobody waiting; null if not} It has no
     * future, so less is allocated than for a {@linkplain #run(Call) call}.
     *
     * @param solo runs it; what it throws is thrown on
     */
    public <A> @Nullable T runHere(A request, Solo<? super R, ? super A, ? extends T> solo) {
        Slot<C, R> slot = claimAtOnce();
        if (slot == null) {
            return null;
        }
        long held = slot.held;
        boolean timed = false;
        long before = 0;
        int length = 1;
        try {
            timed = slot.timesNext();
            before = timed ? Nanos.now() : 0;
            slot.tally.batch(1);
            length = solo.write(slot.runner, request);
            slot.run(1);
            return solo.read(slot.runner, request);
        } catch (Throwable e) {
            slot.tally.error();
            throw e;
        } finally {
            try {
                if (timed) {
                    slot.lastNanos(Nanos.now() - before);
                    policy.observe(length, slot.lastNanos());
                }
                slot.tally.calls(1, slot.lastNanos());
                leave(slot);
            } catch (StackOverflowError e) {
                slot.left = held;
            }
        }
    }

    /**
     * {@return whether a lane was free and nobody waiting, so that the work was done, here}
     *
     * @param rows the requests that the work answers, for the figures
     * @param work what to do with the lane; what it throws is thrown on
     */
    public boolean runHere(int rows, Consumer<? super R> work) {
        Slot<C, R> slot = claimAtOnce();
        if (slot == null) {
            return false;
        }
        long held = slot.held;
        long started = 0;
        try {
            started = Nanos.now();
            work.accept(slot.runner);
        } catch (RuntimeException | Error e) {
            slot.tally.error();
            throw e;
        } finally {
            try {
                slot.tally.batch(rows);
                slot.tally.calls(rows, Nanos.now() - started);
                release(slot);
            } catch (StackOverflowError e) {
                slot.left = held;
            }
        }
        return true;
    }

    /**
     * Queues the call and returns; a worker completes its future.
     *
     * @throws dev.flywheel.core.OverloadedException if the queue is full
     * @throws ClosedException if this batcher is closed
     */
    public void submit(C call) {
        line.add(call, null);
        workers.wake();
        if (call.deadlineNanos() != Long.MAX_VALUE) {
            Watch.SHARED.lookBy(call.deadlineNanos());
        }
    }

    /**
     * Fails a call that does not wait here, but for what another one brings, when its time is over; unless it is done
     * by then, or was submitted.
     *
     * @param cause makes what it fails with
     */
    public void failWhenLate(C call, Supplier<? extends RuntimeException> cause) {
        overseer.failWhenLate(call, cause);
    }

    /** Adds what was done so far to {@code total}. */
    public void count(Tally total) {
        lanes.count(total);
        line.count(total);
    }

    /** {@return the requests that wait now} */
    public int queued() {
        return line.size();
    }

    /** {@return the most requests that ever waited at a time} */
    public int maxQueued() {
        return line.maxSize();
    }

    /** {@return whether runs are so short at present that they are best done by whoever asks, one after the other} */
    public boolean isHurried() {
        return policy.isHurried();
    }

    /** {@return the runs that it can do at a time} */
    public int lanes() {
        return lanes.size();
    }

    /** {@return the runs under way now} */
    public int running() {
        return lanes.taken();
    }

    /** {@return whether it refuses calls, because it is closed or being closed} */
    public boolean isClosed() {
        return line.isClosed();
    }

    /** Refuses new calls, runs those that wait, and returns when every lane is free and closed. */
    @Override
    public void close() {
        close(Long.MAX_VALUE);
    }

    /**
     * Closes as {@link #close()} does, but for at most this long: what still waits then fails with a
     * {@link ClosedException}, and runs that are under way are asked to end. Those that do not end soon are given up:
     * who waits for them gets a {@link ClosedException}, and their lanes close when they end.
     */
    public void close(Duration patience) {
        Objects.requireNonNull(patience, "patience");
        long nanos = BatchOptions.nanos(patience);
        close(nanos == Long.MAX_VALUE ? nanos : Nanos.now() + Math.max(0, nanos));
    }

    /**
     * Has something done when every lane is closed, also those whose runs were given up when they end; to be called
     * after {@link #close()}.
     */
    public void whenClosed(Runnable task) {
        lanes.whenClosed(task);
    }

    private void close(long untilNanos) {
        line.close();
        // Whoever is closing it already hurries too.
        patientUntil.accumulateAndGet(untilNanos, Math::min);
        lanes.hurry();
        boolean interrupted = false;
        closing.lock();
        try {
            if (closed) {
                return;
            }
            while (!line.isEmpty() && Nanos.now() < patientUntil.get()) {
                workers.wake();
                LockSupport.parkNanos(CLOSE_POLL_NANOS);
                interrupted |= Thread.interrupted();
            }
            overseer.refuseRest();
            overseer.end(lanes.retire(patientUntil::get));
            workers.settle();
            workers.close();
            Watch.SHARED.remove(overseer);
            closed = true;
        } finally {
            closing.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private @Nullable Slot<C, R> claimAtOnce() {
        if (line.isClosed() || options.maxDelayNanos() > 0) {
            return null;
        }
        return line.isEmpty() || (policy.isHurried() && mayGoFirst()) ? lanes.claim() : null;
    }

    /** {@return whether those that wait have not waited for long} */
    private boolean mayGoFirst() {
        long now = Nanos.now();
        return now - line.oldestNanos(now) < PATIENCE_NANOS;
    }

    /**
     * Gives a lane back after a call of one row. With more callers than processors each would otherwise ask again until
     * the operating system takes its processor, in the middle of a run and for as long as all others need together.
     */
    @SuppressWarnings("ThreadPriorityCheck") // nothing depends on it but who goes first
    private void leave(Slot<C, R> slot) {
        boolean over = slot.turnIsOver() && policy.isCrowded();
        release(slot);
        if (over) {
            Thread.yield();
        }
    }

    /**
     * Gives a lane back, and has those looked after who waited for it. Where a caller has no stack left for that, it
     * notes in the lane that it has left it.
     */
    private void release(Slot<C, R> slot) {
        lanes.release(slot);
        if (!line.isEmpty()) {
            tend();
        }
    }

    /** Sees to it that what waits is run: now, or where others are running and it has not waited for long, soon. */
    private void tend() {
        if (!workable()) {
            return;
        }
        if (policy.isHurried()) {
            long now = Nanos.now();
            long turn = line.oldestNanos(now) + PATIENCE_NANOS;
            if (now < turn && lanes.anyTaken()) {
                Watch.SHARED.lookBy(turn);
                return;
            }
        }
        workers.wake();
    }

    private boolean workable() {
        return !line.isEmpty() && lanes.anyFree();
    }

    /** Runs the next batch. {@return whether there was one; its calls are then to be completed} */
    private boolean serve(Batch<C> batch) {
        if (options.maxDelayNanos() > 0) {
            awaitCompany();
        }
        if (line.isEmpty()) {
            return false;
        }
        Slot<C, R> slot;
        try {
            slot = lanes.claim();
        } catch (RuntimeException | Error e) {
            line.take(batch, maxRows, policy.tokens(), policy.cost());
            batch.failRest(e);
            return true;
        }
        if (slot == null) {
            return false;
        }
        try {
            slot.batch = batch;
            line.take(batch, Math.min(batch.capacity(), slot.runner.maxRows()), policy.tokens(), policy.cost());
            if (batch.size() > 0) {
                runGathered(slot, batch);
            }
        } catch (Throwable e) {
            // No memory, most likely.
            batch.failRest(e);
        } finally {
            slot.batch = null;
            lanes.release(slot);
        }
        return batch.size() > 0;
    }

    private void runGathered(Slot<C, R> slot, Batch<C> batch) {
        long started = Nanos.now();
        BatchRun.run(slot, batch);
        long ended = Nanos.now();
        batch.count(slot.tally, ended);
        policy.observe((long) batch.size() * batch.length(), ended - started);
    }

    /** Lets calls gather although nothing else runs. */
    private void awaitCompany() {
        while (!line.isEmpty() && !line.isClosed() && line.size() < maxRows) {
            long now = Nanos.now();
            long left = line.oldestNanos(now) + options.maxDelayNanos() - now;
            if (left <= 0) {
                return;
            }
            LockSupport.parkNanos(this, Math.min(left, DELAY_POLL_NANOS));
        }
    }
}
