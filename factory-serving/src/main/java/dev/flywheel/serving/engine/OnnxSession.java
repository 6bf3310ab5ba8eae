package dev.flywheel.serving.engine;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A model file loaded by ONNX Runtime. Thread-safe. */
final class OnnxSession {

    private static final Logger log = LoggerFactory.getLogger(OnnxSession.class);

    private static final String ELEMENT_PREFIX = "ONNX_TENSOR_ELEMENT_DATA_TYPE_";

    private final OrtSession session;
    private final Signature signature;

    private OnnxSession(OrtSession session, Signature signature) {
        this.session = session;
        this.signature = signature;
    }

    static OnnxSession open(Path model) {
        OrtEnvironment environment = OnnxRuntime.environment();
        OrtSession session = null;
        try (OrtSession.SessionOptions options = options()) {
            session = environment.createSession(model.toString(), options);
            return new OnnxSession(session, signature(model, session));
        } catch (OrtException | RuntimeException e) {
            closeQuietly(session);
            throw e instanceof OrtException ort ? unusable(model, ort) : (RuntimeException) e;
        }
    }

    /** {@return what the file says} */
    Signature signature() {
        return signature;
    }

    OnnxLane newLane(Path model, Signature signature, int maxRows) {
        return new OnnxLane(model, session, signature, maxRows);
    }

    void close() {
        closeQuietly(session);
    }

    /**
     * One run is one thread's work: pools of several sessions would fight for the cores, and spinning threads burned 37
     * ms of CPU a request at a low rate. Without the arena the lanes of one session do not queue for its lock.
     */
    private static OrtSession.SessionOptions options() throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
        options.addConfigEntry("session.intra_op.allow_spinning", "0");
        options.addConfigEntry("session.inter_op.allow_spinning", "0");
        options.setCPUArenaAllocator(false);
        // Failures come as exceptions; the native log would print them a second time.
        options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
        return options;
    }

    private static Signature signature(Path model, OrtSession session) throws OrtException {
        Map<String, String> metadata = session.getMetadata().getCustomMetadata();
        List<TensorSpec> inputs = new ArrayList<>();
        for (NodeInfo input : session.getInputInfo().values()) {
            if (!(input.getInfo() instanceof TensorInfo tensor)) {
                throw new ModelFormatException(
                        "cannot load " + model,
                        "input \"" + input.getName() + "\" is not a tensor but " + input.getInfo(),
                        "export the model with tensors as inputs");
            }
            String columns = metadata.get("flywheel." + input.getName());
            inputs.add(spec(model, input.getName(), tensor, columns));
        }
        List<TensorSpec> outputs = new ArrayList<>();
        for (NodeInfo output : session.getOutputInfo().values()) {
            if (output.getInfo() instanceof TensorInfo tensor) {
                outputs.add(spec(model, output.getName(), tensor, null));
            } else {
                log.info("{}: output \"{}\" is not a tensor and is left out", model, output.getName());
            }
        }
        if (inputs.isEmpty() || outputs.isEmpty()) {
            throw new ModelFormatException(
                    "cannot load " + model,
                    "it has " + inputs.size() + " tensor inputs and " + outputs.size()
                            + " tensor outputs, expected at least one of each",
                    "export the model with its inputs and outputs as tensors");
        }
        return new Signature(inputs, outputs);
    }

    private static TensorSpec spec(Path model, String name, TensorInfo tensor, @Nullable String columns) {
        List<Long> shape = Arrays.stream(tensor.getShape()).boxed().toList();
        try {
            ElementType type = ElementType.valueOf(tensor.onnxType.name().substring(ELEMENT_PREFIX.length()));
            return new TensorSpec(name, type, shape, columns == null ? List.of() : ColumnNames.parse(columns));
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(
                    "cannot load " + model,
                    "tensor \"" + name + "\" of type " + tensor.onnxType + " is not usable (" + e.getMessage() + ")",
                    "export the model again with a supported element type and with the column names that it was "
                            + "trained with",
                    e);
        }
    }

    private static ModelFormatException unusable(Path model, OrtException cause) {
        String fix = switch (cause.getCode()) {
            case ORT_NOT_IMPLEMENTED -> "export the model with operators that ONNX Runtime has on the CPU";
            case ORT_INVALID_PROTOBUF -> "copy or export the file again; it is damaged or not an ONNX model";
            default -> "export the model again, with an opset that ONNX Runtime knows";
        };
        return new ModelFormatException("cannot load " + model, "ONNX Runtime says: " + text(cause), fix, cause);
    }

    /** {@return the message of ONNX Runtime, without the full stop that would double ours} */
    static String text(OrtException cause) {
        String message = String.valueOf(cause.getMessage()).strip();
        return message.endsWith(".") ? message.substring(0, message.length() - 1) : message;
    }

    private static void closeQuietly(@Nullable OrtSession session) {
        if (session == null) {
            return;
        }
        try {
            session.close();
        } catch (OrtException | IllegalStateException e) {
            log.debug("closing a session failed", e);
        }
    }
}
