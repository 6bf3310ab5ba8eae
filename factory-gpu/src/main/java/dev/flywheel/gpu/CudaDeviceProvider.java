package dev.flywheel.gpu;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * The CUDA devices that ONNX Runtime or DJL, whichever is on the class path, can use. Thread-safe.
 *
 * <p>Nothing native is touched unless an NVIDIA driver is visible: libraries built for CUDA can take the process down
 * on a machine without one.
 */
public final class CudaDeviceProvider implements DeviceProvider {

    private final NvidiaDriver driver;
    private final List<CudaProbe> probes;
    private volatile String explanation = "not looked for yet";

    /** Looks at this machine; cheap until {@link #devices()} is asked. */
    public CudaDeviceProvider() {
        this(NvidiaDriver.ofThisMachine(), List.of(CudaProbe.onnxRuntime(), CudaProbe.djl()));
    }

    CudaDeviceProvider(NvidiaDriver driver, List<CudaProbe> probes) {
        this.driver = driver;
        this.probes = List.copyOf(probes);
    }

    @Override
    public String name() {
        return "CUDA";
    }

    @Override
    public List<Device> devices() {
        Optional<String> missing = driver.missing();
        if (missing.isPresent()) {
            explanation = missing.get();
            return List.of();
        }
        TreeMap<Integer, OptionalLong> memory = new TreeMap<>();
        List<String> explanations = new ArrayList<>();
        for (CudaProbe probe : probes) {
            explanations.add(probe.name() + ": " + probe.find(memory));
        }
        explanation = String.join(", ", explanations);
        List<Device> devices = new ArrayList<>();
        memory.forEach((index, bytes) -> devices.add(device(index, bytes, memory.size())));
        return List.copyOf(devices);
    }

    @Override
    public String explanation() {
        return explanation;
    }

    /** The driver lists GPUs in another order than CUDA, so a name is sure only where there is one of each. */
    private Device device(int index, OptionalLong bytes, int count) {
        Optional<NvidiaDriver.Gpu> only = count == 1 ? driver.onlyGpu() : Optional.empty();
        return new Device(
                Device.Kind.CUDA,
                index,
                only.map(NvidiaDriver.Gpu::model).orElse("CUDA device " + index),
                bytes,
                only.flatMap(NvidiaDriver.Gpu::uuid));
    }
}
