package dev.flywheel.benchmarks;

import ai.onnxruntime.OrtException;
import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Threads that run a model, each again and again, until this is closed. Thread-safe. */
final class GpuLoad implements AutoCloseable {

    /** What one thread does; made, run and closed by it. */
    interface Runner extends AutoCloseable {
        void run() throws Exception;

        @Override
        void close();
    }

    private final LongAdder runs = new LongAdder();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final List<Thread> threads = new ArrayList<>();
    private final int rows;
    private volatile boolean stopped;

    private GpuLoad(int rows) {
        this.rows = rows;
    }

    /** {@return threads at work, each of which has had its first run} */
    static GpuLoad start(int threads, int rows, Callable<Runner> runners) throws InterruptedException {
        GpuLoad load = new GpuLoad(rows);
        CountDownLatch running = new CountDownLatch(threads);
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> load.work(runners, running), "load-" + i);
            load.threads.add(thread);
            thread.start();
        }
        running.await();
        return load;
    }

    private void work(Callable<Runner> runners, CountDownLatch running) {
        try (Runner runner = runners.call()) {
            runner.run();
            runner.run();
            running.countDown();
            while (!stopped) {
                runner.run();
                runs.increment();
            }
        } catch (Exception | LinkageError e) {
            failure.compareAndSet(null, e);
        } finally {
            running.countDown();
        }
    }

    /** {@return the rows of all runs so far} */
    long rows() {
        Throwable failed = failure.get();
        if (failed != null) {
            throw new IllegalStateException("a run failed: " + failed, failed);
        }
        return runs.sum() * rows;
    }

    /** {@return rows a second, over so long from now} */
    double rate(double seconds) throws InterruptedException {
        long before = rows();
        long start = System.nanoTime();
        Thread.sleep((long) (1_000 * seconds));
        return (rows() - before) / ((System.nanoTime() - start) / 1e9);
    }

    /** {@return a lane that runs full batches of numbers made up once} */
    static Runner lane(Engine engine, int rows) {
        Lane lane = engine.newLane(rows);
        fill(lane.input(0).floats(), rows * lane.input(0).width());
        return new Runner() {
            @Override
            public void run() {
                lane.run(rows);
            }

            @Override
            public void close() {
                lane.close();
            }
        };
    }

    /** {@return the same of ONNX Runtime by hand, on memory that is not locked} */
    static Runner bare(BareLane lane, int rows, int inputs) {
        fill(lane.in(), rows * inputs);
        return new Runner() {
            @Override
            public void run() throws Exception {
                lane.run(rows);
            }

            @Override
            public void close() {
                try {
                    lane.close();
                } catch (OrtException e) {
                    throw new IllegalStateException(e);
                }
            }
        };
    }

    static void fill(FloatBuffer numbers, int count) {
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < count; i++) {
            numbers.put(i, (float) (2 * random.nextDouble() - 1));
        }
    }

    /** Ends what runs, and waits for it. */
    @Override
    public void close() {
        stopped = true;
        threads.forEach(Uninterruptibles::joinUninterruptibly);
    }
}
