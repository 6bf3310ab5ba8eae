package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one owner of the process-wide ONNX Runtime environment. Thread-safe. */
final class OnnxRuntime {

    private static final Logger log = LoggerFactory.getLogger(OnnxRuntime.class);

    private static @Nullable OrtEnvironment environment;

    private OnnxRuntime() {}

    /**
     * {@return the environment, made on the first call}
     *
     * @throws dev.flywheel.core.MissingEngineException if ONNX Runtime is doubled or does not load
     */
    static synchronized OrtEnvironment environment() {
        if (environment == null) {
            OnnxChecks.refuseTwo(OnnxChecks.copies(OrtEnvironment.class.getClassLoader()));
            OnnxChecks.refuseCrash(OrtEnvironment.class.getPackage().getImplementationVersion());
            environment = create();
        }
        return environment;
    }

    private static OrtEnvironment create() {
        try {
            OrtEnvironment made = OrtEnvironment.getEnvironment();
            made.setTelemetry(false);
            log.debug("ONNX Runtime {} is ready", made.getVersion());
            return made;
        } catch (LinkageError | OrtException | RuntimeException e) {
            throw OnnxChecks.absent(e);
        }
    }
}
