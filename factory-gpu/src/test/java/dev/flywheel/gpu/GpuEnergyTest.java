package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.energy.Energy;
import dev.flywheel.core.energy.EnergyGauge;
import dev.flywheel.core.energy.EnergyMeter;
import dev.flywheel.core.energy.EnergyProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class GpuEnergyTest {

    private static final String UUID = "GPU-11111111-2222-3333-4444-555555555555";

    private final AtomicLong nanos = new AtomicLong();

    private Energy overTenSeconds(GpuTelemetry telemetry) {
        EnergyMeter meter = EnergyMeter.of(nanos::get, new GpuEnergy(() -> telemetry).gauges());
        EnergyMeter.Mark start = meter.mark();
        for (int i = 0; i < 10; i++) {
            nanos.addAndGet(Duration.ofSeconds(1).toNanos());
            meter.sample();
        }
        return meter.since(start);
    }

    private static FakeNvml scripted(String... more) {
        List<String> script = new ArrayList<>(FakeNvml.HOPPER);
        script.addAll(List.of(more));
        return FakeNvml.scripted(script);
    }

    @Test
    void isFoundByTheServiceLoader() {
        assertThat(ServiceLoader.load(EnergyProvider.class)).hasAtLeastOneElementOfType(GpuEnergy.class);
    }

    @Test
    void aCounterIsTakenWhereThereIsOneAndPowerOverTimeWhereThereIsNone() {
        // Each reading of the counter finds 350 J more: ten samples and the end.
        FakeNvml counting = scripted("0 energy ramp 0 350000", "0 power const 1000");
        try (GpuTelemetry telemetry = counting.open()) {
            Energy.Part part = overTenSeconds(telemetry).parts().get(0);
            assertThat(part.device()).isEqualTo(UUID);
            assertThat(part.source()).isEqualTo(Energy.Source.COUNTER);
            assertThat(part.joules()).isCloseTo(11 * 350, within(1e-6));
            assertThat(part.apportioned()).isFalse();
        }
        FakeNvml without = scripted("0 energy err 3", "0 power const 350000");
        try (GpuTelemetry telemetry = without.open()) {
            Energy.Part part = overTenSeconds(telemetry).parts().get(0);
            assertThat(part.source()).isEqualTo(Energy.Source.POWER_INTEGRAL);
            assertThat(part.joules()).isCloseTo(3500, within(1e-6));
        }
    }

    @Test
    void slicesGetTheirShareOfTheGpuAndTheGpuIsNotCountedAgain() {
        FakeNvml fake = scripted(
                "0 mig const 1",
                "0 mig.places const 7",
                "0.0 uuid text MIG-a",
                "0.0 slices const 1",
                "0.1 uuid text MIG-b",
                "0.1 slices const 3",
                "0 energy const 70000",
                "0 power const 351000");
        try (GpuTelemetry telemetry = fake.open()) {
            GpuEnergy energy = new GpuEnergy(() -> telemetry);
            List<EnergyGauge> gauges = energy.gauges();
            assertThat(gauges).extracting(EnergyGauge::device).containsExactly("MIG-a", "MIG-b");
            assertThat(gauges).allMatch(EnergyGauge::apportioned);
            assertThat(gauges.get(0).joules().orElseThrow()).isCloseTo(10, within(1e-9));
            assertThat(gauges.get(1).joules().orElseThrow()).isCloseTo(30, within(1e-9));
            assertThat(gauges.get(1).watts().orElseThrow()).isCloseTo(351 * 3 / 7.0, within(1e-9));
            assertThat(energy.explanation()).isEqualTo("2 of 3 GPUs and slices can be read");
        }
    }

    @Test
    void aGpuWhoseSlicesTellNoShareIsMeasuredWhole() {
        FakeNvml fake = scripted("0 mig const 1", "0 mig.places const 7", "0.0 uuid text MIG-a");
        try (GpuTelemetry telemetry = fake.open()) {
            assertThat(new GpuEnergy(() -> telemetry).gauges())
                    .extracting(EnergyGauge::device)
                    .containsExactly(UUID);
        }
    }

    @Test
    void aGpuThatIsLostIsLeftOutAndNothingToReadIsExplained() {
        FakeNvml fake = scripted();
        try (GpuTelemetry telemetry = fake.open()) {
            EnergyGauge gauge = new GpuEnergy(() -> telemetry).gauges().get(0);
            fake.script("0 all err 15");
            assertThat(gauge.joules()).isEmpty();
            assertThat(gauge.watts()).isEmpty();
            GpuEnergy silent = new GpuEnergy(() -> telemetry);
            assertThat(silent.gauges()).isEmpty();
            assertThat(silent.explanation()).isEqualTo("NVIDIA's driver tells neither energy nor power of its GPUs");
        }
        GpuEnergy none = new GpuEnergy(() -> new NoGpus("no driver"));
        assertThat(none.gauges()).isEmpty();
        assertThat(none.explanation()).isEqualTo("no driver");
    }
}
