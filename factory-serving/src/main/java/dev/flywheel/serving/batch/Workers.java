package dev.flywheel.serving.batch;

import java.util.List;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The threads that run what waits. They are daemons, started when there is work for them and ended after ten idle
 * seconds. A worker that completes futures does not count as active, so that code which depends on a future may block
 * without holding up the queue. Thread-safe.
 */
final class Workers {

    private static final long IDLE_SECONDS = 10;

    private final Supplier<? extends List<? extends Call<?>>> batches;
    private final BooleanSupplier workable;
    private final AtomicInteger active = new AtomicInteger();
    private final ThreadPoolExecutor threads;
    private volatile int limit = 1;

    /**
     * @param batches runs what waits and gives the calls whose futures are to be completed
     * @param workable whether something waits and could run now
     */
    Workers(Supplier<? extends List<? extends Call<?>>> batches, BooleanSupplier workable) {
        this.batches = batches;
        this.workable = workable;
        AtomicInteger number = new AtomicInteger();
        this.threads = new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                task -> {
                    Thread thread = new Thread(task, "flywheel-serving-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                },
                new ThreadPoolExecutor.DiscardPolicy());
    }

    /** Sets the most workers that are active at a time. */
    void limit(int most) {
        limit = most;
    }

    /**
     * Starts a worker if fewer than {@code wanted}, and than the limit, are active. An active worker looks at the queue
     * again before it ends.
     */
    void wake(int wanted) {
        int now = active.get();
        if (now < Math.min(wanted, limit) && active.compareAndSet(now, now + 1)) {
            threads.execute(this::work);
        }
    }

    /** Ends the threads when they are done. Nothing may wait any more. */
    void close() {
        threads.shutdown();
    }

    private void work() {
        do {
            List<? extends Call<?>> done = List.of();
            try {
                done = batches.get();
            } finally {
                active.decrementAndGet();
                done.forEach(Call::finish);
            }
        } while (enter());
    }

    /** Looks again after having left: whoever saw this worker active has not started another. */
    private boolean enter() {
        while (workable.getAsBoolean()) {
            int now = active.get();
            if (now >= limit) {
                return false;
            }
            if (active.compareAndSet(now, now + 1)) {
                return true;
            }
        }
        return false;
    }
}
