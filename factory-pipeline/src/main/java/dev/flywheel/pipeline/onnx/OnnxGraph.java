package dev.flywheel.pipeline.onnx;

import ai.onnx.proto.OnnxMl;
import com.google.protobuf.ByteString;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.model.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * An ONNX graph under construction: inputs, constants, nodes, outputs and metadata, in the order in which they are
 * added. The same calls give the same bytes. Values are addressed by name; nodes and constants are named by what they
 * are and their number. Not thread-safe.
 *
 * <p>Declares the operator sets {@code ai.onnx} 17 and, where a node of theirs is used, {@code ai.onnx.ml} 3 and
 * {@code com.microsoft} 1, at IR version 8, which ONNX Runtime reads from 1.12 on.
 */
public final class OnnxGraph {

    /** The domain of ONNX's own operators. */
    public static final String ONNX = "";

    /** The domain of ONNX's classical machine learning operators. */
    public static final String ML = "ai.onnx.ml";

    /** The domain of ONNX Runtime's own operators. */
    public static final String MICROSOFT = "com.microsoft";

    private static final Map<String, Long> VERSIONS = Map.of(ONNX, 17L, ML, 3L, MICROSOFT, 1L);
    private static final long IR_VERSION = 8;

    private final String name;
    private final List<OnnxMl.ValueInfoProto> inputs = new ArrayList<>();
    private final Set<String> inputNames = new HashSet<>();
    private final List<OnnxMl.ValueInfoProto> outputs = new ArrayList<>();
    private final List<OnnxMl.TensorProto> constants = new ArrayList<>();
    private final Map<ByteString, String> constantNames = new HashMap<>();
    private final List<OnnxMl.NodeProto> nodes = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, String> renamed = new HashMap<>();

    /** @param name the graph's name, shown by tools that draw graphs */
    public OnnxGraph(String name) {
        this.name = Objects.requireNonNull(name, "name");
    }

    /**
     * Adds an input of shape [rows, columns].
     *
     * @return the value's name, which is {@code name}
     */
    public String input(String name, ElementType type, long columns) {
        if (!inputNames.add(name)) {
            throw new IllegalArgumentException("a graph has an input \"" + name + "\" already");
        }
        inputs.add(valueInfo(name, type, columns));
        return name;
    }

