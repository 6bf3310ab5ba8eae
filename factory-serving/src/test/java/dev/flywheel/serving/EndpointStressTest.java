package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.BatcherStatistics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every answer is checked against what its own request and its own version must give. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EndpointStressTest {

    private static final int SWAPS = 150;

    @TempDir
    Path directory;

    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final LongAdder answers = new LongAdder();
    private final AtomicBoolean stop = new AtomicBoolean();
    private Path even = Path.of("");
    private Path odd = Path.of("");

    @BeforeEach
    void models() {
        even = TestModels.times(directory.resolve("even.onnx"), 2);
        odd = TestModels.times(directory.resolve("odd.onnx"), 3);
    }

    private void check(float x, Prediction<float[]> prediction) {
        float expected = (prediction.version() % 2 == 0 ? 2 : 3) * x;
        if (prediction.value()[0] != expected) {
            failures.add(new AssertionError("asked " + x + " of version " + prediction.version() + ", expected "
                    + expected + ", found " + prediction.value()[0]));
        }
        answers.increment();
    }

    private static float ask() {
        return ThreadLocalRandom.current().nextInt(1, 100_000);
    }

    private void sync(Endpoint<float[], float[]> endpoint) {
        float x = ask();
        check(x, endpoint.predict(new float[] {x}));
    }

    private void async(Endpoint<float[], float[]> endpoint) {
        List<CompletableFuture<Void>> window = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            float x = ask();
            window.add(endpoint.predictAsync(new float[] {x}).thenAccept(p -> check(x, p)));
        }
        CompletableFuture.allOf(window.toArray(new CompletableFuture<?>[0])).join();
    }

    private void all(Endpoint<float[], float[]> endpoint) {
        List<float[]> inputs = new ArrayList<>();
        for (int i = 0; i < 150; i++) {
            inputs.add(new float[] {ask()});
        }
        List<Prediction<float[]>> predictions = endpoint.predictAll(inputs);
        for (int i = 0; i < inputs.size(); i++) {
            check(inputs.get(i)[0], predictions.get(i));
        }
    }

    private Thread loop(Runnable work) {
        Thread thread = new Thread(() -> {
            while (!stop.get()) {
                try {
                    work.run();
                } catch (ClosedException e) {
                    return;
                } catch (OverloadedException e) {
                    Thread.onSpinWait();
                } catch (CompletionException e) {
                    if (e.getCause() instanceof ClosedException) {
                        return;
                    }
                    if (!(e.getCause() instanceof OverloadedException)) {
                        failures.add(e);
                    }
                } catch (RuntimeException | Error e) {
                    failures.add(e);
                }
            }
        });
        thread.start();
        return thread;
    }

    private List<Thread> load(Endpoint<float[], float[]> endpoint) {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(loop(() -> sync(endpoint)));
        }
        threads.add(loop(() -> async(endpoint)));
        threads.add(loop(() -> async(endpoint)));
        threads.add(loop(() -> all(endpoint)));
        return threads;
    }

    @Test
    void everyAnswerFitsItsRequestAndTheVersionItNamesWhileVersionsSwap() throws InterruptedException {
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(even, Tensors.floats())
                .lanes(2)
                .maxBatch(16)
                .queueCapacity(1_000)
                .open()) {
            List<Thread> threads = load(endpoint);
            for (int version = 1; version <= SWAPS; version++) {
                endpoint.swap(version % 2 == 0 ? even : odd, version);
                float x = ask();
                Prediction<float[]> after = endpoint.predict(new float[] {x});
                check(x, after);
                assertThat(after.version()).isEqualTo(version);
            }
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
            BatcherStatistics statistics = endpoint.statistics();
            assertThat(failures).isEmpty();
            assertThat(answers.sum()).isGreaterThan(SWAPS);
            assertThat(statistics.errors()).isZero();
            assertThat(statistics.queued()).isZero();
            assertThat(statistics.requests()).isEqualTo(answers.sum());
        }
    }

    @Test
    void closingUnderLoadAnswersOrRefusesEveryRequest() throws InterruptedException {
        for (int round = 0; round < 20; round++) {
            answers.reset();
            Endpoint<float[], float[]> endpoint = Endpoint.onnx(even, Tensors.floats())
                    .lanes(2)
                    .maxBatch(8)
                    .queueCapacity(1_000)
                    .open();
            List<CompletableFuture<Prediction<float[]>>> futures = new ArrayList<>();
            Thread submitter = new Thread(() -> {
                for (int i = 0; i < 100_000; i++) {
                    CompletableFuture<Prediction<float[]>> future = endpoint.predictAsync(new float[] {i});
                    futures.add(future);
                    if (future.isCompletedExceptionally() && refusal(future) instanceof ClosedException) {
                        return;
                    }
                }
            });
            List<Thread> threads = load(endpoint);
            submitter.start();
            while (answers.sum() < 500) {
                Thread.onSpinWait();
            }
            endpoint.close();
            for (Thread thread : threads) {
                thread.join();
            }
            submitter.join();
            for (CompletableFuture<Prediction<float[]>> future : futures) {
                Throwable refusal = refusal(future);
                assertThat(refusal == null
                                || refusal instanceof ClosedException
                                || refusal instanceof OverloadedException)
                        .isTrue();
            }
            assertThat(failures).isEmpty();
        }
    }

    private static @Nullable Throwable refusal(CompletableFuture<?> future) {
        return future.handle((answer, failure) -> failure).join();
    }
}
