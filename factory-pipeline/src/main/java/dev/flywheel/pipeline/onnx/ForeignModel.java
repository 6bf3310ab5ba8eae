package dev.flywheel.pipeline.onnx;

import ai.onnx.proto.OnnxMl;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.DjlEngine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An ONNX model that was made elsewhere, on its way to the names and shapes of models made by a pipeline. Only its
 * edges change: what it computes, and in which version of ONNX, stays. Not thread-safe.
 */
public final class ForeignModel {

    private static final String PREFIX = "flywheel.";

    private final OnnxMl.ModelProto.Builder model;
    private OnnxMl.GraphProto graph;
    /** What the values that have another name now were called in the file. */
    private final Map<String, String> now = new HashMap<>();

    private ForeignModel(OnnxMl.ModelProto model) {
        this.model = model.toBuilder();
        this.graph = model.getGraph();
    }

    /**
     * {@return the model of an ONNX file}
     *
     * @param file the file's content
     * @param source what is read, for the message
     * @throws ModelFormatException if it is no ONNX file, or keeps its weights in other files
     */
    public static ForeignModel read(byte[] file, String source) {
        OnnxMl.ModelProto model;
        try {
            model = OnnxMl.ModelProto.parseFrom(file);
        } catch (InvalidProtocolBufferException e) {
            throw new ModelFormatException(
                    "cannot read " + source,
                    "it is damaged, or not an ONNX file (" + e.getMessage() + ")",
                    "export the model again",
                    e);
        }
        model.getGraph().getInitializerList().stream()
                .filter(weights -> weights.getDataLocation() == OnnxMl.TensorProto.DataLocation.EXTERNAL)
                .findFirst()
                .ifPresent(weights -> {
                    throw new ModelFormatException(
                            "cannot take " + source,
                            "it keeps weights (\"" + weights.getName() + "\") in another file",
                            "export the model as one file, as with onnx.save(model, file, save_as_external_data=False)");
                });
        return new ForeignModel(model);
    }

    /** {@return what the file says under a key of its metadata; empty if nothing} */
    public Optional<String> metadata(String key) {
        return model.getMetadataPropsList().stream()
                .filter(entry -> entry.getKey().equals(key))
                .map(OnnxMl.StringStringEntryProto::getValue)
                .findFirst();
    }

    /**
     * Names an input as a pipeline does, and the raw columns that it takes.
     *
     * @param input the model's own name of an input [rows, columns]
     * @param wanted what it becomes, of shape [-1, n] with its raw columns
     */
    public void input(String input, TensorSpec wanted) {
        rename(name(input, now), wanted.name());
        OnnxMl.GraphProto.Builder changed = graph.toBuilder();
        for (int i = 0; i < changed.getInputCount(); i++) {
            if (changed.getInput(i).getName().equals(wanted.name())) {
                changed.getInputBuilder(i)
                        .getTypeBuilder()
                        .getTensorTypeBuilder()
                        .getShapeBuilder()
                        .getDimBuilder(1)
                        .setDimValue(wanted.shape().get(1));
            }
        }
        graph = changed.build();
        ArrayNode names = JsonNodeFactory.instance.arrayNode();
        wanted.columns().forEach(names::add);
        metadata(PREFIX + wanted.name(), names.toString());
    }

