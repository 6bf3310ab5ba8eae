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

/**
 * The model of the serving benchmarks: floats in, hidden layers with ReLU, floats out, random weights. The usual one
 * takes 16, has one hidden layer of 64 and gives 2.
 */
final class SmallMlp {

    static final int INPUTS = 16;
    static final int HIDDEN = 64;
    static final int OUTPUTS = 2;

    private SmallMlp() {}

    /** {@return the usual model, in a temporary file that is deleted with the process} */
    static Path write() {
        return write(42);
    }

    /** {@return the usual model with the weights of a seed of their own} */
    static Path write(long seed) {
        return write(seed, List.of(), "x", "y", INPUTS, HIDDEN, OUTPUTS);
    }

    /**
     * {@return a model in a temporary file that is deleted with the process}
     *
     * @param columns the names of the columns that the input takes, for models that are asked by name; or none
     * @param widths the inputs, the width of each hidden layer, the outputs
     */
    static Path write(long seed, List<String> columns, String input, String output, int... widths) {
        Random random = new Random(seed);
        GraphProto.Builder graph = GraphProto.newBuilder().setName("mlp");
        String from = input;
        for (int i = 1; i < widths.length; i++) {
            boolean last = i + 1 == widths.length;
            String sum = last ? output : "sum" + i;
            graph.addInitializer(weights(random, "w" + i, widths[i - 1], widths[i]))
                    .addInitializer(weights(random, "b" + i, widths[i]))
                    .addNode(node("Gemm", List.of(from, "w" + i, "b" + i), sum));
            if (!last) {
                graph.addNode(node("Relu", List.of(sum), "relu" + i));
            }
            from = "relu" + i;
        }
        ModelProto.Builder model = ModelProto.newBuilder()
                .setIrVersion(8)
                .addOpsetImport(
                        OnnxMl.OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
                .setGraph(graph.addInput(value(input, widths[0])).addOutput(value(output, widths[widths.length - 1])));
        if (!columns.isEmpty()) {
            model.addMetadataProps(OnnxMl.StringStringEntryProto.newBuilder()
                    .setKey("flywheel." + input)
                    .setValue("[\"" + String.join("\",\"", columns) + "\"]"));
        }
        return temporary(model.build().toByteArray());
    }

    /** {@return a model file that is deleted with the process, alone in a directory: DJL loads the jars beside one} */
    static Path temporary(byte[] model) {
        try {
            Path directory = Files.createTempDirectory("model");
            Path file = directory.resolve("model.onnx");
            directory.toFile().deleteOnExit();
            file.toFile().deleteOnExit();
            return Files.write(file, model);
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
