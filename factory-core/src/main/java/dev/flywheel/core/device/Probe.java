package dev.flywheel.core.device;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What one engine can use on this machine. Immutable.
 *
 * @param engine the engine that was tried
 * @param devices the accelerators that it can run models on, in its own order; the CPU is not among them
 * @param obstacle why there are none; empty if there are some
 */
public record Probe(Engine engine, List<Device> devices, Optional<Obstacle> obstacle) {

    /** What runs models. */
    public enum Engine {
        /** Serves. */
        ONNX_RUNTIME("ONNX Runtime"),
        /** Trains, and serves what is not ONNX: PyTorch by DJL. */
        DJL("DJL");

        private final String label;

        Engine(String label) {
            this.label = label;
        }

        @Override
        public String toString() {
            return label;
        }
    }

    /**
     * Why an engine cannot use an accelerator. Immutable.
     *
     * @param cause which kind of reason
     * @param why what was found, in words for a message, without a full stop
     * @param fix how to mend it, in words for a message, without a full stop
     */
    public record Obstacle(Cause cause, String why, String fix) {

        /** Nothing is null. */
        public Obstacle {
            Objects.requireNonNull(cause, "cause");
            Objects.requireNonNull(why, "why");
            Objects.requireNonNull(fix, "fix");
        }
    }

    /** The kinds of reason for which an engine cannot use an accelerator. */
    public enum Cause {
        /** Nothing on the class path looks for accelerators. */
        NO_MODULE,
        /** The engine is not on the class path. */
        NO_ENGINE,
        /** The engine on the class path was built for the CPU only. */
        CPU_BUILD,
        /** The driver of the accelerator is not installed, or not visible to this process. */
        NO_DRIVER,
        /** The driver is older than the engine's libraries need. */
        DRIVER_TOO_OLD,
        /** There is a driver, but no accelerator, or all are hidden from this process. */
        NO_DEVICE,
        /** A library that the engine needs on the accelerator is absent or does not load. */
        LIBRARY_MISSING,
        /** Anything else, as the engine says it. */
        FAILED
    }

    /** @throws IllegalArgumentException if there are devices and an obstacle, or neither */
    public Probe {
        Objects.requireNonNull(engine, "engine");
        devices = List.copyOf(devices);
        if (devices.isEmpty() != obstacle.isPresent()) {
            throw new IllegalArgumentException(
                    "a probe has devices or an obstacle, found " + devices + " and " + obstacle);
        }
    }

    /** {@return what an engine can use} At least one device. */
    public static Probe found(Engine engine, List<Device> devices) {
        return new Probe(engine, devices, Optional.empty());
    }

    /** {@return why an engine can use nothing} */
    public static Probe blocked(Engine engine, Cause cause, String why, String fix) {
        return new Probe(engine, List.of(), Optional.of(new Obstacle(cause, why, fix)));
    }
}
