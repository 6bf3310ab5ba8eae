package dev.flywheel.benchmarks;

import ai.onnx.proto.OnnxMl;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** The model of the serving benchmarks: 16 floats, one hidden layer of 64 with ReLU, 2 floats out, random weights. */
final class SmallMlp {

    static final int INPUTS = 16;
    static final int HIDDEN = 64;
    static final int OUTPUTS = 2;

    private SmallMlp() {}

    /** {@return the model, written to a temporary file that is deleted with the process} */
    static Path write() {
        Random random = new Random(42);
        GraphProto graph = GraphProto.newBuilder()
                .setName("mlp")
                .addInput(value("x", INPUTS))
                .addOutput(value("y", OUTPUTS))
                .addInitializer(weights(random, "w1", INPUTS, HIDDEN))
                .addInitializer(weights(random, "b1", HIDDEN))
                .addInitializer(weights(random, "w2", HIDDEN, OUTPUTS))
                .addInitializer(weights(random, "b2", OUTPUTS))
                .addNode(node("Gemm", List.of("x", "w1", "b1"), "h"))
                .addNode(node("Relu", List.of("h"), "a"))
                .addNode(node("Gemm", List.of("a", "w2", "b2"), "y"))
                .build();
        ModelProto model = ModelProto.newBuilder()
                .setIrVersion(8)
                .addOpsetImport(
                        OnnxMl.OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
                .setGraph(graph)
                .build();
        try {
            Path file = Files.createTempFile("mlp", ".onnx");
            file.toFile().deleteOnExit();
            return Files.write(file, model.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return as many rows, always the same ones} */
    static float[][] rows(int count) {
        Random random = new Random(7);
        float[][] rows = new float[count][INPUTS];
        for (float[] row : rows) {
            for (int i = 0; i < INPUTS; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return rows;
    }

    private static NodeProto node(String operator, List<String> inputs, String output) {
        return NodeProto.newBuilder()
                .setOpType(operator)
                .addAllInput(inputs)
                .addOutput(output)
                .build();
    }

    private static TensorProto weights(Random random, String name, int... shape) {
        TensorProto.Builder tensor =
                TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT.getNumber());
        int count = 1;
        for (int dimension : shape) {
            tensor.addDims(dimension);
            count *= dimension;
        }
        for (int i = 0; i < count; i++) {
            tensor.addFloatData((float) random.nextGaussian());
        }
        return tensor.build();
    }

    private static ValueInfoProto value(String name, int width) {
        TensorShapeProto shape = TensorShapeProto.newBuilder()
                .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("rows"))
                .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(width))
                .build();
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder()
                                .setElemType(TensorProto.DataType.FLOAT.getNumber())
                                .setShape(shape)))
                .build();
    }
}
