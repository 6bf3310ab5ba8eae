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

    /** {@return the workers that run something or are about to look for something to run} */
    int active() {
        return active.get();
    }

    /** Starts one more worker, unless the number of active ones has changed since it was {@code seen}. */
    void start(int seen) {
        if (active.compareAndSet(seen, seen + 1)) {
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
            // Whoever saw this worker active has not started another, so it looks again after it has left.
        } while (workable.getAsBoolean() && active.incrementAndGet() > 0);
    }
}
