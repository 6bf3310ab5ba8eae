package dev.flywheel.gpu;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the driver says of a device's memory. Immutable.
 *
 * @param totalBytes all of it
 * @param usedBytes what is not free, because anybody holds it or the driver keeps it
 * @param ownBytes what this process holds; empty where the driver cannot tell
 */
record MemoryUse(long totalBytes, long usedBytes, OptionalLong ownBytes) {

    /** {@return what a reading says; empty if it does not know the memory} */
    static Optional<MemoryUse> of(GpuReading reading) {
        return reading.memory()
                .map(memory ->
                        new MemoryUse(memory.totalBytes(), memory.totalBytes() - memory.freeBytes(), own(reading)));
    }

    /** The driver knows processes as the host does, so that one in a container does not find itself. */
    private static OptionalLong own(GpuReading reading) {
        long pid = ProcessHandle.current().pid();
        return reading.processes().orElse(List.of()).stream()
                .filter(process -> process.pid() == pid)
                .map(GpuReading.ProcessUse::memoryUsedBytes)
                .findFirst()
                .orElse(OptionalLong.empty());
    }
}
