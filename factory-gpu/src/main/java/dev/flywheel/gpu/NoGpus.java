package dev.flywheel.gpu;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The telemetry of a machine that tells nothing. Immutable.
 *
 * @param why why not, with the mend
 */
record NoGpus(String why) implements GpuTelemetry {

    @Override
    public List<Gpu> gpus() {
        return List.of();
    }

    @Override
    public Optional<String> obstacle() {
        return Optional.of(why);
    }

    @Override
    public Optional<String> driverVersion() {
        return Optional.empty();
    }

    @Override
    public Optional<String> cudaVersion() {
        return Optional.empty();
    }

    @Override
    public GpuReading read(Gpu gpu) {
        throw unknown(gpu);
    }

    @Override
    public OptionalDouble powerWatts(Gpu gpu) {
        throw unknown(gpu);
    }

    @Override
    public OptionalDouble energyJoules(Gpu gpu) {
        throw unknown(gpu);
    }

    @Override
    public Optional<GpuReading.Pcie> pcie(Gpu gpu) {
        throw unknown(gpu);
    }

    private IllegalArgumentException unknown(Gpu gpu) {
        return new IllegalArgumentException("found " + gpu + ", expected none: " + why);
    }

    @Override
    public void close() {
        // Nothing was opened.
    }
}
