package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.serving.engine.TensorBuffer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchProbeTest {

    @TempDir
    Path directory;

    private final PrintStream before = System.err;
    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

    @BeforeEach
    void listen() {
        System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void stopListening() {
        System.setErr(before);
    }

    private String log() {
        return logged.toString(StandardCharsets.UTF_8);
    }

    /** x [-1, 4] quantised to 8 bits by the largest value of the whole batch, and back. */
    private Path quantised() {
        return new OnnxGraph()
                .input("x", OnnxGraph.FLOAT, -1, 4)
                .node(
                        "DynamicQuantizeLinear",
                        "",
                        List.of("x"),
                        "bytes",
                        node -> node.addOutput("scale").addOutput("zero"))
                .node("DequantizeLinear", List.of("bytes", "scale", "zero"), "y")
                .output("y", OnnxGraph.FLOAT, -1, 4)
                .write(directory.resolve("quantised.onnx"));
    }

    private static List<float[]> rows() {
        return IntStream.range(0, 20)
                .mapToObj(i -> new float[] {i, 0.001f * i, -i, 0.3f})
                .toList();
    }

    private static double meanBatch(Endpoint<float[], float[]> endpoint) {
        endpoint.predictAll(rows());
        return endpoint.snapshot().total().meanBatch();
    }

    @Test
    void aModelWhoseRowsDependOnEachOtherIsServedRowByRow() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(quantised(), Tensors.floats()).version(3).open()) {
            assertThat(log())
                    .containsPattern("WARN .*endpoint quantised\\.onnx, version 3: OnnxEngine\\[.*] answers an input "
                            + "differently when others run with it: in a batch of 4 rows its numbers differ by up to "
                            + "0\\.\\d+ of the largest \\(at most 1\\.0E-4 is noise\\), as those of dynamically quantised "
                            + "models do\\. It is served row by row\\. Set maxBatch\\(\\.\\.\\.\\) to run it in batches "
                            + "all the same");
            List<float[]> alone = new ArrayList<>();
            rows().forEach(row -> alone.add(endpoint.predict(row).value()));
            assertThat(endpoint.predictAll(rows()).stream().map(p -> p.value()).toList())
                    .as("answers do not depend on who else asks")
                    .usingElementComparator(java.util.Arrays::compare)
                    .isEqualTo(alone);
            assertThat(endpoint.snapshot().total().meanBatch()).isEqualTo(1);
        }
    }

    @Test
    void batchesThatWereAskedForAreRunAndWarnedOf() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(quantised(), Tensors.floats()).maxBatch(10).open()) {
            assertThat(log())
                    .contains("It is served in batches because maxBatch(...) is set, so answers depend on the load");
            assertThat(meanBatch(endpoint)).isEqualTo(10);
        }
    }

    @Test
    void theNoiseOfKernelsIsNoReasonToWarn() {
        Path model = TestModels.mlp(directory.resolve("mlp.onnx"), 4, 64, 3, 5);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open()) {
            assertThat(meanBatch(endpoint)).isEqualTo(20);
        }
        assertThat(log()).doesNotContain("WARN");
    }

    @Test
    void examplesAreWhatIsProbed() {
        List<float[]> equal = List.of(new float[] {1, 2, 3, 4}, new float[] {1, 2, 3, 4});
        List<float[]> different = List.of(new float[] {1, 2, 3, 4}, new float[] {100, -100, 7, 0});
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(quantised(), floats(equal)).open()) {
            assertThat(meanBatch(endpoint)).as("nothing in them tells").isEqualTo(20);
        }
        assertThat(log()).doesNotContain("WARN");
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(quantised(), floats(different)).open()) {
            assertThat(meanBatch(endpoint)).isEqualTo(1);
        }
        assertThat(log()).contains("in a batch of 2 rows");
    }

    private static Codec<float[], float[]> floats(List<float[]> examples) {
        return Tensors.floats().from(row -> row, examples);
    }

    @Test
    void anAnswerOfAnyTypeIsProbedByTheModelsNumbers() {
        Codec<float[], String> words = lane -> {
            Codec.Binding<float[], float[]> floats = Tensors.floats().bind(lane);
            return new Codec.Binding<>() {
                @Override
                public void write(float[] input, int row) {
                    floats.write(input, row);
                }

                @Override
                public String read(int row) {
                    return floats.read(row)[0] > 0 ? "yes" : "no";
                }
            };
        };
        try (Endpoint<float[], String> endpoint =
                Endpoint.onnx(quantised(), words).open()) {
            endpoint.predictAll(rows());
            assertThat(endpoint.snapshot().total().meanBatch()).isEqualTo(1);
        }
    }

    @Test
    void aModelThatFailsInBatchesIsServedRowByRow() {
        Path model = new OnnxGraph()
                .input("x", OnnxGraph.FLOAT, -1, 4)
                .longs("one", 1, 2, 2)
                .longs("back", 1, 4)
                .node("Reshape", List.of("x", "one"), "square")
                .node("Reshape", List.of("square", "back"), "y")
                .output("y", OnnxGraph.FLOAT, -1, 4)
                .write(directory.resolve("single.onnx"));
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open()) {
            assertThat(log()).contains("differ by up to Infinity");
            assertThat(meanBatch(endpoint)).isEqualTo(1);
            assertThat(endpoint.snapshot().total().errors()).isZero();
        }
    }

    @Test
    void aRandomModelSaysNothingAboutBatches() {
        Path model = new OnnxGraph()
                .input("x", OnnxGraph.FLOAT, -1, 4)
                .node("RandomUniformLike", List.of("x"), "y")
                .output("y", OnnxGraph.FLOAT, -1, 4)
                .write(directory.resolve("random.onnx"));
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open()) {
            assertThat(meanBatch(endpoint)).isEqualTo(20);
        }
        assertThat(log()).doesNotContain("WARN");
    }

    @Test
    void madeUpInputsThatTheModelRefusesFailNothing() {
        Path model = new OnnxGraph()
                .input("x", OnnxGraph.FLOAT, -1, 4)
                .constant("table", new float[] {7}, 1)
                .node(
                        "Cast",
                        "",
                        List.of("x"),
                        "index",
                        node -> node.addAttribute(OnnxGraph.integer("to", OnnxGraph.INT64.getNumber())))
                .node("Gather", List.of("table", "index"), "y")
                .output("y", OnnxGraph.FLOAT, -1, 4)
                .write(directory.resolve("gather.onnx"));
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open()) {
            assertThat(endpoint.predict(new float[4]).value()).containsExactly(7, 7, 7, 7);
        }
        assertThat(log()).doesNotContain("WARN");
    }

    @Test
    void theCodecReadsNoAnswersToMadeUpInputs() {
        Codec<float[], float[]> strict = lane -> {
            TensorBuffer input = lane.input(0);
            Codec.Binding<float[], float[]> floats = Tensors.floats().bind(lane);
            return new Codec.Binding<>() {
                @Override
                public void write(float[] row, int at) {
                    floats.write(row, at);
                }

                @Override
                public float[] read(int row) {
                    if (input.floats().get(row * 4) != 1) {
                        throw new AssertionError("no such row was written");
                    }
                    return floats.read(row);
                }
            };
        };
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(quantised(), strict)
                .warmUp(new float[] {1, 2, 3, 4})
                .open()) {
            assertThat(endpoint.predict(new float[] {1, 5, 6, 7}).value()).hasSize(4);
            assertThat(endpoint.snapshot().total().errors()).isZero();
        }
        assertThat(log()).contains("It is served row by row");
    }
}
