package dev.flywheel.serving.batch;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.PredictionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * What looks after the calls of one batcher when time has passed: it fails those that are late, ends runs that hang and
 * gives up those that do not end, takes workers off duty whose callbacks block, frees lanes whose holders could not,
 * and wakes a worker if calls wait that nobody else looks at. Runs no code of others on the watching thread.
 * Thread-safe.
 */
final class Overseer<C extends Call<?>, R extends Runner<? super C>> implements Watch.Watched {

    /** How long runs that are told to end may take to do so. */
    private static final long LEAST_GRACE_NANOS = 100_000_000;

    private static final long MOST_GRACE_NANOS = 5_000_000_000L;

    private static final long RELOOK_NANOS = 10_000_000;

    private final String name;
    private final BatchOptions options;
    private final WaitingLine<C> line;
    private final Lanes<C, R> lanes;
    private final Workers<C> workers;
    private final Runnable tend;
    private final Queue<Elsewhere<C>> elsewhere = new ConcurrentLinkedQueue<>();

    /** @param tend sees to it that what waits is run */
    Overseer(
            String name,
            BatchOptions options,
            WaitingLine<C> line,
            Lanes<C, R> lanes,
            Workers<C> workers,
            Runnable tend) {
        this.name = name;
        this.options = options;
        this.line = line;
        this.lanes = lanes;
        this.workers = workers;
        this.tend = tend;
    }

    /**
     * Fails a call that does not wait here, but for what another one brings, when its time is over; unless it is done
     * by then, or was submitted.
     *
     * @param cause makes what it fails with
     */
    void failWhenLate(C call, Supplier<? extends RuntimeException> cause) {
        call.setOut(options.deadlineNanos());
        if (call.deadlineNanos() != Long.MAX_VALUE) {
            elsewhere.add(new Elsewhere<>(call, cause));
            Watch.SHARED.lookBy(call.deadlineNanos());
        }
    }

    /** A call that waits elsewhere, and what to tell it when it is late. */
    private record Elsewhere<C extends Call<?>>(C call, Supplier<? extends RuntimeException> cause) {

        void fail() {
            if (!call.isDone()) {
                call.completeExceptionally(cause.get());
            }
        }
    }

    /** Looks after what time brings about. {@return when to look again} */
    @Override
    public long look(long now) {
        long next = now + Math.max(1_000_000, options.runTimeoutNanos() / 4);
        lanes.freeLeft();
        lookAtRuns(now);
        workers.look(now);
        if (line.soonestNanos() <= now) {
            expire(now);
        }
        if (!line.isEmpty()) {
            tend.run();
            next = Math.min(next, now + RELOOK_NANOS);
        }
        next = Math.min(next, lookElsewhere(now));
        return Math.min(next, line.soonestNanos());
    }

    /** Fails what waits, also what is just being put into the line by threads that found it open. */
    void refuseRest() {
        long until = Nanos.now() + LEAST_GRACE_NANOS;
        do {
            await(fail(line.takeAll(), cutOff()));
        } while (!line.isEmpty() && Nanos.now() < until);
    }

    /** Ends runs that are under way, or gives them up; returns when their lanes are closed or given up. */
    void end(List<Slot<C, R>> open) {
        open.forEach(slot -> slot.runner.terminate());
        long until = Nanos.now() + LEAST_GRACE_NANOS;
        List<Slot<C, R>> hanging = lanes.retire(() -> until);
        while (!hanging.isEmpty()) {
            hanging.forEach(slot -> await(giveUp(slot, slot::forsake, cutOff())));
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
        List<Elsewhere<C>> late = new ArrayList<>();
        for (Iterator<Elsewhere<C>> all = elsewhere.iterator(); all.hasNext(); ) {
            Elsewhere<C> one = all.next();
            C call = one.call();
            if (call.isDone() || call.entered()) {
                all.remove();
            } else if (call.deadlineNanos() <= now) {
                all.remove();
                late.add(one);
            } else {
                next = Math.min(next, call.deadlineNanos());
            }
        }
        if (!late.isEmpty()) {
            workers.execute(() -> late.forEach(Elsewhere::fail));
        }
        return next;
    }

    private void lookAtRuns(long now) {
        long timeout = options.runTimeoutNanos();
        if (timeout == Long.MAX_VALUE) {
            return;
        }
        long grace = Math.max(LEAST_GRACE_NANOS, Math.min(MOST_GRACE_NANOS, timeout / 4));
        for (Slot<C, R> slot : lanes.all()) {
            long ran = slot.look(now);
            if (ran >= timeout && slot.tell()) {
                Watch.SHARED.lookBy(now + grace);
            } else if (ran >= timeout + grace) {
                CountDownLatch unused = giveUp(slot, slot::giveUp, hung());
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

    /** Gives up a run and fails its calls. {@return what is open until they are completed} */
    private CountDownLatch giveUp(Slot<C, R> slot, BooleanSupplier over, RuntimeException cause) {
        Batch<C> batch = slot.batch;
        // Before, because the run may end at any time after, and its batch serve others.
        List<C> calls = new ArrayList<>();
        if (batch != null) {
            batch.look(calls::add);
        }
        if (!lanes.giveUp(slot, over) || batch == null) {
            return new CountDownLatch(0);
        }
        workers.lend(batch, 0);
        CountDownLatch done = fail(calls, cause);
        workers.wake();
        return done;
    }

    /** Completes calls on another thread, which their callbacks may block. {@return what is open until then} */
    private CountDownLatch fail(List<C> calls, RuntimeException cause) {
        CountDownLatch done = new CountDownLatch(calls.isEmpty() ? 0 : 1);
        if (!calls.isEmpty()) {
            workers.execute(() -> {
                calls.forEach(call -> call.abandon(cause));
                done.countDown();
            });
        }
        return done;
    }

    /** Waits for calls to be completed, but not for long. */
    private static void await(CountDownLatch done) {
        try {
            boolean unused = done.await(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
