package dev.flywheel.gpu;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What the driver's management library (NVML) says of the NVIDIA GPUs of this machine. Thread-safe; whoever opens it
 * closes it. Nothing is sampled unless asked, and no thread is started.
 *
 * <p>A GPU that is split (MIG) is followed by its slices, each a device of its own. The order is that of the PCI bus,
 * which need not be CUDA's: join devices by {@link Gpu#uuid()}, never by their place in a list.
 */
public interface GpuTelemetry extends AutoCloseable {

    /**
     * {@return the telemetry of this machine} Never throws: without a driver, or with one that cannot be asked, there
     * is no GPU and {@link #obstacle()} says why. Where no driver is visible, nothing native is loaded. The library is
     * {@code libnvidia-ml.so.1} ({@code nvml.dll} on Windows) on the system's search path, in
     * {@code /usr/local/nvidia/lib64}, or where the system property {@code jna.library.path} says.
     */
    static GpuTelemetry open() {
        try {
            CudaDriver driver = CudaDriver.ofThisMachine();
            if (!driver.visible()) {
                return new NoGpus(
                        driver.absent().why() + ". Fix: " + driver.absent().fix());
            }
            return Nvml.open(NvmlLibrary.NAMES, System::nanoTime);
        } catch (LinkageError | RuntimeException e) {
            return new NoGpus("NVIDIA's management library cannot be called: " + e
                    + ". Fix: put JNA 5.17 or newer on the class path, and let it write to java.io.tmpdir");
        }
    }

    /** {@return the GPUs and slices, as they were when this was opened} */
    List<Gpu> gpus();

    /**
     * {@return the GPU or slice with a UUID}
     *
     * @param uuid such as {@code GPU-8f3c...} or {@code MIG-1b7e...}, in any case
     */
    default Optional<Gpu> gpu(String uuid) {
        return gpus().stream().filter(gpu -> gpu.uuid().equalsIgnoreCase(uuid)).findFirst();
    }

    /** {@return why there is no GPU, or why some are left out, with the mend; empty if every GPU is listed} */
    Optional<String> obstacle();

    /** {@return the driver's version, such as 550.54.15; empty without a driver} */
    Optional<String> driverVersion();

    /** {@return the newest CUDA that the driver can run, such as 12.4; empty without a driver} */
    Optional<String> cudaVersion();

    /**
     * {@return how a GPU or slice is now} Some tens of calls into the driver, each of microseconds to some
     * milliseconds. A GPU that fails is told by {@link GpuReading#fault()}, and by a warning in the log when it begins
     * to.
     *
     * @throws IllegalArgumentException if it is none of {@link #gpus()}
     * @throws dev.flywheel.core.ClosedException if this is closed
     */
    GpuReading read(Gpu gpu);

    /**
     * {@return what a GPU draws now, as in a reading, in one call} For those who ask often.
     *
     * @throws IllegalArgumentException if it is none of {@link #gpus()}
     * @throws dev.flywheel.core.ClosedException if this is closed
     */
    OptionalDouble powerWatts(Gpu gpu);

    /**
     * {@return what a GPU has used, as in a reading, in one call} For those who ask often.
     *
     * @throws IllegalArgumentException if it is none of {@link #gpus()}
     * @throws dev.flywheel.core.ClosedException if this is closed
     */
    OptionalDouble energyJoules(Gpu gpu);

    /**
     * {@return what a GPU moves over PCI Express, measured while the caller waits, some 40 ms} For GPUs whose
     * {@link #read readings} do not tell; empty if the driver does not know either.
     *
     * @throws IllegalArgumentException if it is none of {@link #gpus()}
     * @throws dev.flywheel.core.ClosedException if this is closed
     */
    Optional<GpuReading.Pcie> pcie(Gpu gpu);

    /** Lets go of the driver, once the calls that other threads are in have returned. Does not wait for them. */
    @Override
    void close();

    /**
     * What does not change about a GPU or a slice of one. Immutable.
     *
     * @param uuid what its maker calls this very one, {@code GPU-...} or {@code MIG-...}
     * @param name what its maker calls the model
     * @param pciBusId its place, as in {@code 00000000:3B:00.0}; of a slice, its GPU's
     * @param computeCapability what code it runs, as in 9.0; of a slice, its GPU's
     * @param memoryTotalBytes its memory
     * @param maxSmClockMegahertz the fastest that its multiprocessors can run; not of a slice
     * @param maxMemoryClockMegahertz the fastest that its memory can run; not of a slice
     * @param mig whether it is split into slices
     * @param slice what it is a slice of; empty if it is a whole GPU
     */
    record Gpu(
            String uuid,
            String name,
            Optional<String> pciBusId,
            Optional<String> computeCapability,
            OptionalLong memoryTotalBytes,
            OptionalInt maxSmClockMegahertz,
            OptionalInt maxMemoryClockMegahertz,
            boolean mig,
            Optional<Slice> slice) {}

    /**
     * A part of a GPU that is split. Immutable.
     *
     * @param gpuUuid the UUID of the GPU
     * @param gpuInstance the number of its GPU instance, which owns memory
     * @param computeInstance the number of its compute instance in that
     * @param share its compute slices of all that the GPU can be split into, 0 to 1: what energy that is only known for
     *     the GPU is apportioned by
     */
    record Slice(String gpuUuid, OptionalInt gpuInstance, OptionalInt computeInstance, OptionalDouble share) {}
}
