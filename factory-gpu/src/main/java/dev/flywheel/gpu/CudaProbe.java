package dev.flywheel.gpu;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Probe;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How one engine is tried on CUDA devices. The class behind it links to an optional library and is loaded only if that
 * is there.
 */
abstract class CudaProbe {

    private static final Logger log = LoggerFactory.getLogger(CudaProbe.class);

    private final Probe.Engine engine;
    private final String neededClass;

    CudaProbe(Probe.Engine engine, String neededClass) {
        this.engine = engine;
        this.neededClass = neededClass;
    }

    static CudaProbe of(Probe.Engine engine) {
        return switch (engine) {
            case ONNX_RUNTIME ->
                new CudaProbe(engine, "ai.onnxruntime.OrtEnvironment") {
                    @Override
                    Probe attempt(List<Device> devices) throws Exception {
                        return OnnxRuntimeCuda.probe(devices);
                    }
                };
            case DJL ->
                new CudaProbe(engine, "ai.djl.engine.Engine") {
                    @Override
                    Probe attempt(List<Device> devices) {
                        return DjlCuda.probe(devices);
                    }
                };
        };
    }

    /** {@return which of the devices that the driver shows the engine can use, or why none} */
    Probe probe(List<Device> devices) {
        try {
            Class.forName(neededClass, false, CudaProbe.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            return CudaObstacles.blocked(engine, CudaObstacles.noEngine(engine));
        }
        try {
            return attempt(devices);
        } catch (Exception | LinkageError e) {
            log.debug("{} does not run on CUDA", engine, e);
            return CudaObstacles.blocked(engine, CudaObstacles.of(engine, e));
        }
    }

    /** @throws Exception what the engine says when the first device cannot be used */
    abstract Probe attempt(List<Device> devices) throws Exception;
}