    /**
     * Makes an output the only one: {@link Signature#PREDICTION}, FLOAT [rows, width].
     *
     * @param output the model's own output, FLOAT or DOUBLE
     * @param answer how that becomes of this shape
     * @param width how many numbers it is to have for each row
     */
    public void output(TensorSpec output, DjlEngine.Answer answer, int width) {
        OnnxMl.TensorShapeProto.Dimension rows = graph.getOutputList().stream()
                .filter(value -> value.getName().equals(name(output.name(), now)))
                .map(value -> value.getType().getTensorType().getShape())
                .filter(shape -> shape.getDimCount() > 0)
                .map(shape -> shape.getDim(0))
                .findFirst()
                .orElse(OnnxMl.TensorShapeProto.Dimension.getDefaultInstance());
        boolean cast = output.type() == ElementType.DOUBLE;
        List<OnnxMl.NodeProto> nodes = new ArrayList<>();
        if (answer == DjlEngine.Answer.WHOLE && !cast) {
            rename(name(output.name(), now), Signature.PREDICTION);
        } else {
            String value = free("answer");
            rename(name(output.name(), now), value);
            rename(Signature.PREDICTION, free(Signature.PREDICTION));
            if (answer != DjlEngine.Answer.WHOLE) {
                boolean flat = answer == DjlEngine.Answer.FLAT;
                String how = free("answer_how");
                String laid = cast ? free("answer_laid") : Signature.PREDICTION;
                nodes.add(constant(how, flat ? new long[] {-1, 1} : new long[] {1}));
                OnnxMl.NodeProto.Builder node = node(flat ? "Reshape" : "Gather", laid, value, how);
                nodes.add((flat ? node : node.addAttribute(number("axis", 1))).build());
                value = laid;
            }
            if (cast) {
                OnnxMl.AttributeProto.Builder to = number("to", OnnxMl.TensorProto.DataType.FLOAT.getNumber());
                nodes.add(node("Cast", Signature.PREDICTION, value)
                        .addAttribute(to)
                        .build());
            }
        }
        OnnxMl.TypeProto.Tensor tensor = OnnxMl.TypeProto.Tensor.newBuilder()
                .setElemType(OnnxMl.TensorProto.DataType.FLOAT.getNumber())
                .setShape(OnnxMl.TensorShapeProto.newBuilder()
                        .addDim(rows)
                        .addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(width)))
                .build();
        graph = graph.toBuilder()
                .addAllNode(nodes)
                .clearOutput()
                .addOutput(OnnxMl.ValueInfoProto.newBuilder()
                        .setName(Signature.PREDICTION)
                        .setType(OnnxMl.TypeProto.newBuilder().setTensorType(tensor)))
                .build();
    }

    /** {@return the content of the file} */
    public byte[] bytes() {
        return model.setGraph(graph).build().toByteArray();
    }

    private void metadata(String key, String value) {
        for (int i = model.getMetadataPropsCount() - 1; i >= 0; i--) {
            if (model.getMetadataProps(i).getKey().equals(key)) {
                model.removeMetadataProps(i);
            }
        }
        model.addMetadataProps(
                OnnxMl.StringStringEntryProto.newBuilder().setKey(key).setValue(value));
    }

    /** What has the new name already, if anything, makes way. */
    private void rename(String before, String after) {
        if (!before.equals(after)) {
            Map<String, String> names = Map.of(after, free(after), before, after);
            graph = renamed(graph, names);
            Set<String> known = Set.copyOf(now.values());
            now.replaceAll((original, called) -> name(called, names));
            names.forEach((from, to) -> {
                if (!known.contains(from)) {
                    now.putIfAbsent(from, to);
                }
            });
        }
    }

    private String free(String wanted) {
        Set<String> taken = new HashSet<>();
        collect(graph, taken);
        String found = wanted;
        while (taken.contains(found)) {
            found += "_";
        }
        return found;
    }

    private static void collect(OnnxMl.GraphProto graph, Set<String> names) {
        graph.getInputList().forEach(value -> names.add(value.getName()));
        graph.getInitializerList().forEach(value -> names.add(value.getName()));
        for (OnnxMl.NodeProto node : graph.getNodeList()) {
            names.addAll(node.getInputList());
            names.addAll(node.getOutputList());
            for (OnnxMl.AttributeProto attribute : node.getAttributeList()) {
                collect(attribute.getG(), names);
                attribute.getGraphsList().forEach(inner -> collect(inner, names));
            }
        }
    }

    /** A graph inside a node, such as a branch, sees the names around it. */
    private static OnnxMl.GraphProto renamed(OnnxMl.GraphProto graph, Map<String, String> names) {
        OnnxMl.GraphProto.Builder copy = graph.toBuilder();
        copy.getInputBuilderList().forEach(value -> value.setName(name(value.getName(), names)));
        copy.getOutputBuilderList().forEach(value -> value.setName(name(value.getName(), names)));
        copy.getValueInfoBuilderList().forEach(value -> value.setName(name(value.getName(), names)));
        copy.getInitializerBuilderList().forEach(value -> value.setName(name(value.getName(), names)));
        copy.getSparseInitializerBuilderList()
                .forEach(value ->
                        value.getValuesBuilder().setName(name(value.getValues().getName(), names)));
        for (OnnxMl.NodeProto.Builder node : copy.getNodeBuilderList()) {
            for (int i = 0; i < node.getInputCount(); i++) {
                node.setInput(i, name(node.getInput(i), names));
            }
            for (int i = 0; i < node.getOutputCount(); i++) {
                node.setOutput(i, name(node.getOutput(i), names));
            }
            for (OnnxMl.AttributeProto.Builder attribute : node.getAttributeBuilderList()) {
                if (attribute.hasG()) {
                    attribute.setG(renamed(attribute.getG(), names));
                }
                for (int i = 0; i < attribute.getGraphsCount(); i++) {
                    attribute.setGraphs(i, renamed(attribute.getGraphs(i), names));
                }
            }
        }
        return copy.build();
    }

    private static String name(String name, Map<String, String> names) {
        return names.getOrDefault(name, name);
    }

    private static OnnxMl.NodeProto.Builder node(String operator, String output, String... inputs) {
        return OnnxMl.NodeProto.newBuilder()
                .setName(output)
                .setOpType(operator)
                .addAllInput(List.of(inputs))
                .addOutput(output);
    }

    /** A node, because initializers are inputs, too, in files of the first versions of ONNX. */
    private static OnnxMl.NodeProto constant(String name, long... values) {
        ByteBuffer raw = ByteBuffer.allocate(Long.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asLongBuffer().put(values);
        OnnxMl.TensorProto.Builder tensor = OnnxMl.TensorProto.newBuilder()
                .addDims(values.length)
                .setDataType(OnnxMl.TensorProto.DataType.INT64.getNumber())
                .setRawData(ByteString.copyFrom(raw));
        return node("Constant", name)
                .addAttribute(OnnxMl.AttributeProto.newBuilder()
                        .setName("value")
                        .setType(OnnxMl.AttributeProto.AttributeType.TENSOR)
                        .setT(tensor))
                .build();
    }

    private static OnnxMl.AttributeProto.Builder number(String name, long value) {
        return OnnxMl.AttributeProto.newBuilder()
                .setName(name)
                .setType(OnnxMl.AttributeProto.AttributeType.INT)
                .setI(value);
    }
}
