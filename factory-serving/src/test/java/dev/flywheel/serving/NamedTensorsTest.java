package dev.flywheel.serving;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static dev.flywheel.serving.OnnxGraph.STRING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamedTensorsTest {

    @TempDir
    Path directory;

    private Endpoint<Map<String, Tensor>, Map<String, Tensor>> open(Path model) {
        return Endpoint.onnx(model, Tensors.named()).open();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void servesRowsAndWholeBatchesInAnyMixture(boolean keptAndObserved) {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 4, 8, 2, 3);
        Random random = new Random(5);
        List<Map<String, Tensor>> requests = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            int rows = random.nextInt(4) > 0 ? 1 : random.nextInt(100);
            requests.add(Map.of("x", Tensor.of(TestModels.floats(random, rows * 4), rows, 4)));
        }
        EndpointBuilder<Map<String, Tensor>, Map<String, Tensor>> builder = Endpoint.onnx(model, Tensors.named());
        AtomicInteger observed = new AtomicInteger();
        if (keptAndObserved) {
            builder.cache(1 << 24).observer((id, version, input, raw, at) -> observed.incrementAndGet());
        }
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint = builder.open()) {
            List<CompletableFuture<Prediction<Map<String, Tensor>>>> futures =
                    requests.stream().map(endpoint::predictAsync).toList();
            List<Prediction<Map<String, Tensor>>> all = endpoint.predictAll(requests);
            for (int i = 0; i < requests.size(); i++) {
                Tensor x = Objects.requireNonNull(requests.get(i).get("x"));
                float[] expected = x.size() == 0 ? new float[0] : TestModels.bare(model, x.floats(), 4);
                for (Map<String, Tensor> answer : List.of(
                        futures.get(i).join().value(),
                        all.get(i).value(),
                        endpoint.predict(requests.get(i)).value())) {
                    assertThat(answer).containsOnlyKeys("y");
                    Tensor y = Objects.requireNonNull(answer.get("y"));
                    assertThat(y.shape()).containsExactly(x.shape()[0], 2);
                    assertThat(y.floats()).containsExactly(expected, offset(OnCuda.isOn() ? 1e-3f : 1e-5f));
                }
            }
        }
        assertThat(observed).hasValue(keptAndObserved ? 3 * requests.size() : 0);
    }

    @Test
    void carriesAStateFromCallToCall() {
        // total[b] = state[1, b] + the sum of x[b, n], for rows of any length
        Path model = new OnnxGraph()
                .input("x", FLOAT, List.of("b", "n"))
                .input("state", FLOAT, List.of(1, "b"))
                .input("gain", INT64, List.of())
                .longs("axis", 1)
                .node(
                        "ReduceSum",
                        "",
                        List.of("x", "axis"),
                        "sum",
                        n -> n.addAttribute(OnnxGraph.integer("keepdims", 0)))
                .node(
                        "Cast",
                        "",
                        List.of("gain"),
                        "factor",
                        n -> n.addAttribute(OnnxGraph.integer("to", FLOAT.getNumber())))
                .node("Mul", List.of("sum", "factor"), "scaled")
                .node("Add", List.of("scaled", "state"), "stateN")
                .output("stateN", FLOAT, List.of(1, "b"))
                .write(directory.resolve("state.onnx"));
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint = open(model)) {
            Tensor state = Tensor.of(new float[2], 1, 2);
            for (int step = 1; step <= 20; step++) {
                float[] x = new float[2 * step];
                Arrays.fill(x, 0, step, 1);
                Map<String, Tensor> answer = endpoint.predict(
                                Map.of("x", Tensor.of(x, 2, step), "state", state, "gain", Tensor.of(new long[] {3})))
                        .value();
                state = Objects.requireNonNull(answer.get("stateN"));
                assertThat(state).isEqualTo(Tensor.of(new float[] {3f * step * (step + 1) / 2, 0}, 1, 2));
            }
        }
    }

    @Test
    void carriesTextsAndTruthValues() {
        Path model = new OnnxGraph()
                .input("s", STRING, List.of("a", "b"))
                .input("b", OnnxGraph.BOOL, List.of("a", "b"))
                .node("Identity", List.of("s"), "t")
                .node("Not", List.of("b"), "n")
                .output("t", STRING, List.of("a", "b"))
                .output("n", OnnxGraph.BOOL, List.of("a", "b"))
                .write(directory.resolve("texts.onnx"));
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint = open(model)) {
            Tensor texts = Tensor.of(new String[] {"a", "", "é", "😀"}, 2, 2);
            Map<String, Tensor> answer = endpoint.predict(
                            Map.of("s", texts, "b", Tensor.of(new boolean[] {true, false, true, true}, 2, 2)))
                    .value();
            assertThat(answer.get("t")).isEqualTo(texts);
            assertThat(answer.get("n")).isEqualTo(Tensor.of(new boolean[] {false, true, false, false}, 2, 2));
            Tensor none = Tensor.of(new String[0], 0, 3);
            answer = endpoint.predict(Map.of("s", none, "b", Tensor.of(new boolean[0], 0, 3)))
                    .value();
            assertThat(answer.get("t")).isEqualTo(none);
        }
    }

    @Test
    void aBadRequestFailsAloneAndSaysWhatTheModelTakes() {
        Path model = TestModels.types(directory.resolve("types.onnx"));
        Tensor d = Tensor.of(new double[3], 1, 3);
        Tensor i = Tensor.of(new int[1], 1);
        Tensor s = Tensor.of(new String[] {"a", "b"}, 1, 2);
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint = open(model)) {
            assertThatThrownBy(() -> endpoint.predict(Map.of("d", d, "i", i)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageMatching("input \"s\" is missing: the request has \\[(d, i|i, d)], the model takes "
                            + "\\[\"d\" DOUBLE\\[-1, 3], \"i\" INT32\\[-1], \"s\" STRING\\[-1, 2]]");
            assertThatThrownBy(() -> endpoint.predict(Map.of("d", d, "i", i, "s", s, "z", s)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("there is no input \"z\": the model takes [\"d\" DOUBLE[-1, 3], \"i\" INT32[-1], "
                            + "\"s\" STRING[-1, 2]]");
            assertThatThrownBy(() -> endpoint.predict(Map.of("d", d, "i", Tensor.of(new long[1], 1), "s", s)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("input \"i\" is INT64[1], the model takes INT32[-1], where -1 is free");
            assertThatThrownBy(() -> endpoint.predict(Map.of("d", Tensor.of(new double[2], 1, 2), "i", i, "s", s)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("input \"d\" is DOUBLE[1, 2], the model takes DOUBLE[-1, 3], where -1 is free");
            assertThat(endpoint.predict(Map.of("d", d, "i", i, "s", s)).value().get("echo"))
                    .isEqualTo(s);
        }
    }

    @Test
    void leavesOutputsOfUnknownRowsToRunsOfTheirOwn() {
        // y has as many rows as x has elements above zero
        Path model = new OnnxGraph()
                .input("x", FLOAT, List.of("n", 2))
                .node("NonZero", List.of("x"), "y")
                .output("y", INT64, List.of(2, "found"))
                .write(directory.resolve("found.onnx"));
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> endpoint = open(model)) {
            List<Map<String, Tensor>> requests = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                requests.add(Map.of("x", Tensor.of(new float[] {i % 2, 1}, 1, 2)));
            }
            List<CompletableFuture<Prediction<Map<String, Tensor>>>> futures =
                    requests.stream().map(endpoint::predictAsync).toList();
            for (int i = 0; i < 50; i++) {
                assertThat(futures.get(i).join().value().get("y"))
                        .isEqualTo(
                                i % 2 == 0
                                        ? Tensor.of(new long[] {0, 1}, 2, 1)
                                        : Tensor.of(new long[] {0, 0, 0, 1}, 2, 2));
            }
        }
    }

    @Test
    void saysThatFloatsAreNotForRowsOfFreeLength() {
        Path model = new OnnxGraph()
                .input("x", FLOAT, List.of("b", "n"))
                .node("Identity", List.of("x"), "y")
                .output("y", FLOAT, List.of("b", "n"))
                .write(directory.resolve("free.onnx"));
        assertThatThrownBy(() ->
                        Endpoint.of(OnnxEngine.open(model), Tensors.floats()).open())
                .hasMessage("Tensors.floats() does not fit the model: its input is TensorSpec[name=x, type=FLOAT, "
                        + "shape=[-1, -1], columns=[]], expected rows of a fixed size. Fix: use Tensors.named(), or "
                        + "write a Codec that gives the input its shape.");
    }
}