    /** {@return the name of a FLOAT constant of this shape, row-major; equal constants are stored once} */
    public String floats(float[] data, long... shape) {
        ByteBuffer raw = ByteBuffer.allocate(4 * data.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asFloatBuffer().put(data);
        return constant(OnnxMl.TensorProto.DataType.FLOAT, raw, data.length, shape);
    }

    /** {@return the name of an INT64 constant of this shape, row-major; equal constants are stored once} */
    public String longs(long[] data, long... shape) {
        ByteBuffer raw = ByteBuffer.allocate(8 * data.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asLongBuffer().put(data);
        return constant(OnnxMl.TensorProto.DataType.INT64, raw, data.length, shape);
    }

    private String constant(OnnxMl.TensorProto.DataType type, ByteBuffer raw, long size, long... shape) {
        OnnxMl.TensorProto.Builder tensor = OnnxMl.TensorProto.newBuilder().setDataType(type.getNumber());
        long expected = 1;
        for (long dimension : shape) {
            tensor.addDims(dimension);
            expected *= dimension;
        }
        if (expected != size) {
            throw new IllegalArgumentException("a constant of " + size + " values does not fit its shape "
                    + java.util.Arrays.toString(shape) + ", which holds " + expected);
        }
        tensor.setRawData(ByteString.copyFrom(raw));
        return constantNames.computeIfAbsent(tensor.build().toByteString(), key -> {
            String constantName = free("constant_" + constants.size());
            constants.add(tensor.setName(constantName).build());
            return constantName;
        });
    }

    /** An input keeps the name that it has outside. */
    private String free(String wanted) {
        String found = wanted;
        while (inputNames.contains(found)) {
            found += "_";
        }
        return found;
    }

    /** {@return the name of the one output of a new node of ONNX's own domain without attributes} */
    public String node(String operator, String... inputs) {
        return node(ONNX, operator, Map.of(), inputs);
    }

    /**
     * {@return the name of the one output of a new node}
     *
     * @param domain {@link #ONNX}, {@link #ML} or {@link #MICROSOFT}
     * @param operator the operator's name
     * @param attributes each a {@code Long}, {@code Float}, {@code String}, {@code long[]}, {@code float[]} or list of
     *     strings
     * @param inputs the names of values; an empty name leaves an optional input out
     */
    public String node(String domain, String operator, Map<String, Object> attributes, String... inputs) {
        return nodes(domain, operator, attributes, 1, inputs).get(0);
    }

    /** {@return the names of the outputs of a new node that has several; see {@link #node}} */
    public List<String> nodes(
            String domain, String operator, Map<String, Object> attributes, int outputs, String... inputs) {
        if (!VERSIONS.containsKey(domain)) {
            throw new IllegalArgumentException(
                    "unknown operator domain \"" + domain + "\"; known are " + new TreeMap<>(VERSIONS).keySet());
        }
        String nodeName = free(operator + "_" + nodes.size());
        OnnxMl.NodeProto.Builder node = OnnxMl.NodeProto.newBuilder()
                .setName(nodeName)
                .setOpType(operator)
                .setDomain(domain)
                .addAllInput(List.of(inputs));
        new TreeMap<>(attributes).forEach((key, value) -> node.addAttribute(attribute(key, value)));
        for (int i = 0; i < outputs; i++) {
            node.addOutput(outputs == 1 ? nodeName : free(nodeName + "_" + i));
        }
        nodes.add(node.build());
        return List.copyOf(node.getOutputList());
    }

    /** Makes a node's output an output of the graph, of shape [rows, columns], under a new name. */
    public void output(String name, String value, ElementType type, long columns) {
        String before = renamed.putIfAbsent(value, name);
        if (before != null) {
            throw new IllegalArgumentException("value " + value + " is already the output \"" + before + "\"");
        }
        outputs.add(valueInfo(name, type, columns));
    }

    /** Adds a pair to the file's metadata, which ONNX Runtime hands out as custom metadata. */
    public void metadata(String key, String value) {
        metadata.put(key, value);
    }

    /** {@return how many nodes the graph has; each costs ONNX Runtime about half a microsecond a call} */
    public int nodeCount() {
        return nodes.size();
    }

    /** {@return the model file's content} */
    public byte[] bytes() {
        OnnxMl.GraphProto.Builder graph = OnnxMl.GraphProto.newBuilder()
                .setName(name)
                .addAllInput(inputs)
                .addAllOutput(outputs)
                .addAllInitializer(constants);
        nodes.forEach(node -> graph.addNode(withOutputNames(node)));
        OnnxMl.ModelProto.Builder model = OnnxMl.ModelProto.newBuilder()
                .setIrVersion(IR_VERSION)
                .setProducerName("flywheel")
                .setGraph(graph);
        new TreeMap<>(VERSIONS).forEach((domain, version) -> {
            if (domain.equals(ONNX)
                    || nodes.stream().anyMatch(n -> n.getDomain().equals(domain))) {
                model.addOpsetImport(
                        OnnxMl.OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version));
            }
        });
        metadata.forEach((key, value) -> model.addMetadataProps(
                OnnxMl.StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
        return model.build().toByteArray();
    }

    /**
     * Writes the model file.
     *
     * @throws StoreException if the file cannot be written
     */
    public void write(Path file) {
        try {
            Files.write(file, bytes());
        } catch (IOException e) {
            throw new StoreException(
                    "model file " + file + " was not written",
                    String.valueOf(e.getMessage()),
                    "check that its folder exists, may be written and has room",
                    e);
        }
    }

    private OnnxMl.NodeProto withOutputNames(OnnxMl.NodeProto node) {
        OnnxMl.NodeProto.Builder copy = node.toBuilder().clearInput().clearOutput();
        node.getInputList().forEach(value -> copy.addInput(renamed.getOrDefault(value, value)));
        node.getOutputList().forEach(value -> copy.addOutput(renamed.getOrDefault(value, value)));
        return copy.build();
    }

    private static OnnxMl.AttributeProto attribute(String key, Object value) {
        OnnxMl.AttributeProto.Builder attribute =
                OnnxMl.AttributeProto.newBuilder().setName(key);
        if (value instanceof Long number) {
            attribute.setType(OnnxMl.AttributeProto.AttributeType.INT).setI(number);
        } else if (value instanceof Float number) {
            attribute.setType(OnnxMl.AttributeProto.AttributeType.FLOAT).setF(number);
        } else if (value instanceof String text) {
            attribute.setType(OnnxMl.AttributeProto.AttributeType.STRING).setS(utf8(text));
        } else if (value instanceof long[] numbers) {
            attribute.setType(OnnxMl.AttributeProto.AttributeType.INTS);
            for (long number : numbers) {
                attribute.addInts(number);
            }
        } else if (value instanceof float[] numbers) {
            attribute.setType(OnnxMl.AttributeProto.AttributeType.FLOATS);
            for (float number : numbers) {
                attribute.addFloats(number);
            }
        } else if (value instanceof List<?> texts) {
            attribute.setType(OnnxMl.AttributeProto.AttributeType.STRINGS);
            texts.forEach(text -> attribute.addStrings(utf8((String) text)));
        } else {
            throw new IllegalArgumentException("attribute " + key + " has the unsupported type " + value.getClass());
        }
        return attribute.build();
    }

    private static ByteString utf8(String text) {
        return ByteString.copyFrom(text, StandardCharsets.UTF_8);
    }

    private static OnnxMl.ValueInfoProto valueInfo(String name, ElementType type, long columns) {
        OnnxMl.TensorProto.DataType elements = switch (type) {
            case FLOAT -> OnnxMl.TensorProto.DataType.FLOAT;
            case INT64 -> OnnxMl.TensorProto.DataType.INT64;
            case STRING -> OnnxMl.TensorProto.DataType.STRING;
            default -> throw new IllegalArgumentException("graphs carry FLOAT, INT64 and STRING, not " + type);
        };
        OnnxMl.TensorShapeProto shape = OnnxMl.TensorShapeProto.newBuilder()
                .addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimParam("rows"))
                .addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(columns))
                .build();
        return OnnxMl.ValueInfoProto.newBuilder()
                .setName(name)
                .setType(OnnxMl.TypeProto.newBuilder()
                        .setTensorType(OnnxMl.TypeProto.Tensor.newBuilder()
                                .setElemType(elements.getNumber())
                                .setShape(shape)))
                .build();
    }
}
