package dev.flywheel.benchmarks;

import ai.onnxruntime.OrtException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;

/**
 * What people write first: one queue, one worker or two, each with a lane packed by hand, a future for each request.
 * Thread-safe.
 */
@SuppressWarnings("try") // a worker that is interrupted while it closes is no harm
final class QueueWorker implements AutoCloseable {

    private static final int BATCH = 256;
    private static final int CAPACITY = 4096;

    /** A request that waits. */
    private static final class Request extends CompletableFuture<float[]> {
        final float[] input;

        Request(float[] input) {
            this.input = input;
        }
    }

    private final BlockingQueue<Request> queue = new ArrayBlockingQueue<>(CAPACITY);
    private final List<Thread> threads = new ArrayList<>();

    QueueWorker(Path model, int workers) {
        for (int i = 0; i < workers; i++) {
            Thread thread = new Thread(() -> work(model), "queue-worker-" + i);
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
    }

    CompletableFuture<float[]> submit(float[] input) throws InterruptedException {
        Request request = new Request(input);
        queue.put(request);
        return request;
    }

    private void work(Path model) {
        List<Request> batch = new ArrayList<>(BATCH);
        try (BareLane lane = BareLane.open(model, BATCH)) {
            while (true) {
                batch.clear();
                batch.add(queue.take());
                queue.drainTo(batch, BATCH - 1);
                for (int i = 0; i < batch.size(); i++) {
                    lane.write(i, batch.get(i).input);
                }
                lane.run(batch.size());
                for (int i = 0; i < batch.size(); i++) {
                    batch.get(i).complete(lane.answer(i));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws InterruptedException {
        for (Thread thread : threads) {
            thread.interrupt();
            thread.join();
        }
    }
}
