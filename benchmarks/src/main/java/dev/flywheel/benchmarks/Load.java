package dev.flywheel.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.AtomicHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** The load generators. Each runs one contender once, with threads of its own, and says what it found. */
final class Load {

    /** Of so many requests in flight one is timed: a callback on every one would be what is measured. */
    private static final int TIMED = 16;

    /** Parking is late by about this much, so what is left is spent giving way to whoever has something to do. */
    private static final long PARK_SLACK_NANOS = 60_000;

    private Load() {}

    /** What one thread does until the end. */
    @FunctionalInterface
    private interface Loop<W> {
        /** {@return the requests that were answered} */
        long run(W worker, int thread, long startNanos, long endNanos, Histogram nanos) throws Exception;
    }

    /** What is measured. */
    @FunctionalInterface
    interface Call<W> {

        /** {@return the requests that were answered} */
        int make(W worker, int turn) throws Exception;
    }

    /** {@return what callers found that ask again as soon as they have an answer} */
    static <W extends Contender.Worker> Measured closed(Contender<W> contender, int callers, long nanos, Call<W> call)
            throws Exception {
        return run(contender, callers, nanos, (worker, thread, start, end, histogram) -> {
            long answered = 0;
            long before = System.nanoTime();
            for (int turn = thread; before < end; turn++) {
                answered += call.make(worker, turn);
                long now = System.nanoTime();
                histogram.recordValue(now - before);
                before = now;
            }
            return answered;
        });
    }

    /**
     * {@return what callers found that keep to a schedule, whatever the answers take} A request's time counts from the
     * moment at which it was to be sent, so that one that waits behind a slow one is not forgotten (coordinated
     * omission: Gil Tene, "How NOT to Measure Latency", 2015).
     *
     * @param perSecond requests a second, of all callers together
     */
    static <W extends Contender.Worker> Measured open(
            Contender<W> contender, int callers, double perSecond, long nanos, Call<W> call) throws Exception {
        double interval = 1e9 * callers / perSecond;
        return run(contender, callers, nanos, (worker, thread, start, end, histogram) -> {
            long answered = 0;
            double due = start + interval * thread / callers;
            for (int turn = thread; due < end; turn++) {
                await((long) due);
                answered += call.make(worker, turn);
                histogram.recordValue(Math.max(0, System.nanoTime() - (long) due));
                due += interval;
            }
            return answered;
        });
    }

    /**
     * {@return what threads found that keep so many requests in flight each, and ask again when the oldest is answered}
     */
    static <I> Measured window(
            Contender<Contender.Later<I>> contender, int threads, int inFlight, long nanos, List<I> inputs)
            throws Exception {
        Histogram timed = timed();
        Measured rate = run(contender, threads, nanos, (worker, thread, start, end, unused) -> {
            List<CompletableFuture<?>> ring = new ArrayList<>();
            for (int i = 0; i < inFlight; i++) {
                ring.add(submit(worker, inputs.get(i % inputs.size()), i % TIMED == 0 ? timed : null, 0));
            }
            long answered = 0;
            for (int i = 0; (i & 63) != 0 || System.nanoTime() < end; i++) {
                int at = i % inFlight;
                ring.get(at).join();
                answered++;
                ring.set(at, submit(worker, inputs.get(i % inputs.size()), i % TIMED == 0 ? timed : null, 0));
            }
            ring.forEach(CompletableFuture::join);
            return answered;
        });
        return new Measured(rate.rate(), timed);
    }

    /** {@return what one thread found that submits to a schedule, answered or not; times count from the schedule} */
    static <I> Measured openLater(Contender<Contender.Later<I>> contender, double perSecond, long nanos, List<I> inputs)
            throws Exception {
        Histogram timed = timed();
        Measured rate = run(contender, 1, nanos, (worker, thread, start, end, unused) -> {
            double interval = 1e9 / perSecond;
            long sent = 0;
            CompletableFuture<?> last = CompletableFuture.completedFuture(null);
            for (double due = start; due < end; due += interval) {
                await((long) due);
                last = submit(worker, inputs.get((int) (sent % inputs.size())), timed, (long) due);
                sent++;
            }
            last.join();
            return sent;
        });
        return new Measured(rate.rate(), timed);
    }

    private static <I> CompletableFuture<?> submit(
            Contender.Later<I> worker, I input, @Nullable Histogram timed, long due) throws Exception {
        if (timed == null) {
            return worker.submit(input);
        }
        long from = due == 0 ? System.nanoTime() : due;
        CompletableFuture<?> future = worker.submit(input);
        CompletableFuture<?> unused =
                future.whenComplete((value, failure) -> timed.recordValue(Math.max(0, System.nanoTime() - from)));
        return future;
    }

    private static Histogram timed() {
        return new AtomicHistogram(600_000_000_000L, 2);
    }

    @SuppressWarnings("ThreadPriorityCheck")
    private static void await(long due) {
        long left = due - System.nanoTime();
        while (left > 0) {
            if (left > PARK_SLACK_NANOS) {
                LockSupport.parkNanos(left - PARK_SLACK_NANOS);
            } else {
                Thread.yield();
            }
            left = due - System.nanoTime();
        }
    }

    private static <W extends Contender.Worker> Measured run(
            Contender<W> contender, int threads, long nanos, Loop<W> loop) throws Exception {
        CountDownLatch ready = new CountDownLatch(threads);
        CompletableFuture<Long> go = new CompletableFuture<>();
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<Tally>> futures = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                futures.add(executor.submit(thread(contender, i, nanos, loop, ready, go)));
            }
            ready.await();
            long started = System.nanoTime();
            go.complete(started);
            return total(futures, started);
        } finally {
            executor.shutdown();
        }
    }

    /** What one thread found. */
    private record Tally(long answered, Histogram nanos) {}

    private static <W extends Contender.Worker> Callable<Tally> thread(
            Contender<W> contender,
            int number,
            long nanos,
            Loop<W> loop,
            CountDownLatch ready,
            CompletableFuture<Long> go) {
        return () -> {
            Histogram histogram = Measured.histogram();
            try (W worker = open(contender, ready)) {
                long start = go.join();
                return new Tally(loop.run(worker, number, start, start + nanos, histogram), histogram);
            }
        };
    }

    private static <W extends Contender.Worker> W open(Contender<W> contender, CountDownLatch ready) throws Exception {
        try {
            return contender.opening().open();
        } finally {
            ready.countDown();
        }
    }

    private static Measured total(List<Future<Tally>> futures, long started)
            throws InterruptedException, ExecutionException {
        for (Future<Tally> future : futures) {
            future.get();
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        long answered = 0;
        Histogram all = Measured.histogram();
        for (Future<Tally> future : futures) {
            answered += future.get().answered;
            all.add(future.get().nanos);
        }
        return new Measured(answered / seconds, all);
    }
}
