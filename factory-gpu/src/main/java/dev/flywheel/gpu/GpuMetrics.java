package dev.flywheel.gpu;

import dev.flywheel.gpu.GpuReading.Activity;
import dev.flywheel.gpu.GpuReading.Memory;
import dev.flywheel.gpu.GpuReading.Pcie;
import dev.flywheel.gpu.GpuReading.Throttle;
import dev.flywheel.gpu.GpuTelemetry.Gpu;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * The readings of GPUs as meters of Micrometer, which has to be on the class path: one set for each GPU and slice,
 * tagged {@code uuid} and {@code name}. A GPU is read when its meters are, once for all that are read within 100 ms.
 * What the driver does not tell is NaN. Thread-safe. {@link #close} takes the meters away; the telemetry is closed by
 * whoever opened it, after this.
 *
 * <table>
 * <caption>Meters, all beginning with {@code flywheel.gpu.}</caption>
 * <tr><th>name</th><th>what</th></tr>
 * <tr><td>{@code up}</td><td>1; 0 while reading it fails</td></tr>
 * <tr><td>{@code memory.total}, {@code memory.used}, {@code memory.free}</td><td>bytes</td></tr>
 * <tr><td>{@code utilization}</td><td>share of time in which any kernel ran, 0 to 1</td></tr>
 * <tr><td>{@code activity}</td><td>how busy a part was since the reading before, 0 to 1; tag {@code part}: sm,
 * occupancy, tensor, dram</td></tr>
 * <tr><td>{@code power}, {@code power.limit}</td><td>watts</td></tr>
 * <tr><td>{@code energy}</td><td>joules, counted; only where the driver counts them</td></tr>
 * <tr><td>{@code temperature}</td><td>celsius</td></tr>
 * <tr><td>{@code clock}, {@code clock.max}</td><td>hertz; tag {@code domain}: sm, memory</td></tr>
 * <tr><td>{@code throttled}</td><td>1 while a reason holds its clocks down, else 0; tag {@code reason}</td></tr>
 * <tr><td>{@code pcie}</td><td>bytes a second; tag {@code direction}: received, sent</td></tr>
 * <tr><td>{@code processes}</td><td>processes that compute on it</td></tr>
 * </table>
 */
public final class GpuMetrics implements MeterBinder, AutoCloseable {

    private static final String PREFIX = "flywheel.gpu.";

    /** All meters read in this time see one reading: those of one collection fit each other. */
    private static final long SAME_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final GpuTelemetry telemetry;
    private final List<Series> bound = new ArrayList<>();

    private GpuMetrics(GpuTelemetry telemetry) {
        this.telemetry = telemetry;
    }

    /** {@return the meters of all GPUs and slices, to be bound} */
    public static GpuMetrics of(GpuTelemetry telemetry) {
        return new GpuMetrics(Objects.requireNonNull(telemetry, "telemetry"));
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (Gpu gpu : telemetry.gpus()) {
            Series series = new Series(registry, gpu);
            series.bind();
            synchronized (bound) {
                bound.add(series);
            }
        }
    }

    /** Takes the meters away from every registry that they were bound to. */
    @Override
    public void close() {
        synchronized (bound) {
            bound.forEach(Series::unbind);
            bound.clear();
        }
    }

    /** The meters of one GPU in one registry. Thread-safe. */
    private final class Series {

        private final MeterRegistry registry;
        private final Gpu gpu;
        private final Tags tags;
        private final List<Meter> meters = new ArrayList<>();
        private GpuReading last;
        private long lastNanos;
        private double joules;

        Series(MeterRegistry registry, Gpu gpu) {
            this.registry = registry;
            this.gpu = gpu;
            this.tags = Tags.of("uuid", gpu.uuid(), "name", gpu.name());
            this.lastNanos = registry.config().clock().monotonicTime();
            this.last = telemetry.read(gpu);
        }

        void bind() {
            gauge("up", "", "Whether it can be read", tags, r -> r.fault().isPresent() ? 0 : 1);
            memory("total", Memory::totalBytes);
            memory("used", Memory::usedBytes);
            memory("free", Memory::freeBytes);
            gauge("utilization", "ratio", "Time in which any kernel ran", tags, r -> share(r.utilizationPercent()));
            activity("sm", Activity::smPercent);
            activity("occupancy", Activity::occupancyPercent);
            activity("tensor", Activity::tensorPercent);
            activity("dram", Activity::dramPercent);
            gauge("power", "watts", "Power drawn", tags, r -> r.powerWatts().orElse(Double.NaN));
            gauge(
                    "power.limit",
                    "watts",
                    "Limit of power",
                    tags,
                    r -> r.powerLimitWatts().orElse(Double.NaN));
            if (last.energyJoules().isPresent()) {
                energy();
            }
            gauge(
                    "temperature",
                    "celsius",
                    "Temperature of the chip",
                    tags,
                    r -> r.temperatureCelsius().orElse(Double.NaN));
            clock(
                    "sm",
                    r -> r.smClockMegahertz().orElse(-1),
                    gpu.maxSmClockMegahertz().orElse(-1));
            clock(
                    "memory",
                    r -> r.memoryClockMegahertz().orElse(-1),
                    gpu.maxMemoryClockMegahertz().orElse(-1));
            for (Throttle reason : Throttle.values()) {
                String tag = reason.name().toLowerCase(Locale.ROOT);
                gauge(
                        "throttled",
                        "",
                        "Whether this holds its clocks down",
                        tags.and("reason", tag),
                        r -> r.throttles()
                                .map(found -> found.contains(reason) ? 1.0 : 0.0)
                                .orElse(Double.NaN));
            }
            pcie("received", Pcie::receivedBytesPerSecond);
            pcie("sent", Pcie::sentBytesPerSecond);
            gauge(
                    "processes",
                    "processes",
                    "Processes that compute on it",
                    tags,
                    r -> r.processes().map(found -> (double) found.size()).orElse(Double.NaN));
        }

        void unbind() {
            meters.forEach(registry::remove);
        }

        private synchronized GpuReading look() {
            long nanos = registry.config().clock().monotonicTime();
            if (nanos - lastNanos >= SAME_NANOS) {
                lastNanos = nanos;
                last = telemetry.read(gpu);
            }
            return last;
        }

        private static double share(OptionalDouble percent) {
            return percent.isPresent() ? percent.getAsDouble() / 100 : Double.NaN;
        }

        private void memory(String name, ToDoubleFunction<Memory> figure) {
            gauge(
                    "memory." + name,
                    "bytes",
                    "Device memory",
                    tags,
                    r -> r.memory().map(figure::applyAsDouble).orElse(Double.NaN));
        }

        private void activity(String part, Function<Activity, OptionalDouble> figure) {
            gauge(
                    "activity",
                    "ratio",
                    "How busy a part of it was",
                    tags.and("part", part),
                    r -> r.activity().map(found -> share(figure.apply(found))).orElse(Double.NaN));
        }

        private void pcie(String direction, ToDoubleFunction<Pcie> figure) {
            gauge(
                    "pcie",
                    "bytes/second",
                    "Moved over PCI Express",
                    tags.and("direction", direction),
                    r -> r.pcie().map(figure::applyAsDouble).orElse(Double.NaN));
        }

        private void clock(String domain, ToDoubleFunction<GpuReading> megahertz, int max) {
            Tags tagged = tags.and("domain", domain);
            gauge("clock", "hertz", "Clock now", tagged, r -> hertz(megahertz.applyAsDouble(r)));
            gauge("clock.max", "hertz", "Fastest clock", tagged, r -> hertz(max));
        }

        private static double hertz(double megahertz) {
            return megahertz < 0 ? Double.NaN : megahertz * 1e6;
        }

        /** What was counted last while it cannot be read: a counter must not go back. */
        private void energy() {
            meters.add(FunctionCounter.builder(PREFIX + "energy", this, s -> {
                        synchronized (this) {
                            joules = Math.max(joules, look().energyJoules().orElse(joules));
                            return joules;
                        }
                    })
                    .tags(tags)
                    .baseUnit("joules")
                    .description("Energy used since the driver was loaded")
                    .register(registry));
        }

        private void gauge(
                String name, String unit, String description, Tags tagged, ToDoubleFunction<GpuReading> figure) {
            meters.add(Gauge.builder(PREFIX + name, () -> figure.applyAsDouble(look()))
                    .tags(tagged)
                    .baseUnit(unit.isEmpty() ? null : unit)
                    .description(description)
                    .register(registry));
        }
    }
}
