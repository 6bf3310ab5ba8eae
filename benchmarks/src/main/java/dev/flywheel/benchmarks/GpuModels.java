package dev.flywheel.benchmarks;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import dev.flywheel.serving.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A model file for a GPU, built node by node: x of float32 rows to y of float32 rows, with weights that keep numbers
 * around 1. In between it computes in float32, or in float16. Not thread-safe.
 */
final class GpuModels {

    private static final int LAYER_NORM_SET = 17;

    /** With what a model multiplies. */
    enum Width {
        FLOAT32,
        FLOAT16
    }

    /**
     * A model.
     *
     * @param inputs the numbers of a row
     * @param flops multiplications and additions for a row
     */
    record Model(String name, Path file, int inputs, double flops) {}

    private final SplittableRandom random = new SplittableRandom(17);
    private final GraphProto.Builder graph = GraphProto.newBuilder().setName("gpu");
    private final Width width;
    private String last = "x";
    private int count;
    private double flops;

    private GpuModels(Width width) {
        this.width = width;
    }

    /** {@return layers with ReLU between them} */
    static Model mlp(Width width, int... widths) {
        GpuModels model = new GpuModels(width);
        model.begin(widths[0]);
        for (int i = 1; i < widths.length; i++) {
            model.linear("Gemm", widths[i - 1], widths[i]);
            if (i + 1 < widths.length) {
                model.node("Relu", model.last);
            }
        }
        StringBuilder name = new StringBuilder("MLP ").append(widths[0]);
        for (int i = 1, same = 1; i < widths.length; i += same) {
            same = 1;
            while (i + same < widths.length && widths[i + same] == widths[i]) {
                same++;
            }
            name.append('-').append(widths[i]).append(same > 1 ? "x" + same : "");
        }
        return model.end(name.toString(), widths[0], widths[widths.length - 1]);
    }

    /** {@return two convolutions with pooling, and a layer, on square images of 3 channels} */
    static Model cnn(Width width, int side, int filters) {
        GpuModels model = new GpuModels(width);
        model.begin(3, side, side);
        int channels = 3;
        int size = side;
        for (int out : new int[] {filters, 2 * filters}) {
            String weights = model.weights(2.0 / (9 * channels), out, channels, 3, 3);
            model.node(
                    "Conv",
                    List.of(model.last, weights, model.weights(0.01, out)),
                    ints("pads", 1, 1, 1, 1),
                    ints("kernel_shape", 3, 3));
            model.flops += 2.0 * 9 * channels * out * size * size;
            model.node("Relu", model.last);
            model.node("MaxPool", List.of(model.last), ints("kernel_shape", 2, 2), ints("strides", 2, 2));
            channels = out;
            size /= 2;
        }
        model.node("GlobalAveragePool", model.last);
        model.node("Flatten", model.last);
        model.linear("Gemm", channels, 10);
        return model.end("CNN " + side + "x" + side + ", " + filters + " filters", 3 * side * side, 10);
    }

    /** {@return an encoder as BERT has it, normalised before each part, and the mean over its tokens} */
    static Model transformer(Width width, int tokens, int size, int heads, int layers) {
        GpuModels model = new GpuModels(width);
        model.begin(tokens, size);
        for (int layer = 0; layer < layers; layer++) {
            String before = model.last;
            model.norm(size);
            String normed = model.last;
            String query = model.heads(normed, tokens, size, heads, 0, 2, 1, 3);
            String key = model.heads(normed, tokens, size, heads, 0, 2, 3, 1);
            String value = model.heads(normed, tokens, size, heads, 0, 2, 1, 3);
            model.node("MatMul", query, key);
            model.node("Mul", model.last, model.scalar(1 / Math.sqrt((double) size / heads)));
            model.node("Softmax", List.of(model.last), integer("axis", -1));
            model.node("MatMul", model.last, value);
            model.flops += 4.0 * tokens * tokens * size;
            model.node("Transpose", List.of(model.last), ints("perm", 0, 2, 1, 3));
            model.node("Reshape", model.last, model.longs(0, tokens, size));
            model.linear("MatMul", size, size, tokens);
            model.node("Add", model.last, before);
            String middle = model.last;
            model.norm(size);
            model.linear("MatMul", size, 4 * size, tokens);
            model.node("Relu", model.last);
            model.linear("MatMul", 4 * size, size, tokens);
            model.node("Add", model.last, middle);
        }
        model.norm(size);
        model.node("ReduceMean", List.of(model.last), ints("axes", 1), integer("keepdims", 0));
        model.linear("Gemm", size, 8);
        return model.end("transformer " + tokens + "x" + size + "x" + layers, tokens * size, 8);
    }

