package dev.flywheel.serving.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.EndpointBuilder;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TestModels;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What becomes of an endpoint when something beside or below it goes wrong.
 *
 * <table>
 * <caption>Faults</caption>
 * <tr><th>fault<th>what becomes of it<th>held by
 * <tr><td>a run of the model throws<td>rows that ran together run again one by one; the request that fails alone has
 *     the failure, the others have answers; a lane that throws an Error, or keeps failing, is replaced<td>{@link
 *     #anEngineThatThrowsFailsTheRequestAndServesTheNext}
 * <tr><td>rows too long for the model<td>fail alone<td>{@link #rowsOfALengthThatTheModelDoesNotTakeFailAlone}
 * <tr><td>a run hangs<td>it is told to end; if it does not, its callers get a {@link PredictionException}, the lane is
 *     replaced, those who wait are served; the lane closes when the run ends, and the engine after it<td>{@link
 *     HangTest}
 * <tr><td>no memory: in the model, for lanes<td>the request fails alone; the new version is refused and the old one
 *     serves<td>{@link MemoryFaultTest}
 * <tr><td>the model's file is deleted, truncated, overwritten, replaced<td>nothing: what is loaded serves on<td>{@link
 *     #aModelFileThatChangesOnDiskChangesNothing}
 * <tr><td>NaN<td>is the answer of its own row alone<td>{@link #nanIsTheAnswerOfItsOwnRowAlone}
 * <tr><td>a thousand threads<td>get their answers<td>{@link #aThousandThreadsGetTheirAnswers}, {@link
 *     VirtualThreadsTest}
 * <tr><td>a caller is interrupted<td>it gets its answer where a lane is free, and a {@link
 *     java.util.concurrent.CancellationException} where it would wait; the interrupt stays<td>{@link
 *     #anInterruptedCallerRunsButDoesNotWaitAndKeepsItsInterrupt}
 * <tr><td>code that depends on a future throws<td>harms nobody<td>{@link #aCallbackThatThrowsHarmsNobodyElse}
 * <tr><td>it blocks<td>holds up no blocking caller, no other batch and not the closing; futures of its own batch
 *     wait<td>{@link #aCallbackThatBlocksHoldsUpNoCallerNorTheClosing}
 * <tr><td>it calls, swaps or closes the endpoint<td>works<td>{@link #aCallbackMayUseSwapAndCloseTheEndpoint}
 * <tr><td>a codec throws an Error<td>the request fails alone<td>{@link
 *     #aCodecThatThrowsErrorsFailsTheRequestAlone}
 * <tr><td>an observer throws<td>it is logged once and harms nothing<td>{@link #anObserverThatThrowsHarmsNothing}
 * <tr><td>a new version is broken, whatever way<td>it is refused, closed whole, and the old one serves<td>{@link
 *     #aBrokenModelIsNotSwappedInAndLeavesNothingOpen}
 * <tr><td>a rollback finds its number taken<td>the version that took it is closed<td>{@link
 *     #aRollbackThatBringsBackAVersionClosesTheOneThatHasItsNumber}
 * <tr><td>a lane or an engine does not close<td>a warning in the log; everything else is closed<td>{@link
 *     #aLaneThatDoesNotCloseStopsNeitherTheSwapNorTheClosing}, {@link
 *     #anEngineThatDoesNotCloseStopsNeitherTheSwapNorTheClosing}
 * <tr><td>an endpoint is forgotten<td>it is closed when it is garbage, and what waited is answered<td>{@link
 *     #anEndpointThatWasForgottenIsClosed}
 * <tr><td>it is closed while a hundred wait<td>they are answered<td>{@link #closingAnswersTheHundredThatWait}
 * <tr><td>it is closed without patience<td>what waits and what hangs gets a {@link ClosedException}<td>{@link HangTest}
 * </table>
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FaultTest {

    @TempDir
    Path directory;

    private Path two = Path.of("");
    private Path three = Path.of("");

    @BeforeEach
    void models() {
        two = TestModels.times(directory.resolve("two.onnx"), 2);
        three = TestModels.times(directory.resolve("three.onnx"), 3);
    }

    private static EndpointBuilder<float[], float[]> of(Engine engine) {
        return Endpoint.of(engine, Tensors.floats()).lanes(1).version(2);
    }

    private static float ask(Endpoint<float[], float[]> endpoint, float x) {
        return endpoint.predict(new float[] {x}).value()[0];
    }

    private static CompletableFuture<Float> askAsync(Endpoint<float[], float[]> endpoint, float x) {
        return endpoint.predictAsync(new float[] {x}).thenApply(p -> p.value()[0]);
    }

    private static Thread start(Runnable work) {
        Thread thread = new Thread(work, "test");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** An engine whose runs wait at a gate while it is closed. */
    private static final class Gated extends HookedEngine {

        final Semaphore entered = new Semaphore(0);
        final Semaphore gate = new Semaphore(0);
        volatile boolean shut;

        Gated(Path model) {
            super(model);
        }

        @Override
        void beforeRun(int rows) {
            if (shut) {
                entered.release();
                gate.acquireUninterruptibly();
            }
        }

        void open() {
            shut = false;
            gate.release(1_000);
        }
    }

    @Test
    void anEngineThatThrowsFailsTheRequestAndServesTheNext() {
        AtomicReference<Throwable> fault = new AtomicReference<>();
        HookedEngine engine = new HookedEngine(two) {
            @Override
            void beforeRun(int rows) {
                Throwable thrown = fault.get();
                if (thrown instanceof Error error) {
                    throw error;
                } else if (thrown != null) {
                    throw (RuntimeException) thrown;
                }
            }
        };
        try (Endpoint<float[], float[]> endpoint = of(engine).open()) {
            for (Throwable thrown : List.of(
                    new IllegalStateException("broken"), new OutOfMemoryError("none left"), new StackOverflowError())) {
                fault.set(thrown);
                assertThatThrownBy(() -> ask(endpoint, 1)).isSameAs(thrown);
                assertThatThrownBy(() -> askAsync(endpoint, 1).join()).hasCause(thrown);
                assertThatThrownBy(() -> endpoint.predictAll(List.of(new float[] {1}, new float[] {2})))
                        .satisfies(e -> assertThat(e instanceof PredictionException ? e.getCause() : e)
                                .isSameAs(thrown));
                fault.set(null);
                assertThat(ask(endpoint, 4)).isEqualTo(8);
                assertThat(askAsync(endpoint, 5).join()).isEqualTo(10);
            }
        }
        assertThat(engine.openLanes).hasValue(0);
    }

    @Test
    void rowsOfALengthThatTheModelDoesNotTakeFailAlone() {
        HookedEngine engine = new HookedEngine(two) {
            @Override
            void length(Lane lane, int length) {
                if (length > 10) {
                    throw new IllegalArgumentException("at most 10 tokens, found " + length);
                }
            }
        };
        Codec<float[], float[]> plain = Tensors.floats();
        Codec<float[], float[]> codec = new Codec<>() {
            @Override
            public Binding<float[], float[]> bind(Lane lane) {
                return plain.bind(lane);
            }

            @Override
            public int length(float[] input) {
                return (int) input[0];
            }
        };
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, codec).lanes(1).open()) {
            assertThatThrownBy(() -> ask(endpoint, 11)).hasMessage("at most 10 tokens, found 11");
            List<CompletableFuture<Float>> futures = new ArrayList<>();
            for (int x = 8; x < 13; x++) {
                futures.add(askAsync(endpoint, x));
            }
            assertThat(futures.get(0).orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(16);
            assertThat(futures.get(2).orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(20);
            assertThatThrownBy(
                            () -> futures.get(3).orTimeout(20, TimeUnit.SECONDS).join())
                    .hasMessageContaining("at most 10 tokens, found 11");
            assertThat(ask(endpoint, 9)).isEqualTo(18);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"deleted", "truncated", "zeroed", "swapped", "overwritten"})
    void aModelFileThatChangesOnDiskChangesNothing(String fault) throws IOException {
        int width = 256;
        Path model = TestModels.mlp(directory.resolve("model.onnx"), width, 512, 3, 1);
        Path other = TestModels.mlp(directory.resolve("other.onnx"), width, 512, 3, 2);
        float[] row = TestModels.floats(new java.util.Random(3), width);
        float[] expected = TestModels.bare(model, row, width);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open()) {
            switch (fault) {
                case "deleted" -> Files.delete(model);
                case "truncated" -> Files.write(model, new byte[0]);
                case "zeroed" -> Files.write(model, new byte[(int) Files.size(model)]);
                case "swapped" -> Files.move(other, model, StandardCopyOption.REPLACE_EXISTING);
                default -> Files.write(model, Files.readAllBytes(other));
            }
            for (int i = 0; i < 20; i++) {
                assertThat(endpoint.predict(row).value()).isEqualTo(expected);
            }
        }
    }

    @Test
    void nanIsTheAnswerOfItsOwnRowAlone() {
        try (Endpoint<float[], float[]> endpoint = of(new HookedEngine(two)).open()) {
            List<float[]> rows = List.of(new float[] {1}, new float[] {Float.NaN}, new float[] {3});
            List<Prediction<float[]>> answers = endpoint.predictAll(rows);
            assertThat(answers.stream().map(p -> p.value()[0])).containsExactly(2f, Float.NaN, 6f);
            assertThat(askAsync(endpoint, Float.NaN).join()).isNaN();
            assertThat(ask(endpoint, 4)).isEqualTo(8);
        }
    }

    @Test
    void aThousandThreadsGetTheirAnswers() throws InterruptedException {
        AtomicInteger right = new AtomicInteger();
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(two, Tensors.floats()).lanes(2).open()) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 1_000; t++) {
                int base = 20 * t;
                threads.add(start(() -> {
                    for (int x = base; x < base + 20; x++) {
                        if (ask(endpoint, x) == 2 * x) {
                            right.incrementAndGet();
                        }
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(right).hasValue(20_000);
            assertThat(endpoint.snapshot().total().requests()).isEqualTo(20_000);
        }
    }

    @Test
    void anInterruptedCallerRunsButDoesNotWaitAndKeepsItsInterrupt() throws Exception {
        Gated engine = new Gated(two);
        try (Endpoint<float[], float[]> endpoint = of(engine).open()) {
            Thread.currentThread().interrupt();
            assertThat(ask(endpoint, 1)).isEqualTo(2);
            assertThat(Thread.interrupted()).isTrue();
            engine.shut = true;
            Thread holder = start(() -> ask(endpoint, 1));
            engine.entered.acquire();
            CompletableFuture<Boolean> left = new CompletableFuture<>();
            Thread waiter = start(() -> {
                assertThatThrownBy(() -> ask(endpoint, 7))
                        .isInstanceOf(CancellationException.class)
                        .hasMessageEndingWith("gave up a prediction: its caller was interrupted while it waited");
                left.complete(Thread.currentThread().isInterrupted());
            });
            while (endpoint.snapshot().queued() == 0) {
                Thread.onSpinWait();
            }
            waiter.interrupt();
            assertThat(left.get(30, TimeUnit.SECONDS)).isTrue();
            assertThat(endpoint.snapshot().queued()).isZero();
            engine.open();
            holder.join();
        }
    }

    @Test
    void aCallbackThatThrowsHarmsNobodyElse() {
        try (Endpoint<float[], float[]> endpoint = of(new HookedEngine(two)).open()) {
            for (int i = 0; i < 100; i++) {
                CompletableFuture<Void> callback = askAsync(endpoint, i).thenAccept(answer -> {
                    throw new InjectedError(new Ask(0, Ask.Kind.PLAIN));
                });
                float x = i;
                assertThat(ask(endpoint, x)).isEqualTo(2 * x);
                assertThatThrownBy(callback::join).hasCauseInstanceOf(InjectedError.class);
            }
        }
    }

    @Test
    void aCallbackThatBlocksHoldsUpNoCallerNorTheClosing() throws Exception {
        Gated engine = new Gated(two);
        Endpoint<float[], float[]> endpoint = of(engine).maxBatch(8).open();
        engine.shut = true;
        Thread holder = start(() -> ask(endpoint, 1));
        engine.entered.acquire();
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        CompletableFuture<Void> blocking = askAsync(endpoint, 2).thenAccept(answer -> {
            blocked.countDown();
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        List<CompletableFuture<Float>> callers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            float x = i;
            callers.add(new CompletableFuture<>());
            CompletableFuture<Float> caller = callers.get(i);
            start(() -> caller.complete(ask(endpoint, x)));
        }
        while (endpoint.snapshot().queued() < 21) {
            Thread.onSpinWait();
        }
        engine.open();
        blocked.await();
        for (int i = 0; i < 20; i++) {
            assertThat(callers.get(i).get(20, TimeUnit.SECONDS)).isEqualTo(2f * i);
        }
        holder.join();
        CompletableFuture<Void> closing = CompletableFuture.runAsync(endpoint::close, FaultTest::start);
        closing.get(20, TimeUnit.SECONDS);
        release.countDown();
        blocking.get(20, TimeUnit.SECONDS);
    }

    @Test
    void aCallbackMayUseSwapAndCloseTheEndpoint() throws Exception {
        Endpoint<float[], float[]> endpoint = of(new HookedEngine(two)).open();
        CompletableFuture<Float> chained = askAsync(endpoint, 1)
                .thenApply(answer -> ask(endpoint, answer))
                .thenCompose(answer -> askAsync(endpoint, answer))
                .thenApply(answer -> {
                    endpoint.swap(three, 3);
                    return ask(endpoint, answer);
                });
        assertThat(chained.get(20, TimeUnit.SECONDS)).isEqualTo(24);
        CompletableFuture<Void> closing = askAsync(endpoint, 1).thenAccept(answer -> endpoint.close());
        closing.get(20, TimeUnit.SECONDS);
        assertThatThrownBy(() -> ask(endpoint, 1)).isInstanceOf(ClosedException.class);
    }

    @Test
    void aCodecThatThrowsErrorsFailsTheRequestAlone() {
        Ledger ledger = new Ledger(false);
        Endpoint<Ask, Answer> endpoint = Endpoint.onnx(
                        StressModel.write(directory.resolve("stress.onnx"), 5), new AskCodec(ledger))
                .lanes(1)
                .version(5)
                .open();
        try (endpoint) {
            for (Ask.Kind kind : List.of(Ask.Kind.ERROR_READ, Ask.Kind.ERROR_WRITE)) {
                Ask bad = new Ask(1, kind);
                Ask good = new Ask(2, Ask.Kind.PLAIN);
                assertThatThrownBy(() -> endpoint.predict(bad)).isInstanceOf(InjectedError.class);
                List<CompletableFuture<Prediction<Answer>>> futures =
                        List.of(endpoint.predictAsync(good), endpoint.predictAsync(bad), endpoint.predictAsync(good));
                assertThat(futures.get(0).join().value().fits(good)).isTrue();
                assertThatThrownBy(() -> futures.get(1).join()).hasCauseInstanceOf(InjectedError.class);
                assertThat(futures.get(2).join().value().fits(good)).isTrue();
                assertThatThrownBy(() -> endpoint.predictAll(List.of(good, bad)))
                        .isInstanceOf(InjectedError.class);
                assertThat(endpoint.predict(good).value().fits(good)).isTrue();
            }
        }
        assertThat(ledger.violations()).isEmpty();
    }

    @Test
    void anObserverThatThrowsHarmsNothing() {
        AtomicInteger told = new AtomicInteger();
        try (Endpoint<float[], float[]> endpoint = of(new HookedEngine(two))
                .observer((id, version, input, raw, at) -> {
                    if (told.getAndIncrement() % 2 == 0) {
                        throw new InjectedError(new Ask(0, Ask.Kind.PLAIN));
                    }
                    throw new IllegalStateException("observer");
                })
                .open()) {
            assertThat(ask(endpoint, 1)).isEqualTo(2);
            assertThat(askAsync(endpoint, 2).join()).isEqualTo(4);
            assertThat(endpoint.predictAll(List.of(new float[] {3}, new float[] {4})))
                    .extracting(p -> p.value()[0])
                    .containsExactly(6f, 8f);
            assertThat(told).hasValue(4);
            assertThat(endpoint.snapshot().total().errors()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"second lane", "binding", "proving", "error", "closing"})
    void aBrokenModelIsNotSwappedInAndLeavesNothingOpen(String fault) {
        AtomicBoolean bindFails = new AtomicBoolean();
        Codec<float[], float[]> plain = Tensors.floats();
        Codec<float[], float[]> codec = lane -> {
            if (bindFails.get()) {
                throw new ModelFormatException("codec", "does not fit", "mend it");
            }
            return plain.bind(lane);
        };
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(two, codec).lanes(3).version(2).open()) {
            HookedEngine broken = new HookedEngine(three) {
                @Override
                void beforeLane(int number) {
                    if (number == 1 && fault.equals("second lane")) {
                        throw new IllegalStateException(fault);
                    }
                }

                @Override
                void beforeRun(int rows) {
                    if (fault.equals("error")) {
                        throw new OutOfMemoryError(fault);
                    } else if (fault.equals("proving") || fault.equals("closing")) {
                        throw new IllegalStateException(fault);
                    }
                }

                @Override
                void afterClose() {
                    if (fault.equals("closing")) {
                        throw new IllegalStateException("cannot close");
                    }
                }
            };
            bindFails.set(fault.equals("binding"));
            assertThatThrownBy(() -> endpoint.swap(broken, 3))
                    .isInstanceOfAny(ModelFormatException.class, IllegalStateException.class, OutOfMemoryError.class)
                    .satisfies(e -> assertThat(e.toString()).containsAnyOf(fault, "does not fit"));
            assertThat(broken.openLanes).hasValue(0);
            assertThat(broken.closed.getCount()).isZero();
            assertThat(endpoint.version()).isEqualTo(2);
            assertThat(ask(endpoint, 5)).isEqualTo(10);
        }
    }

    /** Someone loads another model under the number of a version that a rollback will bring back. */
    @Test
    void aRollbackThatBringsBackAVersionClosesTheOneThatHasItsNumber() {
        HookedEngine squatter = new HookedEngine(three);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(two, Tensors.floats()).lanes(1).version(1).open()) {
            endpoint.swap(new HookedEngine(three), 2);
            endpoint.add(squatter, 1);
            endpoint.rollback();
            assertThat(endpoint.version()).isEqualTo(1);
            assertThat(ask(endpoint, 5)).isEqualTo(10);
        }
        assertThat(squatter.openLanes).hasValue(0);
        assertThat(squatter.closed.getCount()).isZero();
    }

    @Test
    void aLaneThatDoesNotCloseStopsNeitherTheSwapNorTheClosing() {
        HookedEngine[] engines = new HookedEngine[2];
        for (int i = 0; i < 2; i++) {
            engines[i] = new HookedEngine(two) {
                @Override
                void afterClose() {
                    throw new IllegalStateException("cannot close");
                }
            };
        }
        Endpoint<float[], float[]> endpoint =
                Endpoint.of(engines[0], Tensors.floats()).lanes(3).open();
        endpoint.swap(engines[1], 1);
        assertThat(engines[0].openLanes).hasValue(0);
        assertThat(engines[0].closed.getCount()).isZero();
        assertThat(ask(endpoint, 1)).isEqualTo(2);
        assertThat(endpoint.snapshot().total().requests()).isEqualTo(1);
        endpoint.close();
        assertThat(engines[1].openLanes).hasValue(0);
        assertThat(engines[1].closed.getCount()).isZero();
    }

    @Test
    void anEngineThatDoesNotCloseStopsNeitherTheSwapNorTheClosing() {
        List<HookedEngine> engines = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            engines.add(new HookedEngine(two) {
                @Override
                void afterEngineClose() {
                    throw new IllegalStateException("cannot close");
                }
            });
        }
        Endpoint<float[], float[]> endpoint =
                Endpoint.of(engines.get(0), Tensors.floats()).version(0).open();
        endpoint.swap(engines.get(1), 1);
        assertThat(ask(endpoint, 1)).isEqualTo(2);
        endpoint.add(engines.get(2), 2);
        endpoint.close();
        assertThat(engines).allSatisfy(engine -> {
            assertThat(engine.openLanes).hasValue(0);
            assertThat(engine.closed.getCount()).isZero();
        });
    }

    @Test
    void anEndpointThatWasForgottenIsClosed() throws InterruptedException {
        HookedEngine engine = new HookedEngine(two);
        CompletableFuture<Float> pending = forget(engine);
        boolean closed = false;
        for (int i = 0; i < 600 && !closed; i++) {
            System.gc();
            closed = engine.closed.await(50, TimeUnit.MILLISECONDS);
        }
        assertThat(closed).isTrue();
        assertThat(engine.openLanes).hasValue(0);
        assertThat(pending.join()).isEqualTo(12);
    }

    private static CompletableFuture<Float> forget(HookedEngine engine) {
        Endpoint<float[], float[]> endpoint = of(engine).open();
        return askAsync(endpoint, 6);
    }

    @Test
    void closingAnswersTheHundredThatWait() throws Exception {
        Gated engine = new Gated(two);
        Endpoint<float[], float[]> endpoint = of(engine).maxBatch(16).open();
        engine.shut = true;
        Thread holder = start(() -> ask(endpoint, 1));
        engine.entered.acquire();
        List<CompletableFuture<Float>> answers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            CompletableFuture<Float> answer = new CompletableFuture<>();
            answers.add(answer);
            float x = i;
            start(() -> answer.complete(ask(endpoint, x)));
        }
        while (endpoint.snapshot().queued() < 100) {
            Thread.onSpinWait();
        }
        Thread closer = start(endpoint::close);
        while (!refuses(endpoint)) {
            Thread.onSpinWait();
        }
        engine.open();
        for (int i = 0; i < 100; i++) {
            assertThat(answers.get(i).get(20, TimeUnit.SECONDS)).isEqualTo(2f * i);
        }
        closer.join();
        holder.join();
        assertThat(engine.closed.getCount()).isZero();
        assertThat(endpoint.snapshot().queued()).isZero();
    }

    private static boolean refuses(Endpoint<float[], float[]> endpoint) {
        CompletableFuture<Float> future = askAsync(endpoint, 1);
        try {
            return future.isCompletedExceptionally() && future.join() == null;
        } catch (CompletionException e) {
            return e.getCause() instanceof ClosedException;
        }
    }
}
