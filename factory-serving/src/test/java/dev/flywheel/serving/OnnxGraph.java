package dev.flywheel.serving;

import ai.onnx.proto.OnnxMl;
import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A model file as other tools write it: built node by node, without any class of this library. Not thread-safe. */
public final class OnnxGraph {

    public static final TensorProto.DataType FLOAT = TensorProto.DataType.FLOAT;
    public static final TensorProto.DataType DOUBLE = TensorProto.DataType.DOUBLE;
    public static final TensorProto.DataType INT32 = TensorProto.DataType.INT32;
    public static final TensorProto.DataType INT64 = TensorProto.DataType.INT64;
    public static final TensorProto.DataType BOOL = TensorProto.DataType.BOOL;
    public static final TensorProto.DataType STRING = TensorProto.DataType.STRING;

    private final GraphProto.Builder graph = GraphProto.newBuilder().setName("test");
    private final ModelProto.Builder model = ModelProto.newBuilder()
            .setIrVersion(8)
            .setProducerName("somebody else")
            .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
            .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder()
                    .setDomain("ai.onnx.ml")
                    .setVersion(2));

    /** Adds an input; dimensions below 0 are free. */
    public OnnxGraph input(String name, TensorProto.DataType type, long... shape) {
        graph.addInput(value(name, type, shape));
        return this;
    }

    /** Adds an output; dimensions below 0 are free. */
    public OnnxGraph output(String name, TensorProto.DataType type, long... shape) {
        graph.addOutput(value(name, type, shape));
        return this;
    }

    /** Adds an input whose free dimensions have names: each size is a number, a name, or "" for one without a name. */
    public OnnxGraph input(String name, TensorProto.DataType type, List<?> sizes) {
        graph.addInput(value(name, type, sizes));
        return this;
    }

    /** Adds an output whose free dimensions have names, as {@link #input(String, TensorProto.DataType, List)} does. */
    public OnnxGraph output(String name, TensorProto.DataType type, List<?> sizes) {
        graph.addOutput(value(name, type, sizes));
        return this;
    }

    public OnnxGraph constant(String name, float[] values, long... shape) {
        TensorProto.Builder tensor = tensor(name, FLOAT, shape);
        for (float value : values) {
            tensor.addFloatData(value);
        }
        graph.addInitializer(tensor);
        return this;
    }

    public OnnxGraph constant(String name, double value) {
        graph.addInitializer(tensor(name, DOUBLE).addDoubleData(value));
        return this;
    }

    public OnnxGraph longs(String name, long... values) {
        TensorProto.Builder tensor = tensor(name, INT64, values.length);
        for (long value : values) {
            tensor.addInt64Data(value);
        }
        graph.addInitializer(tensor);
        return this;
    }

    public OnnxGraph constant(String name, int value) {
        graph.addInitializer(tensor(name, INT32).addInt32Data(value));
        return this;
    }

    /** Adds a FLOAT constant that is in another file, from its start. */
    public OnnxGraph external(String name, String location, long... shape) {
        graph.addInitializer(tensor(name, FLOAT, shape)
                .setDataLocation(TensorProto.DataLocation.EXTERNAL)
                .addExternalData(OnnxMl.StringStringEntryProto.newBuilder()
                        .setKey("location")
                        .setValue(location)));
        return this;
    }

    public OnnxGraph node(String operator, List<String> inputs, String output) {
        return node(operator, "", inputs, output, node -> {});
    }

    public OnnxGraph node(
            String operator,
            String domain,
            List<String> inputs,
            String output,
            Consumer<NodeProto.Builder> attributes) {
        NodeProto.Builder node = NodeProto.newBuilder()
                .setOpType(operator)
                .setDomain(domain)
                .addAllInput(inputs)
                .addOutput(output);
        attributes.accept(node);
        graph.addNode(node);
        return this;
    }

    public OnnxGraph metadata(String key, String value) {
        model.addMetadataProps(
                OnnxMl.StringStringEntryProto.newBuilder().setKey(key).setValue(value));
        return this;
    }

    public Path write(Path file) {
        try {
            return Files.write(file, model.setGraph(graph).build().toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static AttributeProto integer(String name, long value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.INT)
                .setI(value)
                .build();
    }

    public static AttributeProto real(String name, float value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.FLOAT)
                .setF(value)
                .build();
    }

    public static AttributeProto reals(String name, float... values) {
        AttributeProto.Builder attribute =
                AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.FLOATS);
        for (float value : values) {
            attribute.addFloats(value);
        }
        return attribute.build();
    }

    public static AttributeProto strings(String name, String... values) {
        AttributeProto.Builder attribute =
                AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.STRINGS);
        for (String value : values) {
            attribute.addStrings(ByteString.copyFromUtf8(value));
        }
        return attribute.build();
    }

    private static TensorProto.Builder tensor(String name, TensorProto.DataType type, long... shape) {
        TensorProto.Builder tensor = TensorProto.newBuilder().setName(name).setDataType(type.getNumber());
        for (long dimension : shape) {
            tensor.addDims(dimension);
        }
        return tensor;
    }

    private static ValueInfoProto value(String name, TensorProto.DataType type, long... shape) {
        List<Object> sizes = new ArrayList<>();
        for (long size : shape) {
            sizes.add(size < 0 ? "d" + sizes.size() : (Object) size);
        }
        return value(name, type, sizes);
    }

    private static ValueInfoProto value(String name, TensorProto.DataType type, List<?> sizes) {
        TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
        for (Object size : sizes) {
            TensorShapeProto.Dimension.Builder dimension = dimensions.addDimBuilder();
            if (size instanceof Number number) {
                dimension.setDimValue(number.longValue());
            } else if (!size.equals("")) {
                dimension.setDimParam(size.toString());
            }
        }
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder()
                                .setElemType(type.getNumber())
                                .setShape(dimensions)))
                .build();
    }
}
