package dev.flywheel.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.flywheel.gpu.GpuReading.Fault;
import dev.flywheel.gpu.GpuTelemetry.Gpu;
import dev.flywheel.gpu.GpuTelemetry.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One look at which GPUs and slices there are. Not thread-safe. */
final class NvmlSearch {

    private static final Logger log = LoggerFactory.getLogger(NvmlSearch.class);

    // nvmlPciInfo_t
    static final long PCI_BUS_ID = 36;

    // nvmlDeviceAttributes_t
    static final long COMPUTE_SLICES = 28;

    private static final int SM = 1;
    private static final int MEMORY = 2;

    private final NvmlLibrary library;
    private final LongSupplier nanos;
    private final List<NvmlDevice> devices = new ArrayList<>();
    private final List<String> obstacles = new ArrayList<>();

    NvmlSearch(NvmlLibrary library, LongSupplier nanos) {
        this.library = library;
        this.nanos = nanos;
        int count = count();
        for (int i = 0; i < count; i++) {
            addGpu(i, count);
        }
        if (devices.isEmpty() && obstacles.isEmpty()) {
            obstacles.add("NVIDIA's driver lists no GPU. Fix: put one in, or give the container one");
        }
    }

    List<NvmlDevice> devices() {
        return List.copyOf(devices);
    }

    Optional<String> obstacle() {
        return obstacles.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", obstacles));
    }

    private int count() {
        try (NvmlCalls calls = new NvmlCalls(library)) {
            OptionalInt count = calls.small("nvmlDeviceGetCount_v2");
            if (count.isEmpty()) {
                leaveOut("the GPUs", calls);
            }
            return count.orElse(0);
        }
    }

    private void leaveOut(String what, NvmlCalls calls) {
        String why = what + " cannot be asked: " + calls.fault().map(Fault::why).orElse("the driver does not answer")
                + ". Fix: see what nvidia-smi says";
        log.warn("{}", why);
        obstacles.add(why);
    }

    private void addGpu(int index, int count) {
        try (NvmlCalls calls = new NvmlCalls(library)) {
            Optional<Pointer> found = calls.handle("nvmlDeviceGetHandleByIndex_v2", index);
            Optional<String> uuid = found.flatMap(handle -> calls.text("nvmlDeviceGetUUID", handle));
            if (found.isEmpty() || uuid.isEmpty()) {
                leaveOut("GPU " + index + " of " + count, calls);
                return;
            }
            Pointer handle = found.get();
            boolean counters = Gpm.supportedBy(handle, calls);
            Gpu gpu = new Gpu(
                    uuid.get(),
                    calls.text("nvmlDeviceGetName", handle).orElse("NVIDIA GPU"),
                    busId(handle, calls),
                    computeCapability(handle, calls),
                    memoryTotalBytes(handle, calls),
                    calls.small("nvmlDeviceGetMaxClockInfo", handle, SM),
                    calls.small("nvmlDeviceGetMaxClockInfo", handle, MEMORY),
                    split(handle, calls),
                    Optional.empty());
            devices.add(new NvmlDevice(library, handle, gpu, counters ? new Gpm(handle, null, nanos) : null));
            if (gpu.mig()) {
                addSlices(handle, gpu, counters, calls);
            }
        }
    }

    private void addSlices(Pointer gpuHandle, Gpu gpu, boolean counters, NvmlCalls calls) {
        int places = calls.small("nvmlDeviceGetMaxMigDeviceCount", gpuHandle).orElse(0);
        for (int i = 0; i < places; i++) {
            // A place without a slice answers that none was found.
            Optional<Pointer> found = calls.handle("nvmlDeviceGetMigDeviceHandleByIndex", gpuHandle, i);
            Optional<String> uuid = found.flatMap(handle -> calls.text("nvmlDeviceGetUUID", handle));
            if (found.isEmpty() || uuid.isEmpty()) {
                continue;
            }
            Pointer handle = found.get();
            OptionalInt instance = calls.small("nvmlDeviceGetGpuInstanceId", handle);
            Slice slice = new Slice(
                    gpu.uuid(),
                    instance,
                    calls.small("nvmlDeviceGetComputeInstanceId", handle),
                    share(handle, places, calls));
            Gpu device = new Gpu(
                    uuid.get(),
                    calls.text("nvmlDeviceGetName", handle).orElse(gpu.name() + " MIG"),
                    gpu.pciBusId(),
                    gpu.computeCapability(),
                    memoryTotalBytes(handle, calls),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    false,
                    Optional.of(slice));
            Gpm gpm = counters && instance.isPresent() ? new Gpm(gpuHandle, instance.getAsInt(), nanos) : null;
            devices.add(new NvmlDevice(library, handle, device, gpm));
        }
    }

    private static OptionalDouble share(Pointer slice, int places, NvmlCalls calls) {
        return calls.ask("nvmlDeviceGetAttributes_v2", slice, calls.answer())
                ? OptionalDouble.of((double) calls.answer().getInt(COMPUTE_SLICES) / places)
                : OptionalDouble.empty();
    }

    private static Optional<String> busId(Pointer handle, NvmlCalls calls) {
        return calls.ask("nvmlDeviceGetPciInfo_v3", handle, calls.answer())
                ? Optional.of(calls.answer().getString(PCI_BUS_ID, "US-ASCII"))
                : Optional.empty();
    }

    private static Optional<String> computeCapability(Pointer handle, NvmlCalls calls) {
        Memory major = calls.answer();
        Pointer minor = major.share(4, 4);
        return calls.ask("nvmlDeviceGetCudaComputeCapability", handle, major, minor)
                ? Optional.of(major.getInt(0) + "." + minor.getInt(0))
                : Optional.empty();
    }

    private static OptionalLong memoryTotalBytes(Pointer handle, NvmlCalls calls) {
        return NvmlDevice.memory(calls, handle)
                .map(memory -> OptionalLong.of(memory.totalBytes()))
                .orElse(OptionalLong.empty());
    }

    private static boolean split(Pointer handle, NvmlCalls calls) {
        Memory current = calls.answer();
        return calls.ask("nvmlDeviceGetMigMode", handle, current, current.share(4, 4)) && current.getInt(0) == 1;
    }
}
