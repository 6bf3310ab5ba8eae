package dev.flywheel.gpu;

import dev.flywheel.core.energy.EnergyGauge;
import dev.flywheel.core.energy.EnergyProvider;
import dev.flywheel.gpu.GpuTelemetry.Gpu;
import dev.flywheel.gpu.GpuTelemetry.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Supplier;

/**
 * The energy of NVIDIA GPUs: by their counters, and by power where they have none. Of a GPU that is split each slice
 * gets its share by compute slices, since nothing finer is told; what no slice is made of is nobody's. Thread-safe.
 */
public final class GpuEnergy implements EnergyProvider {

    private final Supplier<GpuTelemetry> telemetry;
    private volatile String explanation = "not looked for";

    /** Looks at this machine, once it is asked. */
    public GpuEnergy() {
        this(() -> Nvml.OfThisProcess.TELEMETRY);
    }

    GpuEnergy(Supplier<GpuTelemetry> telemetry) {
        this.telemetry = telemetry;
    }

    @Override
    public String name() {
        return "NVML";
    }

    @Override
    public String explanation() {
        return explanation;
    }

    @Override
    public List<EnergyGauge> gauges() {
        GpuTelemetry open = telemetry.get();
        List<EnergyGauge> gauges = new ArrayList<>();
        for (Gpu gpu : open.gpus()) {
            gauge(open, gpu)
                    .filter(gauge -> gauge.joules().isPresent() || gauge.watts().isPresent())
                    .ifPresent(gauges::add);
        }
        explanation = !gauges.isEmpty()
                ? gauges.size() + " of " + open.gpus().size() + " GPUs and slices can be read"
                : open.obstacle().orElse("NVIDIA's driver tells neither energy nor power of its GPUs");
        return List.copyOf(gauges);
    }

    private static Optional<Gauge> gauge(GpuTelemetry telemetry, Gpu gpu) {
        Optional<Slice> slice = gpu.slice();
        if (slice.isPresent()) {
            OptionalDouble share = slice.get().share();
            return share.isEmpty()
                    ? Optional.empty()
                    : telemetry
                            .gpu(slice.get().gpuUuid())
                            .map(whole -> new Gauge(telemetry, gpu.uuid(), whole, share.getAsDouble(), true));
        }
        boolean told = telemetry.gpus().stream()
                .flatMap(other -> other.slice().stream())
                .anyMatch(other ->
                        other.gpuUuid().equals(gpu.uuid()) && other.share().isPresent());
        return told ? Optional.empty() : Optional.of(new Gauge(telemetry, gpu.uuid(), gpu, 1, false));
    }

    /**
     * A share of what a GPU takes.
     *
     * @param device the UUID of what takes it
     */
    private record Gauge(GpuTelemetry telemetry, String device, Gpu gpu, double share, boolean apportioned)
            implements EnergyGauge {

        @Override
        public OptionalDouble joules() {
            return shared(telemetry.energyJoules(gpu));
        }

        @Override
        public OptionalDouble watts() {
            return shared(telemetry.powerWatts(gpu));
        }

        private OptionalDouble shared(OptionalDouble all) {
            return all.isPresent() ? OptionalDouble.of(share * all.getAsDouble()) : all;
        }
    }
}
