package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one owner of the process-wide ONNX Runtime environment. Thread-safe.
 *
 * <p>DJL's ONNX Runtime engine insists on making that environment, with options of its own, and fails for good where
 * there is one. So where it is on the class path it gets to make it, whoever needs it first. The sessions of this
 * library have their own options, and no use for those of the environment.
 */
final class OnnxRuntime {

    private static final String DJL = "ai.djl.onnxruntime.engine.OrtEngineProvider";

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
            letDjlMakeIt();
            OrtEnvironment made = OrtEnvironment.getEnvironment();
            made.setTelemetry(false);
            log.debug("ONNX Runtime {} is ready", made.getVersion());
            return made;
        } catch (LinkageError | OrtException | RuntimeException e) {
            throw OnnxChecks.absent(e);
        }
    }

    private static void letDjlMakeIt() {
        try {
            Class<?> provider = Class.forName(DJL, false, OnnxRuntime.class.getClassLoader());
            if (System.getProperty("OPT_OUT_TRACKING") == null) {
                // Loading DJL's classes would report to its makers.
                System.setProperty("OPT_OUT_TRACKING", "true");
            }
            Object engine = provider.getMethod("getEngine")
                    .invoke(provider.getConstructor().newInstance());
            log.debug("the environment is that of {}", engine.getClass());
        } catch (ClassNotFoundException e) {
            log.trace("DJL's ONNX Runtime engine is not on the class path");
        } catch (ReflectiveOperationException | LinkageError e) {
            log.debug("DJL's ONNX Runtime engine does not start; the host made the environment before", e);
        }
    }
}
