package dev.flywheel.gpu;

import dev.flywheel.core.device.DeviceProvider;
import dev.flywheel.core.device.Probe;
import java.util.function.Function;

/**
 * The CUDA devices that ONNX Runtime or DJL, whichever is on the class path, can use: those that the driver shows, and
 * on which the engine has run something tiny. Thread-safe.
 *
 * <p>Nothing native is touched unless an NVIDIA driver is visible: libraries built for CUDA can take the process down
 * on a machine without one.
 */
public final class CudaDeviceProvider implements DeviceProvider {

    private final CudaDriver driver;
    private final Function<Probe.Engine, CudaProbe> probes;

    /** Looks at nothing until it is asked. */
    public CudaDeviceProvider() {
        this(CudaDriver.ofThisMachine(), CudaProbe::of);
    }

    CudaDeviceProvider(CudaDriver driver, Function<Probe.Engine, CudaProbe> probes) {
        this.driver = driver;
        this.probes = probes;
    }

    @Override
    public String name() {
        return "CUDA";
    }

    @Override
    public Probe probe(Probe.Engine engine) {
        try {
            return probes.apply(engine).probe(driver.devices());
        } catch (CudaDriver.Blocked e) {
            return CudaObstacles.blocked(engine, e.obstacle());
        }
    }
}
