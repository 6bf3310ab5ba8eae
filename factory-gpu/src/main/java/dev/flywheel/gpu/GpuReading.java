package dev.flywheel.gpu;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * How a GPU, or a slice of one, was when it was read. What the driver does not tell is empty, never zero. Immutable.
 *
 * @param gpu which
 * @param memory its memory
 * @param utilizationPercent the share of the last 1/6 to 1 second in which any kernel ran, 0 to 100. Says nothing of
 *     how much of the GPU the kernels used: see {@code activity}. Not of a slice, nor of a GPU that is split
 * @param activity how busy its parts were since the reading before; GPUs of compute capability 9.0 and newer, from the
 *     second reading on
 * @param pcie what it moved over PCI Express since the reading before, where {@code activity} is known
 * @param powerWatts what it draws; an average over a second on most models. Of a whole GPU, as all below but the
 *     processes
 * @param powerLimitWatts the limit that it is held to
 * @param energyJoules what it has used since the driver was loaded; moves in steps of up to 100 ms
 * @param temperatureCelsius of the chip
 * @param smClockMegahertz the clock of its multiprocessors
 * @param memoryClockMegahertz the clock of its memory
 * @param throttles why its clocks are lower than they could be; an empty set if nothing holds them down
 * @param processes who computes on it. In a container these may be none, or have the ids that the host knows them by
 * @param fault what failed; values that could be read all the same are there
 */
public record GpuReading(
        GpuTelemetry.Gpu gpu,
        Optional<Memory> memory,
        OptionalDouble utilizationPercent,
        Optional<Activity> activity,
        Optional<Pcie> pcie,
        OptionalDouble powerWatts,
        OptionalDouble powerLimitWatts,
        OptionalDouble energyJoules,
        OptionalDouble temperatureCelsius,
        OptionalInt smClockMegahertz,
        OptionalInt memoryClockMegahertz,
        Optional<Set<Throttle>> throttles,
        Optional<List<ProcessUse>> processes,
        Optional<Fault> fault) {

    /**
     * Device memory. Immutable.
     *
     * @param totalBytes all of it
     * @param usedBytes allocated, by all processes
     * @param freeBytes not allocated
     * @param reservedBytes kept by the driver; empty if that cannot be told, and then {@code usedBytes} contains it
     */
    public record Memory(long totalBytes, long usedBytes, long freeBytes, OptionalLong reservedBytes) {}

    /**
     * How busy the parts of a GPU were. On a slice, values a little over 100 have been seen. Immutable.
     *
     * @param period the time that the percentages are of
     * @param smPercent multiprocessors that had work
     * @param occupancyPercent warps in flight, of the most that there can be
     * @param tensorPercent the time that tensor cores worked
     * @param dramPercent the bandwidth of the memory that was used
     */
    public record Activity(
            Duration period,
            OptionalDouble smPercent,
            OptionalDouble occupancyPercent,
            OptionalDouble tensorPercent,
            OptionalDouble dramPercent) {}

    /**
     * What a GPU moves over PCI Express. Immutable.
     *
     * @param receivedBytesPerSecond to the GPU
     * @param sentBytesPerSecond from the GPU
     */
    public record Pcie(double receivedBytesPerSecond, double sentBytesPerSecond) {}

    /**
     * A process that computes on a GPU. Immutable.
     *
     * @param pid its id, as the host counts
     * @param memoryUsedBytes the device memory that it has allocated
     */
    public record ProcessUse(long pid, OptionalLong memoryUsedBytes) {}

    /**
     * What went wrong with a GPU. Immutable.
     *
     * @param kind whether the GPU can still be asked
     * @param why which call answered what
     */
    public record Fault(Kind kind, String why) {

        /** The kinds of fault. */
        public enum Kind {
            /** It fell off the bus or waits for a reset: nothing runs on it, in no process. */
            LOST,
            /** The driver failed to answer; the next reading may be whole again. */
            FAILED
        }
    }

    /** Why clocks are lower than they could be. */
    public enum Throttle {
        /** Nothing to do. */
        IDLE(0x1),
        /** Somebody has set the clocks for applications. */
        APPLICATION_CLOCKS(0x2),
        /** The limit of its power. */
        POWER_CAP(0x4),
        /** The hardware has slowed it down at once, for heat, power or a signal from outside. */
        HARDWARE_SLOWDOWN(0x8),
        /** It keeps to the slowest of a group of GPUs. */
        SYNC_BOOST(0x10),
        /** Heat, as the driver sees it. */
        SOFTWARE_THERMAL(0x20),
        /** Heat, as the hardware sees it. */
        HARDWARE_THERMAL(0x40),
        /** The power supply of the machine asks for less. */
        POWER_BRAKE(0x80),
        /** The clock of a display. */
        DISPLAY_CLOCK(0x100),
        /** A reason that is newer than this list. */
        OTHER(0);

        final long bit;

        Throttle(long bit) {
            this.bit = bit;
        }
    }
}
