package dev.flywheel.pipeline.train;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import dev.flywheel.serving.engine.DjlDefaults;
import java.util.stream.Collectors;

/**
 * The one place that touches DJL's engine: it switches off what an embedded library must not do before DJL's classes
 * load, and finds out whether PyTorch is there. Thread-safe.
 */
final class PyTorch {

    private static final String NAME = "PyTorch";
    private static final long UNKNOWN_MEMORY = 1L << 30;

    private PyTorch() {}

    /**
     * {@return native memory on the CPU for work on the calling thread, which closes it}
     *
     * @throws MissingEngineException if PyTorch's native library is absent or does not load
     */
    static Session open() {
        return open(Device.cpu());
    }

    /**
     * {@return where a training runs: on the device that the system property {@value DeviceRequest#PROPERTY} asks for,
     * but on the CPU if that is left open and a GPU does not pay}
     *
     * @throws MissingEngineException if PyTorch's native library is absent or does not load, or a GPU is required and
     *     there is none that PyTorch can use
     */
    static Device device(Work work) {
        String unused = version(); // the engine itself is there, or says what is missing
        DeviceRequest request = DeviceRequest.standard();
        boolean chosen = request != DeviceRequest.AUTO || work.paysOnGpu();
        return chosen ? Devices.choose(request, Probe.Engine.DJL).device() : Device.cpu();
    }

    /**
     * {@return native memory on a device for work on the calling thread, which closes it}
     *
     * @throws MissingEngineException if PyTorch's native library is absent or does not load
     */
    static Session open(Device device) {
        try {
            return new Session(device);
        } catch (EngineException | LinkageError e) {
            throw missing(e);
        }
    }

    /** What decides the last bits of a model beside its training: the engine, and where and in what it computes. */
    static String surroundings() {
        String gpus = Devices.all().stream()
                .filter(device -> device.kind() == Device.Kind.CUDA)
                .map(Device::name)
                .collect(Collectors.joining(", "));
        return version() + ", " + DeviceRequest.standard() + " of [" + gpus + "], " + Precision.standard();
    }

    /** The version of the engine, whose kernels decide the last bits of a model. */
    static String version() {
        try {
            return Loaded.ENGINE.getVersion();
        } catch (EngineException | LinkageError e) {
            throw missing(e);
        }
    }

    /**
     * Whether rows that take so many bytes lie on a device while they are learned from: if they are a quarter of its
     * memory at most, since rows that are set aside double them, and the rest is for what a step makes.
     */
    static boolean takes(Device device, long bytes) {
        return bytes <= device.memoryBytes().orElse(UNKNOWN_MEMORY) / 4;
    }

    /** Native memory on a device, and PyTorch's settings of the thread that works with it. */
    static final class Session implements AutoCloseable {

        private final Device device;
        private final NDManager host;
        private final NDManager manager;
        private final boolean gradientsBefore;

        private Session(Device device) {
            this.device = device;
            this.host = Loaded.manager(ai.djl.Device.cpu());
            this.manager = onGpu() ? Loaded.manager(ai.djl.Device.gpu(device.index())) : host;
            this.gradientsBefore = JniUtils.isGradMode();
            JniUtils.setGradMode(false); // on by default on every new thread
        }

        private boolean onGpu() {
            return device.kind() == Device.Kind.CUDA;
        }

        /** Of memory on the device. */
        NDManager manager() {
            return manager;
        }

        /** Where rows that take so many bytes lie while they are learned from. */
        NDManager home(long bytes) {
            return takes(device, bytes) ? manager : host;
        }

        /** Gives all memory back; PyTorch would keep that of a GPU, which serving may need. */
        @Override
        public void close() {
            JniUtils.setGradMode(gradientsBefore);
            host.close();
            if (onGpu()) {
                manager.close();
                JniUtils.emptyCudaCache();
            }
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

        static NDManager manager(ai.djl.Device device) {
            NDManager manager = ENGINE.newBaseManager(device);
            // The setting at start does not reach threads that come later. One thread trains small models fastest and
            // always alike, and leaves the other cores to serving.
            JniUtils.setNumThreads(1);
            return manager;
        }
    }
}
