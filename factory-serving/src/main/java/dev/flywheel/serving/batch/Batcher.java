package dev.flywheel.serving.batch;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.PredictionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
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
 *       longer than that. (Were all callers to run whenever they like, the operating system would let some of 256
 *       threads wait for half a second.)
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

    /** How long runs that are told to end may take to do so. */
    private static final long LEAST_GRACE_NANOS = 100_000_000;

    private static final long MOST_GRACE_NANOS = 5_000_000_000L;

    private final String name;
    private final BatchOptions options;
    private final CostModel cost = new CostModel();
    private final WaitingLine<C> line;
    private final Lanes<C, R> lanes;
    private final Queue<Elsewhere<C>> elsewhere = new ConcurrentLinkedQueue<>();
    private final Workers<C> workers;
    private final Watch.Watched watched = this::look;
    private final ReentrantLock closing = new ReentrantLock();
    private final int maxRows;
    /** Whether runs are so short that calls run rather than wait. */
    private volatile boolean hurried;

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
        this.name = name;
        this.options = options;
        this.maxRows = first.maxRows();
        this.line = new WaitingLine<>(name, options);
        this.lanes = new Lanes<>(first, more, options.lanes() > 0 ? options.lanes() : processors(), this::lanesAtMost);
        this.workers = new Workers<>(() -> new Batch<>(maxRows), this::serve, this::workable, this::workersAtMost);
        Rehearsal.learn(first, cost);
        decide();
        Watch.SHARED.add(watched);
    }

    private void decide() {
        boolean now = options.maxDelayNanos() == 0 && cost.shorterThanHandover();
        if (now != hurried) {
            hurried = now;
        }
        line.hurried(now);
    }

    private int lanesAtMost() {
        if (options.lanes() > 0) {
            return options.lanes();
        }
        return hurried ? 4 * processors() : processors();
    }

    private static int processors() {
        return Math.max(2, Runtime.getRuntime().availableProcessors());
    }

    private int workersAtMost() {
        return hurried ? 1 : lanesAtMost();
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
        if (slot == null) {
            line.add(call, Thread.currentThread());
            // A lane may have come free before it could be seen that this call waits.
            slot = hurried && !line.isEmpty() ? claimAtOnce() : null;
            if (slot == null || !call.take()) {
                if (slot != null) {
                    release(slot);
                }
                tend();
                call.awaitRun(line);
                return call.outcome();
            }
            line.left(false);
        }
        runAlone(slot, call);
        return call.outcome();
    }

    private void runAlone(Slot<C, R> slot, C call) {
        try {
            if (slot.timesNext()) {
                long started = call.stamp();
                long before = Nanos.now();
                BatchRun.run(slot, call);
                long now = Nanos.now();
                slot.lastNanos(now - started);
                cost.observe(call.length(), now - before);
                decide();
            } else {
                BatchRun.run(slot, call);
            }
            slot.tally.calls(1, slot.lastNanos());
            if (call.failed()) {
                slot.tally.error();
            }
        } finally {
            release(slot);
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
        workers.wake();
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
        long started = Nanos.now();
        try {
            work.accept(slot.runner);
        } catch (RuntimeException | Error e) {
            slot.tally.error();
            throw e;
        } finally {
            slot.tally.batch(rows);
            slot.tally.calls(rows, Nanos.now() - started);
            release(slot);
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
        call.setOut(options.deadlineNanos());
        if (call.deadlineNanos() != Long.MAX_VALUE) {
            elsewhere.add(new Elsewhere<>(call, cause));
            Watch.SHARED.lookBy(call.deadlineNanos());
        }
    }

    /** A call that waits elsewhere, and what to tell it when it is late. */
    private record Elsewhere<C>(C call, Supplier<? extends RuntimeException> cause) {}

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

    /** {@return the runs that it can do at a time} */
    public int lanes() {
        return lanes.size();
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
     * their callers get a {@link ClosedException}, and their lanes close when they end.
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
            refuseRest();
            List<Slot<C, R>> open = lanes.retire(patientUntil::get);
            if (!open.isEmpty()) {
                end(open);
            }
            workers.settle();
            workers.close();
            Watch.SHARED.remove(watched);
            closed = true;
        } finally {
            closing.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Fails what waits, also what is just being put into the line by threads that found it open. */
    private void refuseRest() {
        long until = Nanos.now() + LEAST_GRACE_NANOS;
        do {
            fail(line.takeAll(), cutOff());
        } while (!line.isEmpty() && Nanos.now() < until);
    }

    private void end(List<Slot<C, R>> open) {
        open.forEach(slot -> slot.runner.terminate());
        long until = Nanos.now() + LEAST_GRACE_NANOS;
        List<Slot<C, R>> hanging = lanes.retire(() -> until);
        while (!hanging.isEmpty()) {
            hanging.forEach(slot -> giveUp(slot, slot::forsake, cutOff()));
            // Those that ended in between are free, and to be closed here.
            hanging = lanes.retire(() -> 0);
        }
    }

    private ClosedException cutOff() {
        return new ClosedException(
                name + " did not answer a prediction",
                "it was closed and did not wait for it",
                "give close more time, or stop the requests first");
    }

    private @Nullable Slot<C, R> claimAtOnce() {
        if (line.isClosed() || options.maxDelayNanos() > 0) {
            return null;
        }
        return line.isEmpty() || (hurried && mayGoFirst()) ? lanes.claim() : null;
    }

    /** {@return whether those that wait have not waited for long} */
    private boolean mayGoFirst() {
        long now = Nanos.now();
        return now - line.oldestNanos(now) < PATIENCE_NANOS;
    }

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
        if (hurried) {
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
            line.take(batch, maxRows, tokens(), cost);
            batch.failRest(e);
            return true;
        }
        if (slot == null) {
            return false;
        }
        try {
            slot.batch = batch;
            line.take(batch, Math.min(batch.capacity(), slot.runner.maxRows()), tokens(), cost);
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
        cost.observe((long) batch.size() * batch.length(), ended - started);
        decide();
    }

    private int tokens() {
        return options.maxTokens() > 0 ? options.maxTokens() : cost.budget();
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

    /** Looks after what time brings about. {@return when to look again} */
    private long look(long now) {
        long next = now + Math.max(1_000_000, options.runTimeoutNanos() / 4);
        lookAtRuns(now);
        workers.look(now);
        if (line.soonestNanos() <= now) {
            expire(now);
        }
        if (!line.isEmpty()) {
            tend();
            next = Math.min(next, now + 5 * PATIENCE_NANOS);
        }
        next = Math.min(next, lookElsewhere(now));
        return Math.min(next, line.soonestNanos());
    }

    private void expire(long now) {
        List<WaitingLine.Late> late = new ArrayList<>();
        line.expire(now, late);
        for (Slot<C, R> slot : lanes.all()) {
            Batch<C> batch = slot.batch;
            if (batch != null) {
                batch.look(call -> line.expire(call, now, late));
            }
        }
        if (!late.isEmpty()) {
            workers.execute(() -> late.forEach(one -> one.call().completeExceptionally(one.cause())));
        }
    }

    /** Fails the late ones of those who wait elsewhere. {@return when the next of them is late} */
    private long lookElsewhere(long now) {
        long next = Long.MAX_VALUE;
        for (Iterator<Elsewhere<C>> all = elsewhere.iterator(); all.hasNext(); ) {
            Elsewhere<C> one = all.next();
            C call = one.call();
            boolean late = call.deadlineNanos() <= now;
            if (late || call.isDone() || call.entered()) {
                all.remove();
            } else {
                next = Math.min(next, call.deadlineNanos());
            }
            if (late && !call.isDone() && !call.entered()) {
                workers.execute(() -> call.completeExceptionally(one.cause().get()));
            }
        }
        return next;
    }

    private void lookAtRuns(long now) {
        long timeout = options.runTimeoutNanos();
        long grace = Math.max(LEAST_GRACE_NANOS, Math.min(MOST_GRACE_NANOS, timeout / 4));
        for (Slot<C, R> slot : lanes.all()) {
            long ran = slot.look(now);
            if (ran >= timeout && slot.tell()) {
                slot.runner.terminate();
                Watch.SHARED.lookBy(now + grace);
            } else if (ran >= timeout + grace) {
                giveUp(slot, slot::giveUp, hung());
            }
        }
    }

    private PredictionException hung() {
        return new PredictionException(
                name + " gave up a run",
                "it did not end within "
                        + Duration.ofNanos(options.runTimeoutNanos()).toMillis() + " ms, nor when it was told to",
                "look for what the model waits for, or raise runTimeout");
    }

    /** Gives up a run and fails its calls. */
    private void giveUp(Slot<C, R> slot, BooleanSupplier over, RuntimeException cause) {
        Batch<C> batch = slot.batch;
        // Before, because the run may end at any time after, and its batch serve others.
        List<C> calls = new ArrayList<>();
        if (batch != null) {
            batch.look(calls::add);
        }
        if (lanes.giveUp(slot, over) && batch != null) {
            workers.lend(batch, 0);
            fail(calls, cause);
            workers.wake();
        }
    }

    /** Completes calls on another thread, which their callbacks may block, and waits a little for that. */
    private void fail(List<C> calls, RuntimeException cause) {
        if (calls.isEmpty()) {
            return;
        }
        CountDownLatch done = new CountDownLatch(1);
        workers.execute(() -> {
            calls.forEach(call -> call.abandon(cause));
            done.countDown();
        });
        try {
            boolean unused = done.await(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
