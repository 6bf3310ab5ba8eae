package dev.flywheel.serving;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDList;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.DjlEngine;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.monitor.ShadowReport;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is kept, what counts as the same, and who gets it. */
@Timeout(60)
class EndpointCacheTest extends CachedEndpoints {

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

    @Test
    void rowsOfAnyLengthAreReadAsInTheRunThatMadeThem() {
        WatchedEngine engine = new WatchedEngine(MeanOfTokens.model(directory));
        try (Endpoint<long[], Double> endpoint = reset(
                engine,
                Endpoint.of(engine, new MeanOfTokens()).lanes(1).cache(BYTES).open())) {
            engine.shut();
            List<CompletableFuture<Prediction<Double>>> answers = new ArrayList<>();
            answers.add(endpoint.predictAsync(new long[] {100}));
            engine.awaitRun();
            // These wait and run together, padded to the longest.
            for (int length = 1; length <= 9; length++) {
                answers.add(endpoint.predictAsync(MeanOfTokens.tokens(length)));
            }
            engine.open();
            answers.forEach(CompletableFuture::join);
            int rows = engine.rows();
            assertThat(engine.runs()).isLessThan(rows);
            for (int length = 1; length <= 9; length++) {
                double expected = length;
                assertThat(answers.get(length).join().value()).isEqualTo(expected);
                assertThat(endpoint.predict(MeanOfTokens.tokens(length)).value())
                        .isEqualTo(expected);
            }
            assertThat(engine.rows()).isEqualTo(rows);
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
}
