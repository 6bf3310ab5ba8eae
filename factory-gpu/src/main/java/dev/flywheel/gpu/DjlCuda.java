package dev.flywheel.gpu;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.engine.StandardCapabilities;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.Probe;
import java.util.ArrayList;
import java.util.List;

/** Tries DJL's PyTorch on CUDA devices, with a sum. */
final class DjlCuda {

    private static final String PYTORCH = "PyTorch";

    private DjlCuda() {}

    static Probe probe(List<Device> devices) {
        // Loading DJL's classes would report to its makers.
        if (System.getProperty("OPT_OUT_TRACKING") == null) {
            System.setProperty("OPT_OUT_TRACKING", "true");
        }
        if (!Engine.hasEngine(PYTORCH)) {
            return CudaObstacles.blocked(Probe.Engine.DJL, CudaObstacles.noEngine(Probe.Engine.DJL));
        }
        Engine engine = Engine.getEngine(PYTORCH);
        if (!engine.hasCapability(StandardCapabilities.CUDA)) {
            return CudaObstacles.blocked(Probe.Engine.DJL, CudaObstacles.cpuBuild(Probe.Engine.DJL));
        }
        List<Device> usable = new ArrayList<>();
        for (Device device : devices) {
            try {
                add(engine, device.index());
                usable.add(device);
            } catch (EngineException e) {
                if (device.index() == 0) {
                    throw e;
                }
            }
        }
        return Probe.found(Probe.Engine.DJL, usable);
    }

    private static void add(Engine engine, int index) {
        try (NDManager manager = engine.newBaseManager(ai.djl.Device.gpu(index));
                NDArray one = manager.create(1f)) {
            float two = one.add(one).getFloat();
            if (two != 2f) {
                throw new EngineException("1 + 1 gave " + two);
            }
        }
    }
}
