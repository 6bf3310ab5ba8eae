package dev.flywheel.core.energy;

import java.util.OptionalDouble;

/**
 * What tells the energy of one device: a counter, or at least the power of the moment. Thread-safe. Implementations
 * never throw: what cannot be read is empty. They are read about once a second, so that a reading should take less than
 * a millisecond.
 */
public interface EnergyGauge {

    /** {@return what is measured, the same for as long as the process lives: "GPU-6f..." or "CPU package 0"} */
    String device();

    /** {@return what {@link #joules} is: a counter of the device, or of a processor's package} */
    default Energy.Source counter() {
        return Energy.Source.COUNTER;
    }

    /** {@return the energy since some moment, in joules; empty if there is no counter, or it cannot be read now} */
    default OptionalDouble joules() {
        return OptionalDouble.empty();
    }

    /** {@return where the counter begins anew from 0, in joules; infinity, the default, where it does not} */
    default double wrapsAt() {
        return Double.POSITIVE_INFINITY;
    }

    /** {@return the power now, in watts; empty if it cannot be read. Used where there is no counter} */
    default OptionalDouble watts() {
        return OptionalDouble.empty();
    }

    /** {@return what the device draws when it does nothing, in watts; empty, the default, if that is not known} */
    default OptionalDouble idleWatts() {
        return OptionalDouble.empty();
    }

    /** {@return whether it is a share of what a larger device takes, and not measured by itself} */
    default boolean apportioned() {
        return false;
    }
}
