package dev.flywheel.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.flywheel.gpu.GpuReading.Activity;
import dev.flywheel.gpu.GpuReading.Pcie;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The activity of a GPU between two samples of its counters (NVML's GPM; Hopper and newer). Thread-safe. Each sample is
 * memory of the driver's: {@link #close} gives it back.
 */
final class Gpm {

    /** Samples nearer to each other tell nothing. */
    private static final long LEAST_NANOS = Duration.ofMillis(100).toNanos();

    private static final int VERSION = 1;
    private static final int[] METRICS = {2, 3, 5, 10, 20, 21};
    private static final double MEBIBYTE = 1 << 20;

    // nvmlGpmMetricsGet_t: version, count, two samples, then the metrics; nvmlGpmMetric_t: id, code, value, three names
    static final long COUNT = 4;
    static final long SAMPLE_1 = 8;
    static final long SAMPLE_2 = 16;
    static final long FIRST = 24;
    static final long STRIDE = 40;
    static final long CODE = 4;
    static final long VALUE = 8;

    private final Pointer gpu;
    private final @Nullable Integer instance;
    private final LongSupplier nanos;

    private @Nullable Pointer before;
    private @Nullable Pointer spare;
    private long beforeNanos;
    private Result result = Result.NONE;

    /** What was between the last two samples. */
    record Result(Optional<Activity> activity, Optional<Pcie> pcie) {

        static final Result NONE = new Result(Optional.empty(), Optional.empty());
    }

    /**
     * @param gpu the handle of the whole GPU
     * @param instance the number of the GPU instance of a slice; null for the whole
     */
    Gpm(Pointer gpu, @Nullable Integer instance, LongSupplier nanos) {
        this.gpu = gpu;
        this.instance = instance;
        this.nanos = nanos;
    }

    static boolean supportedBy(Pointer gpu, NvmlCalls calls) {
        Memory support = calls.answer();
        support.setInt(0, VERSION);
        support.setInt(4, 0);
        return calls.ask("nvmlGpmQueryDeviceSupport", gpu, support) && support.getInt(4) != 0;
    }

    /** {@return the activity since the sample before; that of then, if it is too short ago for another} */
    synchronized Result read(NvmlCalls calls) {
        long now = nanos.getAsLong();
        Pointer from = before;
        if (from != null && now - beforeNanos < LEAST_NANOS) {
            return result;
        }
        Pointer to = spare != null ? spare : calls.handle("nvmlGpmSampleAlloc").orElse(null);
        if (to == null || !sample(calls, to)) {
            spare = to;
            result = Result.NONE;
            return result;
        }
        result = from == null ? Result.NONE : between(calls, from, to, Duration.ofNanos(now - beforeNanos));
        spare = from;
        before = to;
        beforeNanos = now;
        return result;
    }

    private boolean sample(NvmlCalls calls, Pointer sample) {
        return instance == null
                ? calls.ask("nvmlGpmSampleGet", gpu, sample)
                : calls.ask("nvmlGpmMigSampleGet", gpu, instance, sample);
    }

    private static Result between(NvmlCalls calls, Pointer before, Pointer after, Duration period) {
        Memory request = calls.answer();
        request.clear(FIRST + METRICS.length * STRIDE);
        request.setInt(0, VERSION);
        request.setInt(COUNT, METRICS.length);
        request.setPointer(SAMPLE_1, before);
        request.setPointer(SAMPLE_2, after);
        for (int i = 0; i < METRICS.length; i++) {
            request.setInt(FIRST + i * STRIDE, METRICS[i]);
        }
        if (!calls.ask("nvmlGpmMetricsGet", request)) {
            return Result.NONE;
        }
        OptionalDouble sent = metric(request, 4);
        OptionalDouble received = metric(request, 5);
        return new Result(
                Optional.of(new Activity(
                        period, metric(request, 0), metric(request, 1), metric(request, 2), metric(request, 3))),
                sent.isPresent() && received.isPresent()
                        ? Optional.of(new Pcie(received.getAsDouble() * MEBIBYTE, sent.getAsDouble() * MEBIBYTE))
                        : Optional.empty());
    }

    private static OptionalDouble metric(Memory request, int i) {
        double value = request.getDouble(FIRST + i * STRIDE + VALUE);
        return request.getInt(FIRST + i * STRIDE + CODE) == NvmlLibrary.SUCCESS && Double.isFinite(value)
                ? OptionalDouble.of(value)
                : OptionalDouble.empty();
    }

    synchronized void close(NvmlLibrary library) {
        for (Pointer sample : new Pointer[] {before, spare}) {
            if (sample != null) {
                int unused = library.call("nvmlGpmSampleFree", sample);
            }
        }
        before = null;
        spare = null;
    }
}
