package dev.flywheel.gpu;

import java.util.Map;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One way to find CUDA devices. The class behind it links to an optional library and is loaded only if that is there.
 */
abstract class CudaProbe {

    private static final Logger log = LoggerFactory.getLogger(CudaProbe.class);

    private final String name;
    private final String neededClass;

    CudaProbe(String name, String neededClass) {
        this.name = name;
        this.neededClass = neededClass;
    }

    static CudaProbe onnxRuntime() {
        return new CudaProbe("ONNX Runtime", "ai.onnxruntime.OrtEnvironment") {
            @Override
            String look(Map<Integer, OptionalLong> memory) throws Exception {
                return OnnxRuntimeCuda.find(memory);
            }
        };
    }

    static CudaProbe djl() {
        return new CudaProbe("DJL", "ai.djl.util.cuda.CudaUtils") {
            @Override
            String look(Map<Integer, OptionalLong> memory) {
                return DjlCuda.find(memory);
            }
        };
    }

    String name() {
        return name;
    }

    /**
     * Adds the devices that it finds, with their memory where it knows that.
     *
     * @return what it found, or why nothing
     */
    String find(Map<Integer, OptionalLong> memory) {
        try {
            Class.forName(neededClass, false, CudaProbe.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            return "not on the class path";
        }
        try {
            return look(memory);
        } catch (Exception | LinkageError e) {
            log.debug("looking for CUDA devices with {} failed", name, e);
            return String.valueOf(e.getMessage()).lines().findFirst().orElse("") + " ("
                    + e.getClass().getSimpleName() + ")";
        }
    }

    abstract String look(Map<Integer, OptionalLong> memory) throws Exception;
}
