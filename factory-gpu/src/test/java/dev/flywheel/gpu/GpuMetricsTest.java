package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GpuMetricsTest {

    private static final String UUID = "GPU-11111111-2222-3333-4444-555555555555";

    private final MockClock clock = new MockClock();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
    private final AtomicLong nanos = new AtomicLong();

    private void later() {
        clock.add(Duration.ofSeconds(1));
        nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    }

    private double value(String name, String... tags) {
        Meter meter = registry.get("flywheel.gpu." + name)
                .tags("uuid", UUID, "name", "NVIDIA H200")
                .tags(tags)
                .meter();
        return meter.measure().iterator().next().getValue();
    }

    private @Nullable String unit(String name) {
        return registry.get("flywheel.gpu." + name).meter().getId().getBaseUnit();
    }

    @Test
    void metersShowTheReadingInBaseUnits() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        try (GpuTelemetry telemetry = fake.open(nanos::get);
                GpuMetrics metrics = GpuMetrics.of(telemetry)) {
            metrics.bindTo(registry);
            assertThat(value("activity", "part", "sm")).isNaN();
            later();
            long calls = fake.calls();
            assertThat(value("up")).isOne();
            long one = fake.calls() - calls;
            assertThat(value("memory.total")).isEqualTo(150_754_820_096.0);
            assertThat(value("memory.used")).isEqualTo(12e9);
            assertThat(value("memory.free")).isEqualTo(138_125_674_496.0);
            assertThat(value("utilization")).isEqualTo(0.97);
            assertThat(value("activity", "part", "sm")).isEqualTo(0.915);
            assertThat(value("activity", "part", "occupancy")).isEqualTo(0.4025);
            assertThat(value("activity", "part", "tensor")).isEqualTo(0.6275);
            assertThat(value("activity", "part", "dram")).isEqualTo(0.33);
            assertThat(value("power")).isEqualTo(351);
            assertThat(value("power.limit")).isEqualTo(700);
            assertThat(value("energy")).isEqualTo(1_234_568.39);
            assertThat(value("temperature")).isEqualTo(61);
            assertThat(value("clock", "domain", "sm")).isEqualTo(1.755e9);
            assertThat(value("clock", "domain", "memory")).isEqualTo(3.201e9);
            assertThat(value("clock.max", "domain", "sm")).isEqualTo(1.98e9);
            assertThat(value("throttled", "reason", "power_cap")).isOne();
            assertThat(value("throttled", "reason", "idle")).isZero();
            assertThat(value("pcie", "direction", "received")).isEqualTo(2000.5 * 1024 * 1024);
            assertThat(value("pcie", "direction", "sent")).isEqualTo(100.0 * 1024 * 1024);
            assertThat(value("processes")).isEqualTo(2);
            assertThat(fake.calls() - calls).as("calls for one reading").isEqualTo(one);
            assertThat(unit("memory.used")).isEqualTo("bytes");
            assertThat(unit("power")).isEqualTo("watts");
            assertThat(unit("energy")).isEqualTo("joules");
            assertThat(unit("clock")).isEqualTo("hertz");
            assertThat(unit("up")).isNull();
        }
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void whatIsNotToldIsNaNAndACounterDoesNotGoBack() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        try (GpuTelemetry telemetry = fake.open(nanos::get);
                GpuMetrics metrics = GpuMetrics.of(telemetry)) {
            metrics.bindTo(registry);
            double joules = value("energy");
            fake.script("0 all err 15");
            later();
            assertThat(value("up")).isZero();
            assertThat(List.of(value("power"), value("memory.used"), value("throttled", "reason", "idle")))
                    .containsOnly(Double.NaN);
            assertThat(value("energy")).isEqualTo(joules);
            fake.script("0 all const 0");
            later();
            assertThat(value("up")).isOne();
            assertThat(value("energy")).isGreaterThan(joules);
        }
    }

    @Test
    void aGpuWithoutACounterHasNoCounterAndAMachineWithoutAGpuNoMeter() {
        FakeNvml fake = FakeNvml.scripted(List.of("sys count const 1", "0 uuid text " + UUID));
        try (GpuTelemetry telemetry = fake.open();
                GpuMetrics metrics = GpuMetrics.of(telemetry)) {
            metrics.bindTo(registry);
            assertThat(registry.find("flywheel.gpu.energy").meter()).isNull();
            assertThat(registry.get("flywheel.gpu.power").gauge().value()).isNaN();
        }
        try (GpuMetrics metrics = GpuMetrics.of(new NoGpus("no driver"))) {
            metrics.bindTo(registry);
            assertThat(registry.getMeters()).isEmpty();
        }
    }
}
