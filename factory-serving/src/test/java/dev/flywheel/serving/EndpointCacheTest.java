package dev.flywheel.serving;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.djl.ndarray.NDList;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.DjlEngine;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.monitor.ShadowReport;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EndpointCacheTest {

    private static final long BYTES = 1 << 20;

    @TempDir
    Path directory;

    private WatchedEngine twice() {
        return new WatchedEngine(TestModels.times(directory.resolve("two.onnx"), 2));
    }

    private static Endpoint<float[], float[]> cached(WatchedEngine engine) {
        return reset(
                engine,
                Endpoint.of(engine, Tensors.floats()).lanes(1).cache(BYTES).open());
    }

    private static <E> E reset(WatchedEngine engine, E endpoint) {
        engine.reset();
        return endpoint;
    }

    private static float[] x(double value) {
        return new float[] {(float) value};
    }

    private static final class Seen<I> implements PredictionObserver<I> {

        final Set<Object> ids = new HashSet<>();
        final List<Double> raws = new ArrayList<>();

        @Override
        public synchronized void observed(UUID id, int version, I input, double raw, Instant at) {
            ids.add(id);
            raws.add(raw);
        }
    }

    @Test
    void whatWasAskedBeforeIsNotRunAgainAndYetIsAPredictionOfItsOwn() {
        WatchedEngine engine = twice();
        Seen<float[]> seen = new Seen<>();
        try (Endpoint<float[], float[]> endpoint = reset(
                engine,
                Endpoint.of(engine, Tensors.floats())
                        .version(3)
                        .cache(BYTES)
                        .observer(seen)
                        .open())) {
            Prediction<float[]> first = endpoint.predict(x(4));
            first.value()[0] = -1;
            Prediction<float[]> second = endpoint.predict(x(4));
            second.value()[0] = -2;
            Prediction<float[]> third = endpoint.predictAsync(x(4)).join();

            assertThat(third.value()).containsExactly(8);
            assertThat(third.version()).isEqualTo(3);
            assertThat(engine.runs()).isEqualTo(1);
            assertThat(Set.of(first.id(), second.id(), third.id())).isEqualTo(seen.ids);
            assertThat(seen.raws).containsExactly(8.0, 8.0, 8.0);
            assertThat(endpoint.snapshot().total().requests()).isEqualTo(3);
        }
    }

    @Test
    void equalIsWhatIsEqualToTheBit() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            assertThat(endpoint.predict(x(0.0)).value()[0]).isEqualTo(0.0f);
            assertThat(1 / endpoint.predict(x(-0.0)).value()[0]).isEqualTo(Float.NEGATIVE_INFINITY);
            assertThat(engine.runs()).isEqualTo(2);
            assertThat(endpoint.predict(x(Double.NaN)).value()).containsExactly(Float.NaN);
            assertThat(endpoint.predict(x(Double.NaN)).value()).containsExactly(Float.NaN);
            assertThat(engine.runs()).isEqualTo(3);
        }
    }

    @Test
    void textsAreToldApartToTheLastUnitAndByWhereTheyEnd() {
        WatchedEngine engine = new WatchedEngine(TestModels.types(directory.resolve("types.onnx")));
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint =
                reset(engine, Endpoint.of(engine, Tensors.named()).cache(BYTES).open())) {
            List<List<String>> texts = List.of(
                    List.of("ab", "c"),
                    List.of("a", "bc"),
                    List.of("abc", ""),
                    List.of("\u00e4", "\u20ac"),
                    List.of("Aa", "BB"),
                    List.of("BB", "Aa"));
            for (int round = 0; round < 2; round++) {
                for (List<String> pair : texts) {
                    Tensor tensor = Tensor.of(pair.toArray(new String[0]), 1, 2);
                    Map<String, Tensor> answer = endpoint.predict(types(tensor)).value();
                    assertThat(answer.get("echo")).isEqualTo(tensor);
                    assertThat(answer.get("doubled")).isEqualTo(Tensor.of(new double[] {2, 4, 6}, 1, 3));
                    assertThat(answer.get("next")).isEqualTo(Tensor.of(new int[] {8}, 1));
                }
                assertThat(engine.runs()).isEqualTo(texts.size());
            }
            for (String lone : List.of("\uD800", "\uD801", "?")) {
                endpoint.predict(types(Tensor.of(new String[] {lone, ""}, 1, 2)));
            }
            assertThat(engine.runs()).isEqualTo(texts.size() + 3);
        }
    }

    private static Map<String, Tensor> types(Tensor texts) {
        return Map.of("d", Tensor.of(new double[] {1, 2, 3}, 1, 3), "i", Tensor.of(new int[] {7}, 1), "s", texts);
    }

    @Test
    void theSameNumbersInAnotherShapeAreAnotherInput() {
        WatchedEngine engine = new WatchedEngine(new OnnxGraph()
                .input("x", FLOAT, List.of("a", "b"))
                .node("Shape", List.of("x"), "shape")
                .output("shape", INT64, 2)
                .write(directory.resolve("shape.onnx")));
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint = reset(
                engine,
                Endpoint.of(engine, Tensors.named())
                        .warmUp(Map.of("x", Tensor.of(new float[6], 2, 3)))
                        .cache(BYTES)
                        .open())) {
            for (int round = 0; round < 3; round++) {
                for (long a : new long[] {1, 2, 3, 6}) {
                    Map<String, Tensor> answer = endpoint.predict(Map.of("x", Tensor.of(new float[6], a, 6 / a)))
                            .value();
                    assertThat(answer.get("shape")).isEqualTo(Tensor.of(new long[] {a, 6 / a}, 2));
                }
            }
            assertThat(engine.runs()).isEqualTo(4);
        }
    }

    /** The mean over the tokens of an input: the padding of a batch is masked, as codecs of transformers do it. */
    private static final class MeanOfTokens implements Codec<long[], Double> {

        @Override
        public int length(long[] input) {
            return input.length;
        }

        @Override
        public Binding<long[], Double> bind(Lane lane) {
            return new Binding<>() {
                @Override
                public void write(long[] input, int row) {
                    int width = lane.input(0).width();
                    for (int i = 0; i < width; i++) {
                        lane.input(0).longs().put(row * width + i, i < input.length ? input[i] : -77);
                        lane.input(1).longs().put(row * width + i, i < input.length ? 1 : 0);
                    }
                }

                @Override
                public Double read(int row) {
                    int width = lane.output(0).width();
                    assertThat(lane.input(1).width()).isEqualTo(width);
                    double sum = 0;
                    double count = 0;
                    for (int i = row * width; i < (row + 1) * width; i++) {
                        sum += lane.input(1).longs().get(i)
                                * lane.output(0).longs().get(i);
                        count += lane.input(1).longs().get(i);
                    }
                    return sum / count;
                }
            };
        }
    }

    @Test
    void rowsOfAnyLengthAreReadAsInTheRunThatMadeThem() {
        WatchedEngine engine = new WatchedEngine(new OnnxGraph()
                .input("ids", INT64, List.of("batch", "length"))
                .input("mask", INT64, List.of("batch", "length"))
                .node("Add", List.of("ids", "ids"), "twice")
                .node("Mul", List.of("twice", "mask"), "masked")
                .node("Sub", List.of("masked", "mask"), "y")
                .output("y", INT64, List.of("batch", "length"))
                .write(directory.resolve("tokens.onnx")));
        try (Endpoint<long[], Double> endpoint = reset(
                engine,
                Endpoint.of(engine, new MeanOfTokens()).lanes(1).cache(BYTES).open())) {
            engine.shut();
            List<CompletableFuture<Prediction<Double>>> answers = new ArrayList<>();
            answers.add(endpoint.predictAsync(new long[] {100}));
            engine.awaitRun();
            // These wait and run together, padded to the longest.
            for (int length = 1; length <= 9; length++) {
                answers.add(endpoint.predictAsync(tokens(length)));
            }
            engine.open();
            answers.forEach(CompletableFuture::join);
            int rows = engine.rows();
            assertThat(engine.runs()).isLessThan(rows);
            for (int length = 1; length <= 9; length++) {
                double expected = length; // twice the mean (length + 1) / 2 of 1 to length, less one
                assertThat(answers.get(length).join().value()).isEqualTo(expected);
                assertThat(endpoint.predict(tokens(length)).value()).isEqualTo(expected);
            }
            assertThat(engine.rows()).isEqualTo(rows);
        }
    }

    private static long[] tokens(int length) {
        long[] tokens = new long[length];
        for (int i = 0; i < length; i++) {
            tokens[i] = i + 1L;
        }
        return tokens;
    }

    /** Runs the tasks on threads of their own. */
    private static <T> List<Future<T>> start(ExecutorService threads, int count, Callable<T> task) {
        List<Future<T>> results = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            results.add(threads.submit(task));
        }
        return results;
    }

    /** {@return the codec, telling when inputs are written} */
    private static Codec<float[], float[]> telling(Semaphore written) {
        return lane -> {
            Codec.Binding<float[], float[]> binding = Tensors.floats().bind(lane);
            return new Codec.Binding<>() {
                @Override
                public void write(float[] input, int row) {
                    binding.write(input, row);
                    written.release();
                }

                @Override
                public float[] read(int row) {
                    return binding.read(row);
                }
            };
        };
    }

    @Test
    void callersWhoAskForTheSameAtOnceShareOneRun() throws Exception {
        WatchedEngine engine = twice();
        Semaphore written = new Semaphore(0);
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Endpoint<float[], float[]> endpoint = reset(
                engine,
                Endpoint.of(engine, telling(written)).lanes(4).cache(BYTES).open())) {
            engine.shut();
            Future<Prediction<float[]>> leader = threads.submit(() -> endpoint.predict(x(5)));
            engine.awaitRun();
            written.drainPermits();
            List<Future<Prediction<float[]>>> followers = start(threads, 8, () -> endpoint.predict(x(5)));
            List<CompletableFuture<Prediction<float[]>>> futures = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                futures.add(endpoint.predictAsync(x(5)));
            }
            written.acquireUninterruptibly(16);
            assertThat(futures).noneMatch(CompletableFuture::isDone);
            engine.open();
            Set<Object> ids = new HashSet<>(Set.of(leader.get().id()));
            Set<float[]> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
            arrays.add(leader.get().value());
            List<Prediction<float[]>> all = new ArrayList<>();
            for (Future<Prediction<float[]>> follower : followers) {
                all.add(follower.get());
            }
            futures.forEach(future -> all.add(future.join()));
            for (Prediction<float[]> prediction : all) {
                assertThat(prediction.value()).containsExactly(10);
                ids.add(prediction.id());
                arrays.add(prediction.value());
            }
            assertThat(ids).hasSize(17);
            assertThat(arrays).hasSize(17);
            assertThat(engine.rows()).isEqualTo(1);
            assertThat(endpoint.snapshot().total().requests()).isEqualTo(17);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aRunThatFailsFailsAllWhoWaitForItAndIsNotKept() throws Exception {
        WatchedEngine engine = twice();
        Semaphore written = new Semaphore(0);
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Endpoint<float[], float[]> endpoint = reset(
                engine,
                Endpoint.of(engine, telling(written)).lanes(2).cache(BYTES).open())) {
            engine.shut();
            engine.fail(() -> new IllegalStateException("broken"));
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            written.drainPermits();
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            Future<Prediction<float[]>> blocking = threads.submit(() -> endpoint.predict(x(5)));
            written.acquireUninterruptibly(2);
            // The blocking caller may still be on its way to the run; it fails either way.
            engine.open();
            assertThatThrownBy(leader::join)
                    .hasCauseInstanceOf(IllegalStateException.class)
                    .hasRootCauseMessage("broken");
            assertThatThrownBy(follower::join).hasRootCauseMessage("broken");
            assertThatThrownBy(blocking::get).hasRootCauseMessage("broken");
            assertThat(endpoint.snapshot().total().errors()).isEqualTo(3);
            engine.fail(null);
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void whoeverHandlesAFailureMayAskForTheSameAgain() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            engine.fail(() -> new IllegalStateException("broken"));
            CompletableFuture<Prediction<float[]>> retried = endpoint.predictAsync(x(5))
                    .exceptionally(e -> {
                        engine.fail(null);
                        return endpoint.predict(x(5));
                    });
            engine.awaitRun();
            engine.open();
            assertThat(retried.join().value()).containsExactly(10);
        }
    }

    @Test
    void whoChangesAnInputAfterAskingSpoilsNobodyElsesAnswer() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> before = endpoint.predictAsync(x(1));
            engine.awaitRun();
            float[] changed = x(5);
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(changed);
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            changed[0] = 7;
            engine.open();
            assertThat(before.join().value()).containsExactly(2);
            assertThat(leader.join().value()).containsExactly(14);
            assertThat(follower.join().value()).containsExactly(10);
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            assertThat(endpoint.predict(x(7)).value()).containsExactly(14);
        }
    }

    @Test
    void whenTheLeaderIsCancelledAnotherTakesItsPlace() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> before = endpoint.predictAsync(x(1));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            List<CompletableFuture<Prediction<float[]>>> followers =
                    List.of(endpoint.predictAsync(x(5)), endpoint.predictAsync(x(5)), endpoint.predictAsync(x(5)));
            leader.cancel(true);
            followers.get(1).cancel(true);
            engine.open();
            assertThat(followers.get(0).join().value()).containsExactly(10);
            assertThat(followers.get(2).join().value()).containsExactly(10);
            assertThat(followers.get(1)).isCancelled();
            assertThat(before.join().value()).containsExactly(2);
            assertThat(engine.rows()).isEqualTo(2);
        }
    }

    @Test
    void whenTheLeaderIsCancelledWhileItRunsItsAnswerIsKept() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            leader.cancel(true);
            engine.open();
            assertThat(follower.join().value()).containsExactly(10);
            assertThat(engine.rows()).isBetween(1, 2);
            int rows = engine.rows();
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            assertThat(engine.rows()).isEqualTo(rows);
        }
    }

    @Test
    void whenTheLeaderComesTooLateAnotherTakesItsPlace() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> before = endpoint.predictAsync(x(1));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> leader =
                    endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofNanos(1)));
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            CompletableFuture<Prediction<float[]>> late =
                    endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofNanos(1)));
            assertThatThrownBy(leader::join).hasCauseInstanceOf(DeadlineException.class);
            engine.open();
            assertThat(before.join().value()).containsExactly(2);
            assertThat(follower.join().value()).containsExactly(10);
            assertThatThrownBy(late::join).hasCauseInstanceOf(DeadlineException.class);
        }
    }

    @Test
    void aRunThatFailsForItsOwnersDeadlineFailsNobodyElse() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            engine.fail(() -> {
                engine.fail(null);
                return new DeadlineException("late", "its time was over", "wait");
            });
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> follower = endpoint.predictAsync(x(5));
            CompletableFuture<Prediction<float[]>> late =
                    endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofNanos(1)));
            engine.open();
            assertThatThrownBy(leader::join).hasCauseInstanceOf(DeadlineException.class);
            assertThat(follower.join().value()).containsExactly(10);
            assertThatThrownBy(late::join).hasCauseInstanceOf(DeadlineException.class);
        }
    }

    @Test
    void whoWaitsForTheRunOfAnotherWaitsNoLongerThanItsDeadline() throws Exception {
        WatchedEngine engine = twice();
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            Future<Prediction<float[]>> late =
                    threads.submit(() -> endpoint.predict(x(5), CallOptions.deadline(Duration.ofMillis(1))));
            assertThatThrownBy(late::get)
                    .hasCauseInstanceOf(DeadlineException.class)
                    .hasMessageContaining("gave up a prediction: its time was over before the request that it waited "
                            + "for, which asks for the same, was answered. Fix: allow more time, or add lanes.");
            assertThatThrownBy(endpoint.predictAsync(x(5), CallOptions.deadline(Duration.ofMillis(1)))::join)
                    .hasCauseInstanceOf(DeadlineException.class);
            assertThat(endpoint.snapshot().total().expired()).isEqualTo(2);
            assertThat(leader).isNotDone();
            engine.open();
            assertThat(leader.join().value()).containsExactly(10);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void whoWaitsForTheRunOfAnotherCanBeInterrupted() throws Exception {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            engine.shut();
            CompletableFuture<Prediction<float[]>> leader = endpoint.predictAsync(x(5));
            engine.awaitRun();
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            Thread caller = new Thread(() -> {
                thrown.complete(catchThrowable(() -> endpoint.predict(x(5))));
                assertThat(Thread.currentThread().isInterrupted()).isTrue();
            });
            caller.start();
            caller.interrupt();
            assertThat(thrown.join())
                    .isInstanceOf(CancellationException.class)
                    .hasMessageEndingWith(" gave up a prediction: its caller was interrupted while it waited");
            caller.join();
            engine.open();
            assertThat(leader.join().value()).containsExactly(10);
        }
    }

    @Test
    void aSwapForgetsWhatTheOldVersionAnswered() {
        WatchedEngine old = twice();
        try (Endpoint<float[], float[]> endpoint = cached(old)) {
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            WatchedEngine fresh = new WatchedEngine(TestModels.times(directory.resolve("three.onnx"), 3));
            endpoint.swap(fresh, 1);
            fresh.reset();
            assertThat(old.lanes()).isZero();
            assertThat(endpoint.predict(x(5)).value()).containsExactly(15);
            assertThat(endpoint.predict(x(5)).version()).isEqualTo(1);
            assertThat(fresh.runs()).isEqualTo(1);
        }
    }

    @Test
    void eachVersionAnswersForItself() {
        WatchedEngine first = twice();
        WatchedEngine second = new WatchedEngine(TestModels.times(directory.resolve("three.onnx"), 3));
        try (Endpoint<float[], float[]> endpoint = cached(first)) {
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            endpoint.add(second, 1);
            second.reset();
            endpoint.promote(1);
            assertThat(endpoint.predict(x(5)).value()).containsExactly(15);
            endpoint.promote(0);
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            assertThat(first.runs()).isEqualTo(1);
            assertThat(second.runs()).isEqualTo(1);
        }
    }

    @Test
    void whatIsKnownIsComparedWithTheShadowToo() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            endpoint.add(TestModels.times(directory.resolve("three.onnx"), 3), 1);
            endpoint.shadow(1);
            for (int i = 0; i < 6; i++) {
                assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
            }
            ShadowReport report = report(endpoint);
            while (report.compared() + report.dropped() < 6) {
                Thread.onSpinWait();
                report = report(endpoint);
            }
            assertThat(report.meanShift()).isEqualTo(5);
            assertThat(report.shadowNanos().count()).isEqualTo(report.compared());
            assertThat(report.championNanos().count())
                    .as("only the first was run")
                    .isEqualTo(1);
            assertThat(engine.rows()).isEqualTo(1);
        }
    }

    private static ShadowReport report(Endpoint<?, ?> endpoint) {
        return Objects.requireNonNull(endpoint.snapshot().shadow());
    }

    @Test
    void aListRunsEachOfItsInputsOnce() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            List<float[]> inputs = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                inputs.add(x(i % 10));
            }
            for (int round = 0; round < 2; round++) {
                List<Prediction<float[]>> answers = endpoint.predictAll(inputs);
                for (int i = 0; i < inputs.size(); i++) {
                    assertThat(answers.get(i).value()).containsExactly(2 * (i % 10));
                }
                assertThat(engine.rows()).isEqualTo(10);
            }
        }
    }

    @Test
    void anInputThatTheCodecRefusesIsRefusedAsWithoutACache() {
        WatchedEngine engine = twice();
        try (Endpoint<float[], float[]> endpoint = cached(engine)) {
            assertThatThrownBy(() -> endpoint.predict(new float[2]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("input \"x\" takes 1 floats a row, found 2");
            assertThatThrownBy(() -> endpoint.predictAsync(new float[2]).join())
                    .hasCauseInstanceOf(IllegalArgumentException.class);
            assertThat(endpoint.snapshot().total().errors()).isEqualTo(2);
            assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
        }
    }

    @Test
    void inputsArePreparedOnceAndComparedAsTheyWerePrepared() {
        WatchedEngine engine = twice();
        AtomicInteger prepared = new AtomicInteger();
        Codec<String, float[]> codec = Tensors.floats()
                .from(
                        text -> {
                            prepared.incrementAndGet();
                            return x(text.strip().length());
                        },
                        List.of());
        try (Endpoint<String, float[]> endpoint =
                reset(engine, Endpoint.of(engine, codec).cache(BYTES).open())) {
            assertThat(endpoint.predict("abc").value()).containsExactly(6);
            assertThat(endpoint.predict(" xyz ").value()).containsExactly(6);
            assertThat(engine.runs()).isEqualTo(1);
            assertThat(prepared).hasValue(2);
        }
    }

    /** Needs the model to be prepared, and computes with the arrays. */
    private record Softmax() implements Translator<float[], float[]> {

        @Override
        public void prepare(TranslatorContext context) {
            assertThat(context.getModel().getName()).isNotEmpty();
        }

        @Override
        public NDList processInput(TranslatorContext context, float[] input) {
            return new NDList(context.getNDManager().create(input).sub(1));
        }

        @Override
        public float[] processOutput(TranslatorContext context, NDList list) {
            return list.singletonOrThrow().softmax(0).toFloatArray();
        }
    }

    @Test
    void answersOfTranslatorsOfDjlAreKeptToo() {
        Engine engine = DjlEngine.torchScript(
                TorchScript.times(directory.resolve("m.pt"), 2), TensorSpec.of("x", ElementType.FLOAT, -1, 2));
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, DjlCodec.of(new Softmax())).cache(BYTES).open()) {
            float[] first = endpoint.predict(new float[] {0, 2}).value();
            for (int i = 0; i < 3; i++) {
                assertThat(endpoint.predict(new float[] {0, 2}).value()).isEqualTo(first);
            }
            assertThat(first[1]).isBetween(0.98f, 0.983f);
            assertThat(endpoint.snapshot().total().rows()).isEqualTo(1);
        }
    }

    @Test
    void aClosedEndpointGivesNoKeptAnswersEither() {
        WatchedEngine engine = twice();
        Endpoint<float[], float[]> endpoint = cached(engine);
        assertThat(endpoint.predict(x(5)).value()).containsExactly(10);
        endpoint.close();
        assertThat(engine.lanes()).isZero();
        assertThatThrownBy(() -> endpoint.predict(x(5))).isInstanceOf(ClosedException.class);
        assertThatThrownBy(() -> endpoint.predictAsync(x(5)).join()).hasCauseInstanceOf(ClosedException.class);
    }

    @Test
    void whoeverClosesWaitsUntilWhatIsBeingReadIsRead() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger closed = new AtomicInteger();
        AnswerReaders<float[]> readers;
        WatchedEngine engine = twice();
        readers = new AnswerReaders<>(() -> new AnswerReader<>(engine, new Preparation<>(Tensors.floats())));
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            Future<?> reader = threads.submit(() -> {
                AnswerReader<float[]> claimed = Objects.requireNonNull(readers.claim());
                reading.countDown();
                goOn.await();
                readers.release(claimed);
                return null;
            });
            reading.await();
            List<Future<Integer>> closing = start(threads, 3, () -> {
                readers.close();
                closed.incrementAndGet();
                return engine.lanes();
            });
            while (!readers.isClosed()) {
                Thread.onSpinWait();
            }
            assertThat(readers.claim()).isNull();
            assertThat(closed).hasValue(0);
            goOn.countDown();
            reader.get();
            for (Future<Integer> lanes : closing) {
                assertThat(lanes.get()).isZero();
            }
        } finally {
            threads.shutdownNow();
            engine.close();
        }
    }

    @Test
    void anAnswerThatCannotBeReadAgainFailsThatRequestAlone() {
        WatchedEngine engine = twice();
        AtomicInteger reads = new AtomicInteger();
        Codec<float[], Float> codec = lane -> {
            Codec.Binding<float[], float[]> binding = Tensors.floats().bind(lane);
            return new Codec.Binding<>() {
                @Override
                public void write(float[] input, int row) {
                    binding.write(input, row);
                }

                @Override
                public Float read(int row) {
                    if (reads.incrementAndGet() == 2) {
                        throw new IllegalStateException("unreadable");
                    }
                    return binding.read(row)[0];
                }
            };
        };
        try (Endpoint<float[], Float> endpoint =
                reset(engine, Endpoint.of(engine, codec).cache(BYTES).open())) {
            reads.set(0);
            assertThat(endpoint.predict(x(5)).value()).isEqualTo(10);
            assertThatThrownBy(() -> endpoint.predict(x(5))).hasMessage("unreadable");
            assertThat(endpoint.predict(x(5)).value()).isEqualTo(10);
            assertThat(engine.runs()).isEqualTo(1);
            assertThat(endpoint.snapshot().total().requests()).isEqualTo(3);
            assertThat(endpoint.snapshot().total().errors()).isEqualTo(1);
        }
    }

    @Test
    void refusesACacheThatIsTooSmallOrSetTwice() {
        WatchedEngine engine = twice();
        EndpointBuilder<float[], float[]> builder = Endpoint.of(engine, Tensors.floats());
        assertThatThrownBy(() -> builder.cache(1000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option cache is invalid: found 1000 bytes, expected at least 1048576");
        assertThatThrownBy(() -> builder.cache(BYTES, Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("option cache is invalid: found an expiry of PT0S, expected more than 0");
        builder.cache(BYTES);
        assertThatThrownBy(() -> builder.cache(2 * BYTES, Duration.ofHours(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("option cache is already set, to 1048576 bytes");
        engine.close();
    }

    @Test
    void answersAreRightWhateverIsCancelledSwappedOrFails() throws Exception {
        Random seeds = new Random(42);
        ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
        AtomicInteger answered = new AtomicInteger();
        ExecutorService threads = Executors.newCachedThreadPool();
        Supplier<WatchedEngine> engines = this::twice;
        try (Endpoint<float[], float[]> endpoint = Endpoint.of(engines.get(), Tensors.floats())
                .lanes(2)
                .maxBatch(4)
                .cache(BYTES)
                .open()) {
            List<Future<?>> callers = new ArrayList<>();
            for (int caller = 0; caller < 6; caller++) {
                long seed = seeds.nextLong();
                callers.add(threads.submit(() -> {
                    Random random = new Random(seed);
                    for (int i = 0; i < 3000; i++) {
                        float value = random.nextInt(40) + (i / 200) * 100;
                        CompletableFuture<Prediction<float[]>> future = random.nextInt(3) == 0
                                ? CompletableFuture.completedFuture(endpoint.predict(x(value)))
                                : endpoint.predictAsync(x(value));
                        if (random.nextInt(5) == 0) {
                            future.cancel(false);
                            continue;
                        }
                        float found = future.join().value()[0];
                        if (found != 2 * value) {
                            wrong.add(value + " -> " + found);
                        }
                        answered.incrementAndGet();
                    }
                }));
            }
            for (int version = 1; version <= 10; version++) {
                endpoint.swap(engines.get(), version);
            }
            for (Future<?> caller : callers) {
                caller.get();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(wrong).isEmpty();
        assertThat(answered.get()).isGreaterThan(10_000);
    }
}
