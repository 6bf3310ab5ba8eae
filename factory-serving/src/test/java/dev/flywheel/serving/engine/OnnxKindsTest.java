package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inputs and outputs that are not tensors, or not of types that Java can carry. */
class OnnxKindsTest {

    private static final int FLOAT = 1;
    private static final int COMPLEX64 = 14;
    private static final int FLOAT8E4M3FN = 17;

    @TempDir
    Path directory;

    private static TypeProto tensor(int type) {
        return TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder()
                        .setElemType(type)
                        .setShape(TensorShapeProto.newBuilder()
                                .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(2))))
                .build();
    }

    private static TypeProto sequence() {
        return TypeProto.newBuilder()
                .setSequenceType(TypeProto.Sequence.newBuilder().setElemType(tensor(FLOAT)))
                .build();
    }

    private static TypeProto optional() {
        return TypeProto.newBuilder()
                .setOptionalType(TypeProto.Optional.newBuilder().setElemType(tensor(FLOAT)))
                .build();
    }

    private static GraphProto.Builder graph() {
        return GraphProto.newBuilder().setName("g");
    }

    private static ValueInfoProto value(String name, TypeProto type) {
        return ValueInfoProto.newBuilder().setName(name).setType(type).build();
    }

    private static NodeProto node(String operator, String input, String output) {
        return NodeProto.newBuilder()
                .setOpType(operator)
                .addInput(input)
                .addOutput(output)
                .build();
    }

    private Path write(GraphProto.Builder graph) throws IOException {
        return Files.write(
                directory.resolve("model.onnx"),
                ModelProto.newBuilder()
                        .setIrVersion(9)
                        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(19))
                        .setGraph(graph)
                        .build()
                        .toByteArray());
    }

    private void refuses(GraphProto.Builder graph, String why) throws IOException {
        Path model = write(graph);
        assertThatThrownBy(() -> OnnxEngine.open(model))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith("cannot load " + model + ": " + why);
    }

    @Test
    void refusesInputsThatJavaCannotGive() throws IOException {
        refuses(
                graph().addInput(value("x", sequence()))
                        .addOutput(value("y", sequence()))
                        .addNode(node("Identity", "x", "y")),
                "input \"x\" is no tensor but a sequence, expected a tensor of one of [FLOAT, DOUBLE, ");
        refuses(
                graph().addInput(value("a", tensor(FLOAT)))
                        .addInput(value("x", optional()))
                        .addOutput(value("y", tensor(FLOAT)))
                        .addOutput(value("b", tensor(FLOAT)))
                        .addNode(node("Identity", "a", "b"))
                        .addNode(node("OptionalGetElement", "x", "y")),
                "it has the input \"x\", which is no tensor but an optional. Fix: export the model with tensors as "
                        + "inputs and outputs.");
        refuses(
                graph().addInput(value("x", tensor(FLOAT8E4M3FN)))
                        .addOutput(value("y", tensor(FLOAT8E4M3FN)))
                        .addNode(node("Identity", "x", "y")),
                "input \"x\" is a tensor of FLOAT8E4M3FN, expected a tensor of one of [FLOAT, DOUBLE, ");
        refuses(
                graph().addInput(value("x", tensor(COMPLEX64)))
                        .addOutput(value("y", tensor(COMPLEX64)))
                        .addNode(node("Identity", "x", "y")),
                "ONNX Runtime says: ");
    }

    @Test
    void refusesModelsWithoutOutputsThatJavaCanTake() throws IOException {
        refuses(
                graph().addInput(value("x", tensor(FLOAT)))
                        .addOutput(value("y", sequence()))
                        .addNode(node("SequenceConstruct", "x", "y")),
                "none of its outputs is a tensor of a usable type: \"y\" is no tensor but a sequence. Fix: export the "
                        + "model with its answers as tensors.");
        refuses(
                graph().addInput(value("x", tensor(FLOAT)))
                        .addOutput(value("y", optional()))
                        .addNode(node("Optional", "x", "y")),
                "it has the output \"y\", which is no tensor but an optional. Fix: ");
    }

    @Test
    void leavesOutOutputsOfOtherKindsBesideTensors() throws IOException {
        Path model = write(graph().addInput(value("x", tensor(FLOAT)))
                .addOutput(value("s", sequence()))
                .addOutput(value("y", tensor(FLOAT)))
                .addNode(node("SequenceConstruct", "x", "s"))
                .addNode(node("Neg", "x", "y")));
        try (Engine engine = OnnxEngine.open(model);
                Lane lane = engine.newLane(2)) {
            assertThat(engine.signature().outputs())
                    .extracting(TensorSpec::name)
                    .containsExactly("y");
            lane.input(0).floats().put(0, new float[] {1, 2});
            lane.run(2);
            assertThat(lane.output(0).floats().get(1)).isEqualTo(-2);
        }
    }
}
