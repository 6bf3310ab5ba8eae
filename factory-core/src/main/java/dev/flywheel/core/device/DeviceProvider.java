package dev.flywheel.core.device;

import java.util.Optional;

/**
 * Finds the devices of one kind; the way in which a module for accelerators plugs in, through
 * {@link java.util.ServiceLoader}. Thread-safe. Implementations never throw: what cannot be found is not there.
 */
public interface DeviceProvider {

    /** {@return what it looks for, as in "CUDA"} */
    String name();

    /** {@return what this engine can use now} May load native libraries. Asked once in a process. */
    Probe probe(Probe.Engine engine);

    /**
     * {@return what shares a device among all that this process runs on it} The same one for the same device, whichever
     * engine has found it; empty if the device is none of this provider's, or is not shared. By default empty.
     */
    default Optional<Accelerator> accelerator(Device device) {
        return Optional.empty();
    }
}
