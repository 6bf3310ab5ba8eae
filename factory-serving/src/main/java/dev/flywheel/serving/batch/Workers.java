package dev.flywheel.serving.batch;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
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
 * seconds. Those that look for work or run it are on duty; a submission that finds enough of them on duty, or called to
 * it, wakes nobody. A worker whose callbacks block is taken off duty after a millisecond, so that code that depends on
 * a future may block without holding up the queue. Thread-safe.
 *
 * <p>Only a worker enters upon duty, and only it or who watches it ends that. Whoever calls one may fail at any step,
 * at the end of its stack or where there is no memory for a thread; so the watch forgets whoever was called and has not
 * come after twenty milliseconds, and calls another if something waits. One too many finds enough on duty, and rests.
 */
final class Workers<C extends Call<?>> {

    /** How long code that depends on futures may keep a worker from its duty. */
    static final long PATIENCE_NANOS = 1_000_000;

    private static final long IDLE_NANOS = 10_000_000_000L;
    private static final long RETRY_NANOS = 10_000_000;

    /** More than a thread takes to wake where others have the processors: to call two for one costs time. */
    private static final long COMING_NANOS = 20_000_000;

    private static final long SETTLE_NANOS = 1_000_000_000;
    private static final long SETTLE_POLL_NANOS = 50_000;

    /** Looking for work so many times takes about as long as waking a thread. */
    private static final int MOST_SPINS = 400;

    private static final int FEWEST_SPINS = 10;

    private static final long ONE_CALLED = 1L << 32;

    private static final Logger log = LoggerFactory.getLogger(Workers.class);

    private final Supplier<Batch<C>> batches;
    private final Predicate<Batch<C>> work;
    private final BooleanSupplier workable;
    private final IntSupplier enough;
    /** Those on duty, in the lower half, and those called to it that have not come yet. */
    private final AtomicLong posts = new AtomicLong();

    private final AtomicInteger number = new AtomicInteger();
    private final ConcurrentLinkedDeque<Worker> idle = new ConcurrentLinkedDeque<>();
    private final Set<Worker> all = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    /** Of the watching thread: since when it has found somebody called; 0 if it has not. */
    private long calledSince;

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

    /** Calls one more worker to its duty, unless there are enough. */
    void wake() {
        long now = posts.get();
        while (onDuty(now) + called(now) < enough.getAsInt()) {
            if (posts.compareAndSet(now, now + ONE_CALLED)) {
                summon(Order.DUTY);
                return;
            }
            now = posts.get();
        }
        watchOver(now);
    }

    private static int onDuty(long posts) {
        return (int) posts;
    }

    private static int called(long posts) {
        return (int) (posts >> 32);
    }

    /** Has it seen to that nobody counts for ever on workers that were called and do not come. */
    private static void watchOver(long posts) {
        if (called(posts) > 0) {
            Watch.SHARED.lookBy(Nanos.now() + COMING_NANOS);
        }
    }

    /** Has something else done by a thread that may block. */
    void execute(Runnable chore) {
        summon(chore);
    }

    /** Waits until every worker has completed what it ran, or has been taken off duty because that takes long. */
    void settle() {
        long until = Nanos.now() + SETTLE_NANOS;
        while (onDuty(posts.get()) > 0 && Nanos.now() < until) {
            LockSupport.parkNanos(this, SETTLE_POLL_NANOS);
        }
    }

    /** Ends the threads when they are done. Nothing may wait any more. */
    void close() {
        closed = true;
        all.forEach(worker -> LockSupport.unpark(worker.thread));
    }

    /** Takes those off duty who have completed calls for too long, and forgets those that do not come. */
    void look(long now) {
        if (called(posts.get()) == 0) {
            calledSince = 0;
        } else if (calledSince == 0) {
            calledSince = now;
        } else if (now - calledSince >= COMING_NANOS) {
            calledSince = 0;
            posts.updateAndGet(Workers::onDuty);
        }
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
            posts.decrementAndGet();
        }
    }

    /**
     * {@return whether the calling worker is on duty now, which it is not if there are enough others}
     *
     * @param came 1 for one that was called and now has come, otherwise 0
     */
    private boolean enter(int came) {
        while (true) {
            long now = posts.get();
            long without = called(now) > 0 ? now - came * ONE_CALLED : now;
            boolean enters = onDuty(without) + called(without) < enough.getAsInt();
            if (posts.compareAndSet(now, enters ? without + 1 : without)) {
                if (!enters) {
                    watchOver(without);
                }
                return enters;
            }
        }
    }

    /** Counts on one less of those that were called. No lambda, which needs stack to be made. */
    private void uncall() {
        long now = posts.get();
        while (called(now) > 0) {
            if (posts.compareAndSet(now, now - ONE_CALLED)) {
                return;
            }
            now = posts.get();
        }
    }

    private void summon(Runnable order) {
        for (Worker worker = idle.pollFirst(); worker != null; worker = idle.pollFirst()) {
            if (worker.order.compareAndSet(null, order)) {
                LockSupport.unpark(worker.thread);
                return;
            }
        }
        try {
            new Worker(order).thread.start();
        } catch (Throwable e) {
            // There is no memory for a thread now. The watch tries again.
            if (order == Order.DUTY) {
                uncall();
                Watch.SHARED.lookBy(Nanos.now() + RETRY_NANOS);
            } else {
                order.run();
            }
        }
    }

    /** What a worker may be told besides a chore. */
    private enum Order implements Runnable {
        /** To enter upon its duty. */
        DUTY,
        /** To end; by itself, so that nobody tells it anything any more. */
        END;

        @Override
        public void run() {}
    }

    private final class Worker implements Runnable {

        final Batch<C> batch = batches.get();
        // Without the thread locals that the host may have its threads inherit: the next caller is somebody else.
        final Thread thread = new Thread(null, this, "flywheel-serving-" + number.incrementAndGet(), 0, false);

        /** What it is to do next; null while it is idle. Set once by whoever takes it out of the idle ones. */
        final AtomicReference<@Nullable Runnable> order;

        /** Whether it has entered upon its duty and not left it, though it may have been taken off. */
        private boolean onDuty;

        private int spins = MOST_SPINS / 4;

        Worker(Runnable order) {
            this.order = new AtomicReference<>(order);
            thread.setDaemon(true);
        }

        @Override
        public void run() {
            try {
                all.add(this);
            } finally {
                obey();
            }
        }

        private void obey() {
            try {
                do {
                    Runnable next = order.getAndSet(null);
                    if (next == Order.DUTY) {
                        serveWhatever();
                    } else if (next != null) {
                        next.run();
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
            if (!enter(1)) {
                return;
            }
            batch.reclaim();
            onDuty = true;
            while (true) {
                boolean dutiful = true;
                if (work.test(batch)) {
                    dutiful = finish();
                } else if (!spin()) {
                    dutiful = false;
                    onDuty = false;
                    posts.decrementAndGet();
                }
                // Whoever saw this worker on duty has woken nobody, so it looks again after it has left.
                if (!dutiful) {
                    if (!workable.getAsBoolean() || !enter(0)) {
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
            while (order.get() == null) {
                long left = until - Nanos.now();
                if ((closed || left <= 0) && order.compareAndSet(null, Order.END)) {
                    idle.remove(this);
                    return false;
                }
                LockSupport.parkNanos(this, Math.max(1, left));
            }
            return true;
        }
    }
}
