package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.Signature;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A model file loaded by ONNX Runtime. Thread-safe. */
final class OnnxSession {

    private static final Logger log = LoggerFactory.getLogger(OnnxSession.class);

    private final OrtSession session;
    private final OnnxSignature signature;

    private OnnxSession(OrtSession session, OnnxSignature signature) {
        this.session = session;
        this.signature = signature;
    }

    static OnnxSession open(Path model) {
        OrtEnvironment environment = OnnxRuntime.environment();
        OrtSession session = null;
        try (OrtSession.SessionOptions options = options()) {
            session = environment.createSession(model.toString(), options);
            return new OnnxSession(session, OnnxSignature.read(model, session));
        } catch (OrtException | RuntimeException e) {
            closeQuietly(session);
            throw e instanceof OrtException ort ? unusable(model, ort) : (RuntimeException) e;
        }
    }

    /** {@return what the file says} */
    Signature signature() {
        return signature.signature();
    }

    OnnxLane newLane(Path model, Signature signature, int maxRows) {
        return new OnnxLane(model, session, signature, RowShapes.of(signature, this.signature.symbols()), maxRows);
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
