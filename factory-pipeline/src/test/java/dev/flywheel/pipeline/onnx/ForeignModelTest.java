package dev.flywheel.pipeline.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.DjlEngine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ForeignModelTest {

    private static final TensorSpec WANTED =
            new TensorSpec(Signature.NUMBERS, ElementType.FLOAT, List.of(-1L, 2L), List.of("a", "b"));

    @TempDir
    Path folder;

    /** Its names are those that are wanted, for other things, also inside of a branch; its output is DOUBLE [rows]. */
    private static byte[] awkward() {
        OnnxGraph graph = new OnnxGraph("awkward");
        String x = graph.input("prediction", ElementType.FLOAT, 2);
        String sum = graph.node("MatMul", x, graph.floats(new float[] {1, 10}, 2, 1));
        String wide = graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 11L), sum);
        String flat = graph.node("Reshape", wide, graph.longs(new long[] {-1}, 1));
        graph.output("numbers", graph.node("Identity", flat), ElementType.FLOAT, 1);
        OnnxMl.ModelProto.Builder model;
        try {
            model = OnnxMl.ModelProto.parseFrom(graph.bytes()).toBuilder();
        } catch (com.google.protobuf.InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
        OnnxMl.GraphProto.Builder built = model.getGraphBuilder();
        built.getInputBuilder(0)
                .getTypeBuilder()
                .getTensorTypeBuilder()
                .getShapeBuilder()
                .getDimBuilder(1)
                .setDimParam("n");
        built.getOutputBuilder(0)
                .getTypeBuilder()
                .getTensorTypeBuilder()
                .setElemType(OnnxMl.TensorProto.DataType.DOUBLE.getNumber())
                .getShapeBuilder()
                .removeDim(1);
        OnnxMl.NodeProto.Builder last = built.getNodeBuilder(built.getNodeCount() - 1);
        OnnxMl.TensorProto.Builder yes = OnnxMl.TensorProto.newBuilder()
                .setName("yes")
                .setDataType(OnnxMl.TensorProto.DataType.BOOL.getNumber())
                .addInt32Data(1);
        built.addInitializer(yes);
        String outer = last.getInput(0);
        last.setOpType("If")
                .clearInput()
                .addInput("yes")
                .addAttribute(branch("then_branch", "Neg", outer))
                .addAttribute(branch("else_branch", "Identity", outer));
        return model.build().toByteArray();
    }

    private static OnnxMl.AttributeProto branch(String name, String operator, String outer) {
        OnnxMl.GraphProto.Builder graph = OnnxMl.GraphProto.newBuilder()
                .setName(name)
                .addNode(OnnxMl.NodeProto.newBuilder()
                        .setOpType(operator)
                        .addInput(outer)
                        .addOutput("answer"))
                .addOutput(OnnxMl.ValueInfoProto.newBuilder()
                        .setName("answer")
                        .setType(OnnxMl.TypeProto.newBuilder()
                                .setTensorType(OnnxMl.TypeProto.Tensor.newBuilder()
                                        .setElemType(OnnxMl.TensorProto.DataType.DOUBLE.getNumber()))));
        return OnnxMl.AttributeProto.newBuilder()
                .setName(name)
                .setType(OnnxMl.AttributeProto.AttributeType.GRAPH)
                .setG(graph)
                .build();
    }

    @Test
    void givesAnyModelTheEdgesOfAPipelinesModel() throws Exception {
        ForeignModel model = ForeignModel.read(awkward(), "awkward");
        model.input("prediction", WANTED);
        model.output(TensorSpec.of("numbers", ElementType.DOUBLE, -1), DjlEngine.Answer.FLAT, 1);
        Path file = Files.write(folder.resolve("model.onnx"), model.bytes());
        try (OnnxEngine engine = OnnxEngine.open(file);
                Lane lane = engine.newLane(2)) {
            assertThat(engine.signature().inputs()).containsExactly(WANTED);
            assertThat(engine.signature().outputs())
                    .containsExactly(TensorSpec.of("prediction", ElementType.FLOAT, -1, 1));
            lane.input(0).floats().put(0, new float[] {1, 2, 3, 4});
            lane.run(2);
            assertThat(lane.output(0).floats().get(0)).isEqualTo(-21);
            assertThat(lane.output(0).floats().get(1)).isEqualTo(-43);
        }
    }

    @Test
    void refusesWeightsInOtherFiles() throws Exception {
        OnnxMl.ModelProto.Builder model = OnnxMl.ModelProto.parseFrom(awkward()).toBuilder();
        model.getGraphBuilder()
                .getInitializerBuilder(0)
                .setName("w")
                .setDataLocation(OnnxMl.TensorProto.DataLocation.EXTERNAL);
        byte[] content = model.build().toByteArray();
        assertThatThrownBy(() -> ForeignModel.read(content, "model m.onnx"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith(
                        "cannot take model m.onnx: it keeps weights (\"w\") in another file. Fix: export");
    }
}