    private String heads(String from, int tokens, int size, int heads, int... order) {
        last = from;
        linear("MatMul", size, size, tokens);
        node("Reshape", last, longs(0, tokens, heads, size / heads));
        node("Transpose", List.of(last), ints("perm", order));
        return last;
    }

    private void norm(int size) {
        node("LayerNormalization", List.of(last, weights(1, size), weights(0.01, size)), integer("axis", -1));
    }

    private void linear(String operator, int from, int to) {
        linear(operator, from, to, 1);
    }

    private void linear(String operator, int from, int to, int times) {
        String weights = weights(2.0 / from, from, to);
        String bias = weights(0.01, to);
        if (operator.equals("Gemm")) {
            node("Gemm", last, weights, bias);
        } else {
            node("MatMul", last, weights);
            node("Add", last, bias);
        }
        flops += 2.0 * from * to * times;
    }

    private void begin(int... shape) {
        graph.addInput(value("x", shape));
        cast(TensorProto.DataType.FLOAT16);
    }

    private Model end(String name, int inputs, int outputs) {
        cast(TensorProto.DataType.FLOAT);
        graph.addNode(NodeProto.newBuilder()
                        .setOpType("Identity")
                        .addInput(last)
                        .addOutput("y"))
                .addOutput(value("y", outputs));
        byte[] bytes = ModelProto.newBuilder()
                .setIrVersion(8)
                .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(LAYER_NORM_SET))
                .setGraph(graph)
                .build()
                .toByteArray();
        String called = name + (width == Width.FLOAT16 ? ", float16" : ", float32");
        return new Model(called, SmallMlp.temporary(bytes), inputs, flops);
    }

    private void cast(TensorProto.DataType to) {
        if (width == Width.FLOAT16) {
            node("Cast", List.of(last), integer("to", to.getNumber()));
        }
    }

    private void node(String operator, String... inputs) {
        node(operator, List.of(inputs));
    }

    private void node(String operator, List<String> inputs, AttributeProto... attributes) {
        last = "t" + count++;
        graph.addNode(NodeProto.newBuilder()
                .setOpType(operator)
                .addAllInput(inputs)
                .addOutput(last)
                .addAllAttribute(List.of(attributes)));
    }

    /** {@return a constant of numbers around 0, of that variance} */
    private String weights(double variance, int... shape) {
        int size = 1;
        for (int dimension : shape) {
            size *= dimension;
        }
        float[] values = new float[size];
        double bound = Math.sqrt(3 * variance);
        for (int i = 0; i < size; i++) {
            values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        return constant(values, shape);
    }

    private String scalar(double value) {
        return constant(new float[] {(float) value});
    }

    private String constant(float[] values, int... shape) {
        boolean half = width == Width.FLOAT16;
        ByteBuffer raw = ByteBuffer.allocate(values.length * (half ? Short.BYTES : Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        if (half) {
            raw.asShortBuffer().put(Tensor.float16(values, values.length).shorts());
        } else {
            raw.asFloatBuffer().put(values);
        }
        TensorProto.DataType type = half ? TensorProto.DataType.FLOAT16 : TensorProto.DataType.FLOAT;
        return add(TensorProto.newBuilder().setDataType(type.getNumber()).setRawData(ByteString.copyFrom(raw)), shape);
    }

    private String longs(long... values) {
        TensorProto.Builder tensor = TensorProto.newBuilder().setDataType(TensorProto.DataType.INT64.getNumber());
        for (long value : values) {
            tensor.addInt64Data(value);
        }
        return add(tensor, values.length);
    }

    private String add(TensorProto.Builder tensor, int... shape) {
        String name = "c" + count++;
        for (int dimension : shape) {
            tensor.addDims(dimension);
        }
        graph.addInitializer(tensor.setName(name));
        return name;
    }

    private static AttributeProto integer(String name, long value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.INT)
                .setI(value)
                .build();
    }

    private static AttributeProto ints(String name, int... values) {
        AttributeProto.Builder attribute =
                AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
        for (int value : values) {
            attribute.addInts(value);
        }
        return attribute.build();
    }

    private static ValueInfoProto value(String name, int... row) {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder()
                .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("rows"));
        for (int dimension : row) {
            shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(dimension));
        }
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder()
                                .setElemType(TensorProto.DataType.FLOAT.getNumber())
                                .setShape(shape)))
                .build();
    }
}
