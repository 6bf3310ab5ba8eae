package dev.flywheel.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.flywheel.gpu.GpuReading.Fault;
import dev.flywheel.gpu.GpuReading.Pcie;
import dev.flywheel.gpu.GpuReading.ProcessUse;
import dev.flywheel.gpu.GpuReading.Throttle;
import dev.flywheel.gpu.GpuTelemetry.Gpu;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A GPU, or a slice of one, that NVML has given a handle for. Thread-safe. */
final class NvmlDevice {

    private static final Logger log = LoggerFactory.getLogger(NvmlDevice.class);

    // nvmlMemory_v2_t; the version holds the size and the number of the layout
    static final int MEMORY_VERSION = 40 | 2 << 24;
    static final long MEMORY_TOTAL = 8;
    static final long MEMORY_RESERVED = 16;
    static final long MEMORY_FREE = 24;
    static final long MEMORY_USED = 32;

    // nvmlProcessInfo_v3_t
    static final long PROCESS_BYTES = 24;
    static final long PROCESS_USED = 8;

    private static final int FEW_PROCESSES = 16;
    private static final int MOST_PROCESSES = 1 << 16;

    private static final int SM = 1;
    private static final int MEMORY = 2;
    private static final int SENT = 0;
    private static final int RECEIVED = 1;

    private final NvmlLibrary library;
    private final Pointer handle;
    private final Gpu gpu;
    private final @Nullable Gpm gpm;
    private volatile boolean faulty;

    /** @param gpm null if this is too old for it */
    NvmlDevice(NvmlLibrary library, Pointer handle, Gpu gpu, @Nullable Gpm gpm) {
        this.library = library;
        this.handle = handle;
        this.gpu = gpu;
        this.gpm = gpm;
    }

    Gpu gpu() {
        return gpu;
    }

    /** Calls that may be about a whole GPU only are not made for a slice: drivers answer them in different ways. */
    GpuReading read() {
        return ask(calls -> {
            Optional<GpuReading.Memory> memory = memory(calls, handle);
            Optional<List<ProcessUse>> processes = processes(calls);
            return gpu.slice().isPresent() ? slice(calls, memory, processes) : whole(calls, memory, processes);
        });
    }

    private GpuReading slice(
            NvmlCalls calls, Optional<GpuReading.Memory> memory, Optional<List<ProcessUse>> processes) {
        Gpm.Result counters = counters(calls);
        OptionalDouble none = OptionalDouble.empty();
        return new GpuReading(
                gpu,
                memory,
                none,
                counters.activity(),
                counters.pcie(),
                none,
                none,
                none,
                none,
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                processes,
                calls.fault());
    }

    private GpuReading whole(
            NvmlCalls calls, Optional<GpuReading.Memory> memory, Optional<List<ProcessUse>> processes) {
        OptionalDouble utilization = asDouble(calls.number("nvmlDeviceGetUtilizationRates", handle));
        OptionalDouble power = power(calls);
        OptionalDouble limit = calls.thousandths("nvmlDeviceGetEnforcedPowerLimit", handle);
        OptionalDouble energy = energy(calls);
        OptionalDouble temperature = asDouble(calls.number("nvmlDeviceGetTemperature", handle, 0));
        OptionalInt smClock = calls.small("nvmlDeviceGetClockInfo", handle, SM);
        OptionalInt memoryClock = calls.small("nvmlDeviceGetClockInfo", handle, MEMORY);
        Optional<Set<Throttle>> throttles = throttles(calls);
        Gpm.Result counters = counters(calls);
        return new GpuReading(
                gpu,
                memory,
                utilization,
                counters.activity(),
                counters.pcie(),
                power,
                limit,
                energy,
                temperature,
                smClock,
                memoryClock,
                throttles,
                processes,
                calls.fault());
    }

    private Gpm.Result counters(NvmlCalls calls) {
        return gpm == null ? Gpm.Result.NONE : gpm.read(calls);
    }

    OptionalDouble powerWatts() {
        return gpu.slice().isPresent() ? OptionalDouble.empty() : ask(this::power);
    }

    OptionalDouble energyJoules() {
        return gpu.slice().isPresent() ? OptionalDouble.empty() : ask(this::energy);
    }

    /** Blocks in the driver, so it holds no lock. */
    Optional<Pcie> pcie() {
        return gpu.slice().isPresent() ? Optional.empty() : ask(this::pcie);
    }

    private <T> T ask(Function<NvmlCalls, T> question) {
        try (NvmlCalls calls = new NvmlCalls(library)) {
            T answer = question.apply(calls);
            warn(calls.fault());
            return answer;
        }
    }

    /** Gives back what the driver keeps for this. Nobody may be reading. */
    void close() {
        if (gpm != null) {
            gpm.close(library);
        }
    }

