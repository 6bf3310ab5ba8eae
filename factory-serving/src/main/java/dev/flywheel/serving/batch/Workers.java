package dev.flywheel.serving.batch;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that run what waits. They are daemons, started when there is work for them and ended after ten idle
 * seconds. Those that look for work or run it are on duty; a submission that finds enough of them on duty wakes nobody.
 * A worker whose callbacks block is taken off duty after a millisecond, so that code that depends on a future may block
 * without holding up the queue. Thread-safe.
 */
final class Workers<C extends Call<?>> {

    /** How long code that depends on futures may keep a worker from its duty. */
    static final long PATIENCE_NANOS = 1_000_000;

    private static final long IDLE_NANOS = 10_000_000_000L;
    private static final long RETRY_NANOS = 10_000_000;
    private static final long SETTLE_NANOS = 1_000_000_000;
    private static final long SETTLE_POLL_NANOS = 50_000;

    /** Looking for work so many times takes about as long as waking a thread. */
    private static final int MOST_SPINS = 400;

    private static final int FEWEST_SPINS = 10;

    private static final Logger log = LoggerFactory.getLogger(Workers.class);

    private final Supplier<Batch<C>> batches;
    private final Predicate<Batch<C>> work;
    private final BooleanSupplier workable;
    private final IntSupplier enough;
    private final AtomicInteger duty = new AtomicInteger();
    private final AtomicInteger number = new AtomicInteger();
    private final ConcurrentLinkedDeque<Worker> idle = new ConcurrentLinkedDeque<>();
    private final Set<Worker> all = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    /**
     * @param work runs what waits, in this batch, whose calls then are to be completed; false if there was nothing
     * @param workable whether something waits and could run now
     * @param enough how many are to be on duty at most
     */
    Workers(Supplier<Batch<C>> batches, Predicate<Batch<C>> work, BooleanSupplier workable, IntSupplier enough) {
        this.batches = batches;
        this.work = work;
        this.workable = workable;
        this.enough = enough;
    }

    /** Puts one more worker on duty, unless there are enough. */
    void wake() {
        if (enter()) {
            summon(null);
        }
    }

    /** Has something else done by a thread that may block. */
    void execute(Runnable chore) {
        summon(chore);
    }

    /** Waits until every worker has completed what it ran, or has been taken off duty because that takes long. */
    void settle() {
        long until = Nanos.now() + SETTLE_NANOS;
        while (duty.get() > 0 && Nanos.now() < until) {
            LockSupport.parkNanos(this, SETTLE_POLL_NANOS);
        }
    }

    /** Ends the threads when they are done. Nothing may wait any more. */
    void close() {
        closed = true;
        all.forEach(worker -> LockSupport.unpark(worker.thread));
    }

    /** Takes those off duty who have completed calls for too long. */
    void look(long now) {
        for (Worker worker : all) {
            long since = worker.batch.finishingSince();
            if (since > 0 && now - since >= PATIENCE_NANOS) {
                lend(worker.batch, since);
            }
        }
    }

    /** Counts no more on whoever has the batch, if that has not changed since {@code phase}. */
    void lend(Batch<C> batch, long phase) {
        if (batch.lend(phase)) {
            duty.decrementAndGet();
        }
    }

    private boolean enter() {
        int now = duty.get();
        return now < enough.getAsInt() && duty.compareAndSet(now, now + 1);
    }

    private void summon(@Nullable Runnable chore) {
        Worker worker = idle.pollFirst();
        if (worker != null) {
            worker.chore = chore;
            worker.called = true;
            LockSupport.unpark(worker.thread);
            return;
        }
        try {
            new Worker(chore).start();
        } catch (Throwable e) {
            // There is no memory for a thread now. The watch tries again.
            if (chore == null) {
                duty.decrementAndGet();
                Watch.SHARED.lookBy(Nanos.now() + RETRY_NANOS);
            } else {
                chore.run();
            }
        }
    }

    private final class Worker implements Runnable {

        final Batch<C> batch = batches.get();
        // Without the thread locals that the host may have its threads inherit: the next caller is somebody else.
        final Thread thread = new Thread(null, this, "flywheel-serving-" + number.incrementAndGet(), 0, false);

        @Nullable
        Runnable chore;

        volatile boolean called;

        /** Whether it has entered upon its duty and not left it, though it may have been taken off. */
        private boolean onDuty;

        private int spins = MOST_SPINS / 4;

        Worker(@Nullable Runnable chore) {
            this.chore = chore;
            thread.setDaemon(true);
        }

        void start() {
            all.add(this);
            try {
                thread.start();
            } catch (Throwable e) {
                all.remove(this);
                throw e;
            }
        }

        @Override
        public void run() {
            try {
                do {
                    Runnable other = chore;
                    chore = null;
                    if (other == null) {
                        serveWhatever();
                    } else {
                        other.run();
                    }
                } while (rest());
            } finally {
                all.remove(this);
            }
        }

        /** Leaves the duty also where something is thrown that nobody expected: out of memory, most likely. */
        private void serveWhatever() {
            try {
                serve();
            } catch (Throwable e) {
                log.warn("a worker failed, and goes on", e);
                batch.failRest(e);
                batch.finish();
                batch.clear();
                if (onDuty) {
                    onDuty = false;
                    lend(batch, batch.finishingSince());
                }
                // What waits may have counted on it.
                Watch.SHARED.lookBy(Nanos.now() + RETRY_NANOS);
            }
        }

        private void serve() {
            batch.reclaim();
            onDuty = true;
            while (true) {
                boolean dutiful = true;
                if (work.test(batch)) {
                    dutiful = finish();
                } else if (!spin()) {
                    dutiful = false;
                    onDuty = false;
                    duty.decrementAndGet();
                }
                // Whoever saw this worker on duty has woken nobody, so it looks again after it has left.
                if (!dutiful) {
                    if (!workable.getAsBoolean() || !enter()) {
                        return;
                    }
                    batch.reclaim();
                    onDuty = true;
                }
            }
        }

        /** Completes what was run. {@return whether this worker is still on duty} */
        private boolean finish() {
            long now = Nanos.now();
            boolean dutiful = batch.beginFinishing(now);
            Watch.SHARED.lookBy(now + PATIENCE_NANOS);
            batch.finish();
            batch.clear();
            return dutiful && batch.endFinishing(now);
        }

        /** {@return whether there is something to do, which is looked for the longer the more often there was} */
        private boolean spin() {
            for (int i = 0; i < spins; i++) {
                if (workable.getAsBoolean()) {
                    if (i == 0) {
                        // Nothing could be taken of it: somebody is about to put it there, and lost its processor.
                        LockSupport.parkNanos(this, 1);
                        return true;
                    }
                    spins = Math.min(MOST_SPINS, spins * 2);
                    return true;
                }
                Thread.onSpinWait();
            }
            spins = Math.max(FEWEST_SPINS, spins / 2);
            return false;
        }

        /** {@return whether there is more to do, after waiting for it} */
        private boolean rest() {
            long until = Nanos.now() + IDLE_NANOS;
            idle.addFirst(this);
            while (!called) {
                long left = until - Nanos.now();
                if ((closed || left <= 0) && idle.remove(this)) {
                    return false;
                }
                LockSupport.parkNanos(this, Math.max(1, left));
            }
            called = false;
            return true;
        }
    }
}
