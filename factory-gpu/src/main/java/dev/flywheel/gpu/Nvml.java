package dev.flywheel.gpu;

import dev.flywheel.core.ClosedException;
import dev.flywheel.gpu.GpuReading.Pcie;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;

/** Telemetry by NVML. Thread-safe. */
final class Nvml implements GpuTelemetry {

    private static final int CLOSED = Integer.MIN_VALUE;

    private final NvmlLibrary library;
    private final List<NvmlDevice> devices;
    private final List<Gpu> gpus;
    private final Optional<String> obstacle;
    private final Optional<String> driverVersion;
    private final Optional<String> cudaVersion;

    /** How many calls are in the driver; plus {@link #CLOSED} once closed, and then the last of them leaves it. */
    private final AtomicInteger calls = new AtomicInteger();

    /** What the recorder and gauges of energy read, who have no end: never closed, and nobody's periods but theirs. */
    static final class OfThisProcess {

        static final GpuTelemetry TELEMETRY = GpuTelemetry.open();

        private OfThisProcess() {}
    }

    private Nvml(NvmlLibrary library, LongSupplier nanos) {
        this.library = library;
        NvmlSearch search = new NvmlSearch(library, nanos);
        this.devices = search.devices();
        this.obstacle = search.obstacle();
        this.gpus = devices.stream().map(NvmlDevice::gpu).toList();
        try (NvmlCalls calls = new NvmlCalls(library)) {
            this.driverVersion = calls.text("nvmlSystemGetDriverVersion");
            OptionalInt cuda = calls.small("nvmlSystemGetCudaDriverVersion_v2");
            this.cudaVersion = cuda.isPresent()
                    ? Optional.of(cuda.getAsInt() / 1000 + "." + cuda.getAsInt() % 1000 / 10)
                    : Optional.empty();
        }
    }

    /**
     * {@return the telemetry of a library}
     *
     * @param names the library, by names or paths of which the first that loads is taken
     * @param nanos a clock like {@link System#nanoTime}
     * @throws LinkageError if JNA does not load
     */
    static GpuTelemetry open(List<String> names, LongSupplier nanos) {
        Optional<NvmlLibrary> library = NvmlLibrary.load(names);
        if (library.isEmpty()) {
            return new NoGpus("NVIDIA's management library is not there: looked for " + String.join(", ", names)
                    + ". Fix: install NVIDIA's driver, which brings it; a container gets it from NVIDIA's runtime with"
                    + " NVIDIA_DRIVER_CAPABILITIES=compute,utility");
        }
        int code = library.get().call("nvmlInit_v2");
        if (code != NvmlLibrary.SUCCESS) {
            return new NoGpus(refusal(code, library.get().words(code)));
        }
        GpuReadingEvent.announce();
        return new Nvml(library.get(), nanos);
    }

    private static String refusal(int code, String words) {
        return switch (code) {
            case NvmlLibrary.DRIVER_NOT_LOADED ->
                "NVIDIA's driver is not loaded: " + words
                        + ". Fix: load the kernel module nvidia, or give the container the GPU";
            case NvmlLibrary.LIB_RM_VERSION_MISMATCH ->
                "NVIDIA's driver and its library are of two versions: " + words
                        + ". Fix: restart the machine, as after each update of the driver";
            default -> "NVIDIA's management library does not start: " + words + ". Fix: see what nvidia-smi says";
        };
    }

    @Override
    public List<Gpu> gpus() {
        return gpus;
    }

    @Override
    public Optional<String> obstacle() {
        return obstacle;
    }

    @Override
    public Optional<String> driverVersion() {
        return driverVersion;
    }

    @Override
    public Optional<String> cudaVersion() {
        return cudaVersion;
    }

    @Override
    public GpuReading read(Gpu gpu) {
        return ask(gpu, NvmlDevice::read);
    }

    @Override
    public OptionalDouble powerWatts(Gpu gpu) {
        return ask(gpu, NvmlDevice::powerWatts);
    }

    @Override
    public OptionalDouble energyJoules(Gpu gpu) {
        return ask(gpu, NvmlDevice::energyJoules);
    }

    @Override
    public Optional<Pcie> pcie(Gpu gpu) {
        return ask(gpu, NvmlDevice::pcie);
    }

    private <T> T ask(Gpu gpu, Function<NvmlDevice, T> question) {
        int index = gpus.indexOf(gpu);
        if (index < 0) {
            throw new IllegalArgumentException("found " + gpu + ", expected one of " + gpus);
        }
        if (calls.getAndUpdate(n -> n < 0 ? n : n + 1) < 0) {
            throw new ClosedException(
                    "reading GPU " + gpu.uuid(), "the telemetry is closed", "read before closing, or open another");
        }
        try {
            return question.apply(devices.get(index));
        } finally {
            if (calls.decrementAndGet() == CLOSED) {
                leave();
            }
        }
    }

    @Override
    public void close() {
        if (calls.getAndUpdate(n -> n < 0 ? n : n + CLOSED) == 0) {
            leave();
        }
    }

    private void leave() {
        devices.forEach(NvmlDevice::close);
        int unused = library.call("nvmlShutdown");
    }
}
