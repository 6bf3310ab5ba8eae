package dev.flywheel.core.energy;

import java.util.List;

/**
 * Finds what can tell the energy of devices of one kind; the way in which a module for accelerators plugs in, through
 * {@link java.util.ServiceLoader}. Thread-safe. Implementations never throw: what cannot be read is not there.
 */
public interface EnergyProvider {

    /** {@return what it looks for, as in "NVML"} */
    String name();

    /** {@return a gauge for each device that can be read now, each energy in one gauge only; empty if there is none} */
    List<EnergyGauge> gauges();

    /** {@return why the last {@link #gauges()} gave what it gave, in a few words for a reader} */
    String explanation();
}
