package dev.flywheel.serving.engine;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an ONNX file says of its inputs and outputs. Immutable.
 *
 * @param signature the tensors; outputs of other kinds are left out
 * @param symbols the names of their free dimensions
 */
record OnnxSignature(Signature signature, RowShapes.Symbols symbols) {

    private static final Logger log = LoggerFactory.getLogger(OnnxSignature.class);

    private static final String ELEMENT_PREFIX = "ONNX_TENSOR_ELEMENT_DATA_TYPE_";

    /**
     * Reads them.
     *
     * @param lookups the texts that are looked up before a run, by the names of the session's inputs
     * @throws ModelFormatException if an input is not a tensor of a usable type, or no output is one
     */
    static OnnxSignature read(Path model, OrtSession session, Map<String, OnnxCategories.Lookup> lookups)
            throws OrtException {
        Map<String, String> metadata = session.getMetadata().getCustomMetadata();
        List<TensorSpec> inputs = new ArrayList<>();
        List<String[]> inputSymbols = new ArrayList<>();
        for (NodeInfo input : inputs(model, session)) {
            ElementType type = type(input);
            if (type == null || !(input.getInfo() instanceof TensorInfo tensor)) {
                throw new ModelFormatException(
                        "cannot load " + model,
                        "input \"" + input.getName() + "\" is " + kind(input) + ", expected a tensor of one of "
                                + Arrays.toString(ElementType.values()),
                        "export the model with such tensors as inputs");
            }
            OnnxCategories.Lookup lookup = lookups.get(input.getName());
            String name = lookup == null ? input.getName() : lookup.texts();
            ElementType given = lookup == null ? type : ElementType.STRING;
            inputs.add(spec(model, name, given, tensor, metadata.get("flywheel." + name)));
            inputSymbols.add(tensor.getDimensionNames());
        }
        List<TensorSpec> outputs = new ArrayList<>();
        List<String[]> outputSymbols = new ArrayList<>();
        for (NodeInfo output : outputs(model, session)) {
            ElementType type = type(output);
            if (type != null && output.getInfo() instanceof TensorInfo tensor) {
                outputs.add(spec(model, output.getName(), type, tensor, null));
                outputSymbols.add(tensor.getDimensionNames());
            } else {
                log.info("{}: output \"{}\" is {} and is left out", model, output.getName(), kind(output));
            }
        }
        if (outputs.isEmpty()) {
            throw new ModelFormatException(
                    "cannot load " + model,
                    "none of its outputs is a tensor of a usable type: "
                            + outputs(model, session).stream()
                                    .map(o -> "\"" + o.getName() + "\" is " + kind(o))
                                    .collect(Collectors.joining(", ")),
                    "export the model with its answers as tensors");
        }
        return new OnnxSignature(new Signature(inputs, outputs), new RowShapes.Symbols(inputSymbols, outputSymbols));
    }

    private static Collection<NodeInfo> inputs(Path model, OrtSession session) {
        try {
            return session.getInputInfo().values();
        } catch (OrtException e) {
            throw indescribable(model, "input", session.getInputNames(), e);
        }
    }

    private static Collection<NodeInfo> outputs(Path model, OrtSession session) {
        try {
            return session.getOutputInfo().values();
        } catch (OrtException e) {
            throw indescribable(model, "output", session.getOutputNames(), e);
        }
    }

    /** ONNX Runtime's Java API gives up at optionals and the like without saying where. */
    private static ModelFormatException indescribable(
            Path model, String put, Collection<String> names, OrtException cause) {
        String why = put + "s " + names + ", one of which ONNX Runtime's Java API cannot describe ("
                + OnnxSession.text(cause) + ")";
        try {
            OnnxFile file = OnnxFile.read(model);
            for (String name : names) {
                if (!file.kind(name).isEmpty()) {
                    why = put + " \"" + name + "\", which is no tensor but " + file.kind(name);
                }
            }
        } catch (IOException e) {
            log.debug("could not read {} again", model, e);
        }
        return new ModelFormatException(
                "cannot load " + model,
                "it has the " + why,
                "export the model with tensors as inputs and outputs",
                cause);
    }

    private static @Nullable ElementType type(NodeInfo node) {
        if (!(node.getInfo() instanceof TensorInfo tensor)) {
            return null;
        }
        String name = tensor.onnxType.name().substring(ELEMENT_PREFIX.length());
        return Arrays.stream(ElementType.values())
                .filter(t -> t.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    private static String kind(NodeInfo node) {
        if (!(node.getInfo() instanceof TensorInfo tensor)) {
            String info = node.getInfo().getClass().getSimpleName();
            return "no tensor but a " + info.replace("Info", "").toLowerCase(Locale.ROOT);
        }
        String name = tensor.onnxType.name().substring(ELEMENT_PREFIX.length());
        return "a tensor of " + (name.equals("UNDEFINED") ? "a type unknown to ONNX Runtime's Java API" : name);
    }

    private static TensorSpec spec(
            Path model, String name, ElementType type, TensorInfo tensor, @Nullable String columns) {
        List<Long> shape = Arrays.stream(tensor.getShape()).boxed().toList();
        try {
            return new TensorSpec(name, type, shape, columns == null ? List.of() : ColumnNames.parse(columns));
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(
                    "cannot load " + model,
                    "input \"" + name + "\" cannot have the columns that its metadata names (" + e.getMessage() + ")",
                    "export the model again with the column names that it was trained with",
                    e);
        }
    }
}
