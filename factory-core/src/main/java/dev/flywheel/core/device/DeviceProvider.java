package dev.flywheel.core.device;

/**
 * Finds the devices of one kind; the way in which a module for accelerators plugs in, through
 * {@link java.util.ServiceLoader}. Thread-safe. Implementations never throw: what cannot be found is not there.
 */
public interface DeviceProvider {

    /** {@return what it looks for, as in "CUDA"} */
    String name();

    /** {@return what this engine can use now} May load native libraries. Asked once in a process. */
    Probe probe(Probe.Engine engine);
}
