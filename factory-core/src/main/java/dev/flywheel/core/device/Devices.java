package dev.flywheel.core.device;

import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The devices of this machine, found once in a process. Thread-safe. */
public final class Devices {

    private static final Logger log = LoggerFactory.getLogger(Devices.class);

    /** What has been told once: of engines that the same thing keeps from a device, it is told of the first. */
    private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();

    private Devices() {}

    /** Looked for on the first use, because looking may load native libraries. */
    private static final class Found {

        // Not by the loader of the thread that asks first, which in a pool need not know the application.
        static final Discovery DISCOVERY =
                Discovery.of(ServiceLoader.load(DeviceProvider.class, DeviceProvider.class.getClassLoader()));
    }

    /**
     * {@return every device that any engine can use; the CPU is always there, and last} Where everything is to run on
     * the CPU, as {@link DeviceRequest#standard} says, there is no other, and none is looked for.
     */
    public static List<Device> all() {
        return DeviceRequest.standard() == DeviceRequest.CPU ? List.of(Device.cpu()) : Found.DISCOVERY.devices();
    }

    /**
     * {@return where a model is to run, as {@link DeviceChoice#of} has it} That it runs on the CPU in spite of the
     * request is a warning in the log: for {@link DeviceRequest#AUTO} one in a process for each cause, for
     * {@link DeviceRequest#CUDA} one for each call.
     *
     * @param request where the caller wants it
     * @param engine what is to run it
     * @throws dev.flywheel.core.MissingEngineException if a GPU is required and there is none that the engine can use
     */
    public static DeviceChoice choose(DeviceRequest request, Probe.Engine engine) {
        if (request == DeviceRequest.CPU) {
            return new DeviceChoice(Device.cpu(), Optional.empty());
        }
        Probe probe = Found.DISCOVERY.probe(engine);
        DeviceChoice choice = DeviceChoice.of(request, probe);
        choice.fallback().ifPresent(line -> {
            String cause = probe.obstacle().map(Probe.Obstacle::why).orElse(line);
            if (request == DeviceRequest.CUDA || WARNED.add(cause)) {
                log.warn("{}", line);
            }
        });
        log.debug("{} runs on {}", engine, choice.device());
        return choice;
    }

    /** {@return what shares a device among all that this process runs on it; empty for the CPU} */
    public static Optional<Accelerator> accelerator(Device device) {
        return device.kind() == Device.Kind.CPU ? Optional.empty() : Found.DISCOVERY.accelerator(device);
    }
}
