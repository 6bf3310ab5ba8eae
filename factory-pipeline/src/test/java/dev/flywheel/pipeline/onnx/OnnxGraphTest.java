package dev.flywheel.pipeline.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxGraphTest {

    @TempDir
    Path folder;

    private static OnnxGraph sumOfTwo() {
        OnnxGraph graph = new OnnxGraph("sum");
        String x = graph.input("numbers", ElementType.FLOAT, 2);
        String scaled = graph.node("Mul", x, graph.floats(new float[] {2, 3}, 1, 2));
        String sum =
                graph.node(OnnxGraph.ONNX, "ReduceSum", Map.of("keepdims", 1L), scaled, graph.longs(new long[] {1}, 1));
        graph.output("prediction", sum, ElementType.FLOAT, 1);
        graph.metadata("flywheel.numbers", "[\"a\",\"b\"]");
        return graph;
    }

    @Test
    void writesAModelThatOnnxRuntimeRuns() {
        Path file = folder.resolve("model.onnx");
        sumOfTwo().write(file);
        try (OnnxEngine engine = OnnxEngine.open(file);
                Lane lane = engine.newLane(2)) {
            assertThat(engine.signature().inputs())
                    .containsExactly(new TensorSpec("numbers", ElementType.FLOAT, List.of(-1L, 2L), List.of("a", "b")));
            assertThat(engine.signature().outputs().get(0).name()).isEqualTo("prediction");
            lane.input(0).floats().put(new float[] {1, 10, 5, 100});
            lane.run(2);
            assertThat(lane.output(0).floats().get(0)).isEqualTo(32);
            assertThat(lane.output(0).floats().get(1)).isEqualTo(310);
        }
    }

    @Test
    void givesTheSameBytesForTheSameCalls() {
        assertThat(sumOfTwo().bytes()).isEqualTo(sumOfTwo().bytes());
    }

    @Test
    void storesEqualConstantsOnce() {
        OnnxGraph graph = new OnnxGraph("constants");
        String first = graph.floats(new float[] {1, 2}, 2);
        assertThat(graph.floats(new float[] {1, 2}, 2)).isEqualTo(first);
        assertThat(graph.floats(new float[] {1, 2}, 1, 2)).isNotEqualTo(first);
    }

    @Test
    void refusesWhatCannotBeRight() {
        OnnxGraph graph = new OnnxGraph("wrong");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> graph.floats(new float[] {1, 2}, 3))
                .withMessage("a constant of 2 values does not fit its shape [3], which holds 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> graph.node("ai.onnx.mll", "Scaler", Map.of(), "x"))
                .withMessage("unknown operator domain \"ai.onnx.mll\"; known are [, ai.onnx.ml, com.microsoft]");
        String node = graph.node("Relu", "x");
        graph.output("a", node, ElementType.FLOAT, 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> graph.output("b", node, ElementType.FLOAT, 1))
                .withMessage("value Relu_0 is already the output \"a\"");
        assertThatThrownBy(() -> graph.write(folder.resolve("no/such/folder/model.onnx")))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("was not written");
    }
}