    private void warn(Optional<Fault> fault) {
        if (fault.isPresent() && !faulty) {
            log.warn(
                    "GPU {} ({}) fails: {}", gpu.uuid(), gpu.name(), fault.get().why());
        }
        faulty = fault.isPresent();
    }

    static Optional<GpuReading.Memory> memory(NvmlCalls calls, Pointer handle) {
        Memory answer = calls.answer();
        answer.setInt(0, MEMORY_VERSION);
        if (calls.ask("nvmlDeviceGetMemoryInfo_v2", handle, answer)) {
            return known(new GpuReading.Memory(
                    answer.getLong(MEMORY_TOTAL),
                    answer.getLong(MEMORY_USED),
                    answer.getLong(MEMORY_FREE),
                    OptionalLong.of(answer.getLong(MEMORY_RESERVED))));
        }
        if (calls.ask("nvmlDeviceGetMemoryInfo", handle, answer)) {
            return known(new GpuReading.Memory(
                    answer.getLong(0), answer.getLong(16), answer.getLong(8), OptionalLong.empty()));
        }
        return Optional.empty();
    }

    /** The driver says 2^64-1 for what it does not know. */
    private static Optional<GpuReading.Memory> known(GpuReading.Memory memory) {
        return memory.totalBytes() < 0 || memory.usedBytes() < 0 || memory.freeBytes() < 0
                ? Optional.empty()
                : Optional.of(memory);
    }

    private Optional<Pcie> pcie(NvmlCalls calls) {
        OptionalLong sent = calls.number("nvmlDeviceGetPcieThroughput", handle, SENT);
        OptionalLong received = calls.number("nvmlDeviceGetPcieThroughput", handle, RECEIVED);
        return sent.isPresent() && received.isPresent()
                ? Optional.of(new Pcie(received.getAsLong() * 1e3, sent.getAsLong() * 1e3))
                : Optional.empty();
    }

    private OptionalDouble power(NvmlCalls calls) {
        return calls.thousandths("nvmlDeviceGetPowerUsage", handle);
    }

    private OptionalDouble energy(NvmlCalls calls) {
        OptionalLong millijoules = calls.bigNumber("nvmlDeviceGetTotalEnergyConsumption", handle);
        return millijoules.isPresent() && millijoules.getAsLong() >= 0
                ? OptionalDouble.of(millijoules.getAsLong() / 1e3)
                : OptionalDouble.empty();
    }

    private Optional<Set<Throttle>> throttles(NvmlCalls calls) {
        OptionalLong bits = calls.bigNumber("nvmlDeviceGetCurrentClocksEventReasons", handle);
        if (bits.isEmpty()) {
            bits = calls.bigNumber("nvmlDeviceGetCurrentClocksThrottleReasons", handle);
        }
        return bits.isPresent() ? Optional.of(throttles(bits.getAsLong())) : Optional.empty();
    }

    private static Set<Throttle> throttles(long bits) {
        EnumSet<Throttle> throttles = EnumSet.noneOf(Throttle.class);
        long unknown = bits;
        for (Throttle throttle : Throttle.values()) {
            if ((bits & throttle.bit) != 0) {
                throttles.add(throttle);
                unknown &= ~throttle.bit;
            }
        }
        if (unknown != 0) {
            throttles.add(Throttle.OTHER);
        }
        return Set.copyOf(throttles);
    }

    private Optional<List<ProcessUse>> processes(NvmlCalls calls) {
        Memory count = calls.answer();
        int room = FEW_PROCESSES;
        while (room <= MOST_PROCESSES) {
            try (Memory list = new Memory(room * PROCESS_BYTES)) {
                count.setInt(0, room);
                int code = calls.code("nvmlDeviceGetComputeRunningProcesses_v3", handle, count, list);
                if (code == NvmlLibrary.SUCCESS) {
                    return Optional.of(processes(list, Math.min(count.getInt(0), room)));
                }
                if (code != NvmlLibrary.INSUFFICIENT_SIZE) {
                    return Optional.empty();
                }
            }
            // Others may start between two calls, so ask for room to spare.
            room = 2 * Math.max(room, Math.min(count.getInt(0), MOST_PROCESSES));
        }
        return Optional.empty();
    }

    private static List<ProcessUse> processes(Memory list, int count) {
        List<ProcessUse> processes = new ArrayList<>();
        for (long at = 0; at < count * PROCESS_BYTES; at += PROCESS_BYTES) {
            long used = list.getLong(at + PROCESS_USED);
            processes.add(new ProcessUse(
                    Integer.toUnsignedLong(list.getInt(at)), used < 0 ? OptionalLong.empty() : OptionalLong.of(used)));
        }
        return List.copyOf(processes);
    }

    private static OptionalDouble asDouble(OptionalLong number) {
        return number.isPresent() ? OptionalDouble.of((double) number.getAsLong()) : OptionalDouble.empty();
    }
}
