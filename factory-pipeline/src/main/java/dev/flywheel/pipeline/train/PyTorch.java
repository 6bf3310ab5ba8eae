package dev.flywheel.pipeline.train;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import dev.flywheel.core.MissingEngineException;
import dev.flywheel.serving.engine.DjlDefaults;

/**
 * The one place that touches DJL's engine: it switches off what an embedded library must not do before DJL's classes
 * load, and finds out whether PyTorch is there. Thread-safe.
 */
final class PyTorch {

    private static final String NAME = "PyTorch";

    private PyTorch() {}

    /**
     * {@return native memory on the CPU for work on the calling thread, which closes it}
     *
     * @throws MissingEngineException if PyTorch's native library is absent or does not load
     */
    static Session open() {
        try {
            return new Session(Loaded.manager());
        } catch (EngineException | LinkageError e) {
            throw missing(e);
        }
    }

    /** Where trainings run. */
    static dev.flywheel.core.device.Device device() {
        return dev.flywheel.core.device.Device.cpu();
    }

    /** The version of the engine, whose kernels decide the last bits of a model. */
    static String version() {
        try {
            return Loaded.ENGINE.getVersion();
        } catch (EngineException | LinkageError e) {
            throw missing(e);
        }
    }

    /** Native memory, and PyTorch's settings of the thread that works with it. */
    static final class Session implements AutoCloseable {

        private final NDManager manager;
        private final boolean gradientsBefore = JniUtils.isGradMode();

        private Session(NDManager manager) {
            this.manager = manager;
            JniUtils.setGradMode(false); // on by default on every new thread
        }

        NDManager manager() {
            return manager;
        }

        @Override
        public void close() {
            JniUtils.setGradMode(gradientsBefore);
            manager.close();
        }
    }

    private static MissingEngineException missing(Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return new MissingEngineException(
                "PyTorch, which trains models, cannot be used",
                "its native library is absent or does not load (" + root.getMessage() + ")",
                "add ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier linux-x86_64, linux-aarch64, osx-aarch64 "
                        + "or win-x86_64 to the class path, or let DJL download it with -Dai.djl.offline=false",
                cause);
    }

    /** Loads with the first training, not with the first mention of a trainer. */
    private static final class Loaded {

        private static final Engine ENGINE;

        static {
            DjlDefaults.apply();
            Engine engine = Engine.getEngine(NAME);
            if (engine == null) {
                throw new EngineException("no engine of the name " + NAME + " on the class path");
            }
            ENGINE = engine;
        }

        static NDManager manager() {
            NDManager manager = ENGINE.newBaseManager(Device.cpu());
            // The setting at start does not reach threads that come later. One thread trains small models fastest and
            // always alike, and leaves the other cores to serving.
            JniUtils.setNumThreads(1);
            return manager;
        }
    }
}
