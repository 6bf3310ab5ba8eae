package dev.flywheel.serving.stress;

import static dev.flywheel.serving.OnnxGraph.FLOAT;
import static dev.flywheel.serving.OnnxGraph.INT64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.PredictionException;
import dev.flywheel.serving.ChildJvm;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.OnnxGraph;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TestModels;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of requests and swaps for which there is no memory. The table of all faults is {@link FaultTest}'s. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MemoryFaultTest {

    /** A tensor of this size squared, 4 TB, is more than any machine has. */
    private static final float TOO_LARGE = 1e6f;

    @TempDir
    Path directory;

    /** x [-1, 1] -> 2 * x + 0 * the sum of a tensor of zeros of the size [max x, max x]. */
    private static Path hungry(Path file) {
        return new OnnxGraph()
                .input("x", FLOAT, -1, 1)
                .constant("two", new float[] {2}, 1)
                .longs("twice", 2)
                .node(
                        "ReduceMax",
                        "",
                        List.of("x"),
                        "most",
                        node -> node.addAttribute(OnnxGraph.integer("keepdims", 0)))
                .node(
                        "Cast",
                        "",
                        List.of("most"),
                        "size",
                        node -> node.addAttribute(OnnxGraph.integer("to", INT64.getNumber())))
                .node("Expand", List.of("size", "twice"), "shape")
                .node("ConstantOfShape", List.of("shape"), "zeros")
                .node(
                        "ReduceSum",
                        "",
                        List.of("zeros"),
                        "nothing",
                        node -> node.addAttribute(OnnxGraph.integer("keepdims", 0)))
                .node("Mul", List.of("x", "two"), "doubled")
                .node("Add", List.of("doubled", "nothing"), "y")
                .output("y", FLOAT, -1, 1)
                .write(file);
    }

    @Test
    void aRequestForWhichTheModelFindsNoMemoryFailsAlone() {
        try (Endpoint<float[], float[]> endpoint = Endpoint.onnx(
                        hungry(directory.resolve("hungry.onnx")), Tensors.floats())
                .lanes(1)
                .open()) {
            for (int i = 1; i < 4; i++) {
                assertThatThrownBy(() -> endpoint.predict(new float[] {TOO_LARGE}))
                        .isInstanceOf(PredictionException.class)
                        .hasMessageContaining("ONNX Runtime says");
                assertThat(endpoint.predict(new float[] {i}).value()).containsExactly(2 * i);
                List<CompletableFuture<Float>> answers = List.of(
                        endpoint.predictAsync(new float[] {i}).thenApply(p -> p.value()[0]),
                        endpoint.predictAsync(new float[] {TOO_LARGE}).thenApply(p -> p.value()[0]),
                        endpoint.predictAsync(new float[] {i + 1}).thenApply(p -> p.value()[0]));
                assertThat(answers.get(0).join()).isEqualTo(2 * i);
                assertThatThrownBy(() -> answers.get(1).join()).hasCauseInstanceOf(PredictionException.class);
                assertThat(answers.get(2).join()).isEqualTo(2 * i + 2);
            }
        }
    }

    @Test
    void aModelWithoutMemoryForItsLanesIsNotSwappedInAndTheOldOneServes() throws Exception {
        Path small = TestModels.times(directory.resolve("small.onnx"), 2);
        Path wide = TestModels.mlp(directory.resolve("wide.onnx"), 20_000, 1, 1, 1);
        ChildJvm child = ChildJvm.run(
                directory,
                Duration.ofMinutes(1),
                List.of("-XX:MaxDirectMemorySize=12m"),
                HostileMemory.class,
                List.of(small.toString(), wide.toString()));
        assertThat(child.exit()).as(child.output()).isZero();
        assertThat(child.output())
                .contains("refused: ", "version 1 says 0.0", "version 1 says 38.0", "version 3 says 42.0")
                .doesNotContain("swapped", "version 2");
    }
}
