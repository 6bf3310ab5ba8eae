package dev.flywheel.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Closed-loop load in rounds that alternate between the contenders, so that a busy moment of the machine hits all of
 * them.
 */
final class Rounds {

    private static final int WARM_UP = 2;
    private static final int SAMPLES = 1 << 20;

    private volatile boolean stop;

    /** One caller's work; made on the caller's thread. */
    interface Caller {

        /** {@return the requests that were answered} */
        long call() throws Exception;
    }

    /** What callers get their work from. */
    interface Callers {
        Caller make() throws Exception;
    }

    /**
     * What a round measured.
     *
     * @param rate requests a second
     * @param p99 microseconds that 99 of 100 calls did not exceed
     */
    record Result(double rate, double p99) {}

    /** {@return for each contender the results of its rounds} */
    List<List<Result>> run(int rounds, int threads, long millis, List<Callers> contenders) throws Exception {
        List<List<Result>> results = new ArrayList<>();
        contenders.forEach(c -> results.add(new ArrayList<>()));
        for (int round = 0; round < WARM_UP + rounds; round++) {
            for (int i = 0; i < contenders.size(); i++) {
                Result result = round(threads, millis, contenders.get(i));
                if (round >= WARM_UP) {
                    results.get(i).add(result);
                }
            }
        }
        return results;
    }

    private Result round(int threads, long millis, Callers contender) throws Exception {
        stop = false;
        CountDownLatch ready = new CountDownLatch(threads);
        CountDownLatch go = new CountDownLatch(1);
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<Tally>> futures = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                futures.add(executor.submit(caller(contender, SAMPLES / threads, ready, go)));
            }
            ready.await();
            long started = System.nanoTime();
            go.countDown();
            Thread.sleep(millis);
            stop = true;
            return result(futures, started);
        } finally {
            executor.shutdown();
        }
    }

    /** What one caller saw. */
    private static final class Tally {

        private final long requests;
        private final long[] nanos;

        Tally(long requests, long[] nanos) {
            this.requests = requests;
            this.nanos = nanos;
        }
    }

    private Callable<Tally> caller(Callers contender, int samples, CountDownLatch ready, CountDownLatch go) {
        return () -> {
            Caller caller = contender.make();
            long[] nanos = new long[samples];
            int calls = 0;
            long requests = 0;
            ready.countDown();
            go.await();
            long before = System.nanoTime();
            while (!stop) {
                requests += caller.call();
                long now = System.nanoTime();
                nanos[calls++ % samples] = now - before;
                before = now;
            }
            return new Tally(requests, Arrays.copyOf(nanos, Math.min(calls, samples)));
        };
    }

    private static Result result(List<Future<Tally>> futures, long started)
            throws InterruptedException, ExecutionException {
        long requests = 0;
        List<long[]> parts = new ArrayList<>();
        for (Future<Tally> future : futures) {
            Tally tally = future.get();
            requests += tally.requests;
            parts.add(tally.nanos);
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        long[] all = parts.stream().flatMapToLong(Arrays::stream).sorted().toArray();
        return new Result(requests / seconds, all[(int) (all.length * 0.99)] / 1e3);
    }
}
