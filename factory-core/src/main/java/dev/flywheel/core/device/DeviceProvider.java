package dev.flywheel.core.device;

import java.util.List;

/**
 * Finds the devices of one kind; the way in which a module for accelerators plugs in, through
 * {@link java.util.ServiceLoader}. Thread-safe. Implementations never throw: what cannot be found is not there.
 */
public interface DeviceProvider {

    /** {@return what it looks for, as in "CUDA"} */
    String name();

    /** {@return the devices that can be used now, in the engines' order; empty if there are none} */
    List<Device> devices();

    /** {@return why the last {@link #devices()} gave what it gave, in one line for the log} */
    String explanation();
}
