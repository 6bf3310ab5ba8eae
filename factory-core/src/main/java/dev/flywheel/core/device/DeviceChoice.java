package dev.flywheel.core.device;

import dev.flywheel.core.MissingEngineException;
import java.util.Comparator;
import java.util.Objects;
import java.util.Optional;

/**
 * The device that a model gets. Immutable.
 *
 * @param device where it runs
 * @param fallback why it does not run where it was asked to, and the mend, as a line for the log; empty if it does, or
 *     nobody asked
 */
public record DeviceChoice(Device device, Optional<String> fallback) {

    /** Nothing is null. */
    public DeviceChoice {
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(fallback, "fallback");
    }

    /**
     * {@return the device for a request: the accelerator with the most memory, of equals the first, or the CPU} A pure
     * function: it neither looks nor logs.
     *
     * @param probe what the engine can use; not looked at where the CPU is asked for
     * @throws MissingEngineException if a GPU is required and there is none that the engine can use
     */
    public static DeviceChoice of(DeviceRequest request, Probe probe) {
        Optional<Device> best = probe.devices().stream()
                .max(Comparator.comparingLong((Device d) -> d.memoryBytes().orElse(0))
                        .thenComparing(Comparator.comparingInt(Device::index).reversed()));
        if (request == DeviceRequest.CPU || best.isEmpty()) {
            return onCpu(request, probe);
        }
        return new DeviceChoice(best.get(), Optional.empty());
    }

    private static DeviceChoice onCpu(DeviceRequest request, Probe probe) {
        if (request == DeviceRequest.CPU) {
            return new DeviceChoice(Device.cpu(), Optional.empty());
        }
        Probe.Obstacle obstacle = probe.obstacle().orElseThrow();
        if (request == DeviceRequest.REQUIRE_CUDA) {
            throw new MissingEngineException(
                    probe.engine() + " cannot run on CUDA, which is required", obstacle.why(), obstacle.fix());
        }
        // Who never asked for an accelerator, and added no module for one, need not be told that there is none.
        boolean told = request == DeviceRequest.CUDA || obstacle.cause() != Probe.Cause.NO_MODULE;
        String line =
                probe.engine() + " runs on the CPU, not on CUDA: " + obstacle.why() + ". Fix: " + obstacle.fix() + ".";
        return new DeviceChoice(Device.cpu(), told ? Optional.of(line) : Optional.empty());
    }
}
