package dev.flywheel.gpu;

import com.sun.jna.NativeLibrary;
import dev.flywheel.core.device.Probe;
import dev.flywheel.core.device.Probe.Cause;
import dev.flywheel.core.device.Probe.Obstacle;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What keeps CUDA from being used, told from what libraries say. Pure functions. */
final class CudaObstacles {

    private static final Pattern FAILURE = Pattern.compile("CUDA (?:failure|error)\\W+(\\d+)");
    private static final Pattern LIBRARY = Pattern.compile(
            "(lib[\\w+-]+\\.so[.\\d]*): cannot open shared object file|\"?([\\w-]+\\.dll)\"? which is missing");

    private static final String DRIVER = "libcuda.so.1";

    /** What ONNX Runtime's build for CUDA 12 links to. */
    private static final List<String> LINKED = List.of(
            DRIVER,
            "libcudart.so.12",
            "libcublas.so.12",
            "libcublasLt.so.12",
            "libcufft.so.11",
            "libcurand.so.10",
            "libcudnn.so.9");

    private static final String IN_PLACE =
            "install the CUDA and cuDNN that this build needs and name their directory in LD_LIBRARY_PATH, or put them in "
                    + "place with CudaNatives";

    private static final String NEWER_DRIVER =
            "update the NVIDIA driver, to 525 or later for CUDA 12, to 580 or later for CUDA 13";

    private CudaObstacles() {}

    static Probe blocked(Probe.Engine engine, Obstacle obstacle) {
        return Probe.blocked(engine, obstacle.cause(), obstacle.why(), obstacle.fix());
    }

    static Obstacle noEngine(Probe.Engine engine) {
        return new Obstacle(
                Cause.NO_ENGINE,
                engine + " is not on the class path",
                engine == Probe.Engine.DJL
                        ? "add ai.djl.pytorch:pytorch-engine and ai.djl.pytorch:pytorch-jni"
                        : "add com.microsoft.onnxruntime:onnxruntime_gpu");
    }

    static Obstacle cpuBuild(Probe.Engine engine) {
        return new Obstacle(
                Cause.CPU_BUILD,
                "the build of " + engine + " that is there is for the CPU only",
                engine == Probe.Engine.DJL
                        ? "use PyTorch's CUDA natives in place of pytorch-native-cpu, as factory-gpu's README shows"
                        : "use com.microsoft.onnxruntime:onnxruntime_gpu in place of onnxruntime");
    }

    static Obstacle noDriver(String why) {
        return new Obstacle(
                Cause.NO_DRIVER,
                why,
                "install the NVIDIA driver, and in a container start with the NVIDIA runtime (docker run --gpus all)");
    }

    /**
     * {@return what an error of CUDA means}
     *
     * @param code of CUresult and cudaError, which agree
     */
    static Obstacle ofCode(int code) {
        return switch (code) {
            case 35 ->
                new Obstacle(
                        Cause.DRIVER_TOO_OLD,
                        "the NVIDIA driver is older than the CUDA libraries (CUDA error 35)",
                        NEWER_DRIVER);
            case 803, 804 ->
                new Obstacle(
                        Cause.DRIVER_TOO_OLD,
                        "the NVIDIA driver and its library on the path are of different versions (CUDA error " + code
                                + ")",
                        NEWER_DRIVER + ", and restart the machine or the container");
            case 34 ->
                new Obstacle(
                        Cause.NO_DRIVER,
                        "the libcuda on the path is the stub for building (CUDA error 34)",
                        "take the directory \"stubs\" off LD_LIBRARY_PATH");
            case 100 ->
                new Obstacle(
                        Cause.NO_DEVICE,
                        "the driver shows no GPU to this process (CUDA error 100); CUDA_VISIBLE_DEVICES is "
                                + visibleDevices(),
                        "make a GPU visible to this process: look at nvidia-smi -L and at CUDA_VISIBLE_DEVICES");
            default ->
                new Obstacle(
                        Cause.FAILED,
                        "CUDA does not start (CUDA error " + code + ")",
                        "look at nvidia-smi and the kernel's log");
        };
    }

    private static String visibleDevices() {
        String visible = System.getenv("CUDA_VISIBLE_DEVICES");
        return visible == null ? "not set" : "\"" + visible + "\"";
    }

    /** ONNX Runtime says which library it was only in a log of its own. */
    static Obstacle unlinked(Probe.Engine engine, List<String> absent) {
        if (absent.contains(DRIVER)) {
            return noDriver("the NVIDIA driver's library " + DRIVER + " does not load");
        }
        String which = absent.isEmpty() ? "a library for CUDA" : String.join(", ", absent);
        return new Obstacle(
                Cause.LIBRARY_MISSING,
                engine + " needs " + which + ", which " + (absent.size() > 1 ? "do" : "does") + " not load",
                IN_PLACE);
    }

    private static boolean isAbsent(String library) {
        try {
            NativeLibrary.getInstance(library);
            return false;
        } catch (UnsatisfiedLinkError e) {
            return true;
        }
    }

    /** {@return what a failure of an engine to use a GPU means} */
    static Obstacle of(Probe.Engine engine, Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        Matcher code = FAILURE.matcher(message);
        if (code.find()) {
            return ofCode(Integer.parseInt(code.group(1)));
        }
        Matcher library = LIBRARY.matcher(message);
        if (library.find()) {
            return new Obstacle(
                    Cause.LIBRARY_MISSING,
                    engine + " needs " + (library.group(1) == null ? library.group(2) : library.group(1))
                            + ", which does not load",
                    IN_PLACE);
        }
        if (message.contains("Failed to load shared library")) {
            return unlinked(
                    engine, LINKED.stream().filter(CudaObstacles::isAbsent).toList());
        }
        if (message.contains("Failed to find CUDA shared provider")) {
            return cpuBuild(engine);
        }
        String line = message.lines().map(String::strip).findFirst().orElse("");
        return new Obstacle(
                Cause.FAILED,
                engine + " fails on the GPU: " + (line.endsWith(".") ? line.substring(0, line.length() - 1) : line)
                        + " (" + failure.getClass().getSimpleName() + ")",
                "use versions of the engine, CUDA and the driver that belong together");
    }
}
