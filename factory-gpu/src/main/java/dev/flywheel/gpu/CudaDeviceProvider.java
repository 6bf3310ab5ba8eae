package dev.flywheel.gpu;

import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceProvider;
import dev.flywheel.core.device.Probe;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The CUDA devices that ONNX Runtime or DJL, whichever is on the class path, can use: those that the driver shows, and
 * on which the engine has run something tiny. Thread-safe.
 *
 * <p>Nothing native is touched unless an NVIDIA driver is visible: libraries built for CUDA can take the process down
 * on a machine without one.
 */
public final class CudaDeviceProvider implements DeviceProvider {

    private static final Logger log = LoggerFactory.getLogger(CudaDeviceProvider.class);

    private final CudaDriver driver;
    private final Function<Probe.Engine, CudaProbe> probes;
    private final Map<Integer, Accelerator> accelerators = new ConcurrentHashMap<>();

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

    @Override
    public Optional<Accelerator> accelerator(Device device) {
        if (device.kind() != Device.Kind.CUDA) {
            return Optional.empty();
        }
        // By its place, which is the same for all engines, while a device that the caller named has no UUID.
        return Optional.ofNullable(accelerators.computeIfAbsent(device.index(), this::shared));
    }

    private @Nullable Accelerator shared(int index) {
        try {
            for (Device device : driver.devices()) {
                if (device.index() == index) {
                    return SharedAccelerator.of(device, Telemetry.OF_THIS_MACHINE, driver);
                }
            }
        } catch (CudaDriver.Blocked e) {
            log.debug("device {} is not shared", index, e);
        }
        return null;
    }

    /** Opened with the first device that is shared, and for the life of the process. */
    private static final class Telemetry {
        static final GpuTelemetry OF_THIS_MACHINE = GpuTelemetry.open();
    }
}
