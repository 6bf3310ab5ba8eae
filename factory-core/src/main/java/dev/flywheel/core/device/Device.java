package dev.flywheel.core.device;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A processor that models can run on. Immutable.
 *
 * @param kind what it is
 * @param index its number among those of its kind, from 0, as the engines count them
 * @param name what its maker calls it, or a plain description
 * @param memoryBytes its own memory; empty if that is not known, or shared with the machine
 * @param uuid the maker's unique id; empty if that is not known
 */
public record Device(Kind kind, int index, String name, OptionalLong memoryBytes, Optional<String> uuid) {

    /** The kinds of device. */
    public enum Kind {
        /** The machine's own processors, together. */
        CPU,
        /** An NVIDIA GPU, or a slice of one. */
        CUDA
    }

    /** @throws IllegalArgumentException if the index is negative */
    public Device {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(memoryBytes, "memoryBytes");
        Objects.requireNonNull(uuid, "uuid");
        if (index < 0) {
            throw new IllegalArgumentException("a device counts from 0, found " + index);
        }
    }

    /** {@return the machine's own processors} */
    public static Device cpu() {
        int processors = Runtime.getRuntime().availableProcessors();
        String name = processors + (processors == 1 ? " processor, " : " processors, ") + System.getProperty("os.arch");
        return new Device(Kind.CPU, 0, name, OptionalLong.empty(), Optional.empty());
    }
}
