package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A model file loaded by ONNX Runtime. Thread-safe. */
final class OnnxSession {

    private static final Logger log = LoggerFactory.getLogger(OnnxSession.class);

    private static final Map<String, String> DEFAULT_CONFIG =
            Map.of("session.intra_op.allow_spinning", "0", "session.inter_op.allow_spinning", "0");

    private final OrtSession session;
    private final OnnxSignature signature;
    /** This and its lanes, as long as they are open: the last of them closes the session. */
    private final AtomicInteger users = new AtomicInteger(1);

    private final AtomicBoolean closed = new AtomicBoolean();

    private OnnxSession(OrtSession session, OnnxSignature signature) {
        this.session = session;
        this.signature = signature;
    }

    static OnnxSession open(Path model, OnnxOptions options) {
        OrtEnvironment environment = OnnxRuntime.environment();
        OrtSession session = null;
        try (PrivateModel files = PrivateModel.of(model)) {
            Path kept = files.isCopied() ? null : options.optimizedModels();
            session = kept == null
                    ? create(environment, files.file(), options, null)
                    : optimized(environment, files.file(), options, kept);
            return new OnnxSession(session, OnnxSignature.read(model, session));
        } catch (OrtException | RuntimeException e) {
            closeQuietly(session);
            throw e instanceof OrtException ort ? unusable(model, ort) : (RuntimeException) e;
        }
    }

    /** A directory that cannot be used costs time, not the model. */
    private static OrtSession optimized(OrtEnvironment environment, Path model, OnnxOptions options, Path directory)
            throws OrtException {
        OrtSession session = null;
        Path fresh = null;
        try {
            OptimizedModels models = OptimizedModels.of(directory, model, environment.getVersion(), options);
            Path known = models.find();
            if (known != null) {
                return create(environment, known, options.optimization(OnnxOptions.Optimization.NONE), null);
            }
            fresh = models.fresh();
            session = create(environment, model, options, fresh);
            models.keep(fresh);
            return session;
        } catch (IOException | OrtException e) {
            OrtSession made = session == null ? create(environment, model, options, null) : session;
            log.warn("{} could not be kept, optimised, in {}", model, directory, e);
            return made;
        } finally {
            OptimizedModels.discard(fresh);
        }
    }

    private static OrtSession create(
            OrtEnvironment environment, Path model, OnnxOptions options, @Nullable Path optimized) throws OrtException {
        try (OrtSession.SessionOptions session = sessionOptions(options)) {
            if (optimized != null) {
                session.setOptimizedModelFilePath(optimized.toString());
            }
            return environment.createSession(model.toString(), session);
        }
    }

    /** {@return what the file says} */
    Signature signature() {
        return signature.signature();
    }

    OnnxLane newLane(Path model, Signature signature, int maxRows) {
        if (users.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
            throw new IllegalStateException("the engine of " + model + " is closed");
        }
        try {
            RowShapes shapes = RowShapes.of(signature, this.signature.symbols());
            return new OnnxLane(model, session, signature, shapes, maxRows, this::release);
        } catch (RuntimeException | Error e) {
            release();
            throw e;
        }
    }

    void close() {
        if (closed.compareAndSet(false, true)) {
            release();
        }
    }

    private void release() {
        if (users.decrementAndGet() == 0) {
            closeQuietly(session);
        }
    }

    /**
     * Unless more threads are asked for, one run is one thread's work: pools of several sessions would fight for the
     * cores. Spinning threads burned 37 ms of CPU a request at a low rate. Without the arena the lanes of one session
     * do not queue for its lock.
     */
    private static OrtSession.SessionOptions sessionOptions(OnnxOptions options) throws OrtException {
        OrtSession.SessionOptions session = new OrtSession.SessionOptions();
        try {
            session.setIntraOpNumThreads(options.threads());
            session.setInterOpNumThreads(1);
            session.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
            session.setOptimizationLevel(level(options.optimization()));
            session.setCPUArenaAllocator(false);
            // Failures come as exceptions; the native log would print them a second time.
            session.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            Map<String, String> config = new TreeMap<>(DEFAULT_CONFIG);
            config.putAll(options.config());
            for (Map.Entry<String, String> entry : config.entrySet()) {
                session.addConfigEntry(entry.getKey(), entry.getValue());
            }
            options.providers().forEach((name, own) -> OnnxProviders.add(session, name, own));
            return session;
        } catch (OrtException | RuntimeException e) {
            session.close();
            throw e;
        }
    }

    private static OptLevel level(OnnxOptions.Optimization optimization) {
        return switch (optimization) {
            case NONE -> OptLevel.NO_OPT;
            case BASIC -> OptLevel.BASIC_OPT;
            case EXTENDED -> OptLevel.EXTENDED_OPT;
            case ALL -> OptLevel.ALL_OPT;
        };
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
