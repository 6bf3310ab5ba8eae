package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.EndpointBuilder;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TestModels;
import dev.flywheel.serving.engine.Engine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of runs that do not end. The table of all faults is {@link FaultTest}'s. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HangTest {

    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir
    Path directory;

    private Hanging engine;

    @BeforeEach
    void engine() {
        engine = hanging(false);
    }

    @AfterEach
    void letGo() {
        engine.letGo();
    }

    private Hanging hanging(boolean obedient) {
        return new Hanging(TestModels.times(directory.resolve("two.onnx"), 2), obedient);
    }

    private static EndpointBuilder<float[], float[]> of(Engine engine) {
        return Endpoint.of(engine, Tensors.floats()).lanes(1).runTimeout(SHORT);
    }

    private static CompletableFuture<Float> askAsync(Endpoint<float[], float[]> endpoint, float x) {
        return endpoint.predictAsync(new float[] {x}).thenApply(p -> p.value()[0]);
    }

    private static CompletableFuture<Void> start(Runnable work) {
        return CompletableFuture.runAsync(work, task -> {
            Thread thread = new Thread(task, "test");
            thread.setDaemon(true);
            thread.start();
        });
    }

    private static <T> T soon(CompletableFuture<T> future) throws Exception {
        try {
            return future.get(20, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("hangs\n" + Stacks.dump(), e);
        }
    }

    /** An engine of which one run hangs until it is let go, or, if it is obedient, until it is told to end. */
    private static final class Hanging extends HookedEngine {

        final Semaphore entered = new Semaphore(0);
        private final Semaphore gate = new Semaphore(0);
        private final boolean obedient;
        private volatile boolean armed;

        Hanging(Path model, boolean obedient) {
            super(model);
            this.obedient = obedient;
        }

        @Override
        void beforeRun(int rows) {
            if (armed) {
                armed = false;
                entered.release();
                gate.acquireUninterruptibly();
                if (obedient) {
                    throw new IllegalStateException("told to end");
                }
            }
        }

        @Override
        void onTerminate() {
            if (obedient) {
                gate.release();
            }
        }

        void letGo() {
            gate.release();
        }

        /** Lets a request hang. */
        CompletableFuture<Float> hang(Endpoint<float[], float[]> endpoint) throws InterruptedException {
            armed = true;
            CompletableFuture<Float> hung = askAsync(endpoint, 1);
            entered.acquire();
            return hung;
        }
    }

    @Test
    void aRunThatHangsFreesItsCallersAndItsLaneIsReplaced() throws Exception {
        try (Endpoint<float[], float[]> endpoint = of(engine).open()) {
            CompletableFuture<Float> hung = engine.hang(endpoint);
            List<CompletableFuture<Float>> waiting = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                float x = i;
                waiting.add(askAsync(endpoint, x));
                CompletableFuture<Float> answer = new CompletableFuture<>();
                waiting.add(answer);
                CompletableFuture<Void> unused = start(
                        () -> answer.complete(endpoint.predict(new float[] {x}).value()[0]));
            }
            assertThatThrownBy(() -> soon(hung)).hasCauseInstanceOf(PredictionException.class);
            for (int i = 0; i < 20; i++) {
                assertThat(soon(waiting.get(i))).isEqualTo(2f * Math.floorDiv(i, 2));
            }
            assertThat(endpoint.snapshot().total().lanesReplaced()).isEqualTo(1);
            assertThat(engine.openLanes.get()).isEqualTo(2);
            engine.letGo();
        }
        assertThat(engine.closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(engine.openLanes).hasValue(0);
        assertThat(engine.lanesAtClose).hasValue(0);
    }

    @Test
    void aRunThatEndsWhenItIsToldToKeepsItsLane() throws Exception {
        Hanging obedient = hanging(true);
        try (Endpoint<float[], float[]> endpoint = of(obedient).open()) {
            CompletableFuture<Float> hung = obedient.hang(endpoint);
            assertThatThrownBy(() -> soon(hung)).hasCauseInstanceOf(IllegalStateException.class);
            assertThat(soon(askAsync(endpoint, 3))).isEqualTo(6);
            assertThat(endpoint.snapshot().total().lanesReplaced()).isZero();
        }
        assertThat(obedient.lanesMade).hasValue(1);
    }

    @Test
    void aVersionOfWhichARunHangsIsReplacedAndItsEngineClosedWhenTheRunHasEnded() throws Exception {
        try (Endpoint<float[], float[]> endpoint = of(engine).open()) {
            CompletableFuture<Float> hung = engine.hang(endpoint);
            HookedEngine next = new HookedEngine(TestModels.times(directory.resolve("three.onnx"), 3));
            soon(start(() -> endpoint.swap(next, 1)));
            assertThatThrownBy(() -> soon(hung)).isNotNull();
            assertThat(soon(askAsync(endpoint, 1))).isEqualTo(3);
            engine.letGo();
            assertThat(engine.closed.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(engine.lanesAtClose).hasValue(0);
            assertThat(engine.openLanes).hasValue(0);
        }
    }

    @Test
    void closingWaitsForARunThatHangsNoLongerThanItsTimeout() throws Exception {
        Endpoint<float[], float[]> endpoint = of(engine).open();
        CompletableFuture<Float> hung = engine.hang(endpoint);
        CompletableFuture<Float> waits = askAsync(endpoint, 4);
        soon(start(endpoint::close));
        assertThatThrownBy(() -> soon(hung)).isNotNull();
        assertThat(waits.handle((answer, failure) -> answer == null || answer == 8)
                        .get(20, TimeUnit.SECONDS))
                .isTrue();
        engine.letGo();
        assertThat(engine.closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(engine.lanesAtClose).hasValue(0);
    }

    @Test
    void closingWithoutPatienceDoesNotWaitForARunThatHangs() throws Exception {
        Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).lanes(1).open();
        CompletableFuture<Float> hung = engine.hang(endpoint);
        CompletableFuture<Float> waits = askAsync(endpoint, 4);
        soon(start(() -> endpoint.close(Duration.ofMillis(50))));
        assertThatThrownBy(() -> soon(hung)).hasCauseInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> soon(waits)).hasCauseInstanceOf(ClosedException.class);
        engine.letGo();
        assertThat(engine.closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(engine.lanesAtClose).hasValue(0);
    }

    @Test
    void closingWithoutPatienceDoesNotWaitForACodecThatHangsBesideTheLanes() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Codec<float[], float[]> hanging = lane -> {
            Codec.Binding<float[], float[]> floats = Tensors.floats().bind(lane);
            return new Codec.Binding<>() {
                @Override
                public void write(float[] input, int row) {
                    if (input[0] == 7) {
                        entered.countDown();
                        await(go);
                    }
                    floats.write(input, row);
                }

                @Override
                public float[] read(int row) {
                    return floats.read(row);
                }
            };
        };
        Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, hanging).lanes(1).cache(1 << 20).open();
        CompletableFuture<Throwable> hung = new CompletableFuture<>();
        CompletableFuture<Void> unused =
                start(() -> hung.complete(catchThrowable(() -> endpoint.predict(new float[] {7}))));
        entered.await();
        soon(start(() -> endpoint.close(Duration.ofMillis(50))));
        assertThat(engine.closed.getCount()).isEqualTo(1);
        go.countDown();
        assertThat(soon(hung)).isInstanceOf(ClosedException.class);
        assertThat(engine.closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(engine.lanesAtClose).hasValue(0);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void closingWithoutPatienceDoesNotWaitForASwapThatDoes() throws Exception {
        Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).lanes(1).open();
        CompletableFuture<Float> hung = engine.hang(endpoint);
        HookedEngine next = new HookedEngine(TestModels.times(directory.resolve("three.onnx"), 3));
        CompletableFuture<Void> swap = start(() -> endpoint.swap(next, 1));
        while (endpoint.version() == 0) {
            Thread.onSpinWait();
        }
        soon(start(() -> endpoint.close(Duration.ofMillis(50))));
        assertThatThrownBy(() -> soon(hung)).isNotNull();
        soon(swap);
        engine.letGo();
        assertThat(engine.closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(engine.lanesAtClose).hasValue(0);
        assertThat(next.closed.getCount()).isZero();
    }
}
