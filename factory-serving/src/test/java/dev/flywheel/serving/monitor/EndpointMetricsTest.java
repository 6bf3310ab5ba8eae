package dev.flywheel.serving.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.device.Device;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TestModels;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EndpointMetricsTest {

    @TempDir
    Path directory;

    private final MockClock clock = new MockClock();
    private final MeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);

    private Endpoint<float[], float[]> endpoint() {
        return Endpoint.onnx(TestModels.times(directory.resolve("two.onnx"), 2), Tensors.floats())
                .lanes(2)
                .cache(1 << 20)
                .open();
    }

    private static float[] x(double value) {
        return new float[] {(float) value};
    }

    private double count(String name, String... tags) {
        FunctionCounter counter = registry.find("flywheel.endpoint." + name)
                .tags("endpoint", "doubler")
                .tags(tags)
                .functionCounter();
        return Objects.requireNonNull(counter, name).count();
    }

    private double value(String name, String... tags) {
        return Objects.requireNonNull(
                        registry.find("flywheel.endpoint." + name).tags(tags).gauge(), name)
                .value();
    }

    private void later() {
        clock.add(Duration.ofSeconds(1));
    }

    @Test
    void metersShowTheFiguresOfTheSnapshot() {
        try (Endpoint<float[], float[]> endpoint = endpoint();
                EndpointMetrics metrics = EndpointMetrics.of("doubler", endpoint::snapshot)) {
            metrics.bindTo(registry);
            for (int i = 0; i < 12; i++) {
                endpoint.predict(x(i % 3));
            }
            assertThat(catchThrowable(() -> endpoint.predict(new float[2]))).isNotNull();
            later();
            EndpointSnapshot snapshot = endpoint.snapshot();
            FunctionTimer requests = Objects.requireNonNull(registry.find("flywheel.endpoint.requests")
                    .tags("endpoint", "doubler", "version", "0")
                    .functionTimer());
            assertThat(requests.count()).isEqualTo(13);
            assertThat(requests.totalTime(TimeUnit.NANOSECONDS))
                    .isCloseTo(snapshot.total().latencies().sum(), within(1.0));
            assertThat(count("errors")).isEqualTo(1);
            assertThat(count("batches")).isEqualTo((double) snapshot.total().batches());
            assertThat(count("rows")).isEqualTo((double) snapshot.total().rows());
            assertThat(count("cache.gets", "result", "hit")).isEqualTo(9);
            assertThat(count("cache.gets", "result", "miss")).isEqualTo(3);
            assertThat(count("unserved", "reason", "refused")).isZero();
            assertThat(count("lanes.replaced")).isZero();
            assertThat(value("lanes")).isEqualTo(2);
            assertThat(value("queued")).isZero();
            assertThat(value("queued.max")).isZero();
            TimeGauge median = Objects.requireNonNull(registry.find("flywheel.endpoint.latency")
                    .tags("phi", "0.5")
                    .timeGauge());
            assertThat(median.value(TimeUnit.NANOSECONDS))
                    .isCloseTo((double) snapshot.total().latencies().quantile(0.5), within(0.001));
            TimeGauge uptime = Objects.requireNonNull(
                    registry.find("flywheel.endpoint.uptime").timeGauge());
            assertThat(uptime.value(TimeUnit.NANOSECONDS)).isPositive();
        }
    }

    @Test
    void latenciesAreThoseOfTheLastMinutes() {
        SnapshotSource source = new SnapshotSource();
        EndpointMetrics.of("doubler", source::snapshot).bindTo(registry);
        source.latency(1_000, 100);
        later();
        assertThat(latency("0.5")).isCloseTo(1_000, within(63.0));
        for (int minute = 0; minute < 3; minute++) {
            clock.add(Duration.ofSeconds(61));
            assertThat(latency("1")).isGreaterThanOrEqualTo(0);
        }
        assertThat(latency("0.5")).isZero();
        source.latency(50_000, 1);
        later();
        assertThat(latency("0.5")).isCloseTo(50_000, within(3_200.0));
        assertThat(latency("1")).isBetween(50_000.0, 53_125.0);
    }

    private double latency(String phi) {
        return Objects.requireNonNull(registry.find("flywheel.endpoint.latency")
                        .tags("phi", phi)
                        .timeGauge())
                .value(TimeUnit.NANOSECONDS);
    }

    /** Snapshots with the latencies that a test says. */
    private static final class SnapshotSource {

        private final long[] counts = new long[1000];

        void latency(long nanos, int times) {
            counts[Histogram.bucket(nanos)] += times;
        }

        EndpointSnapshot snapshot() {
            Activity activity =
                    new Activity(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Histogram.empty(), Histogram.of(counts.clone()));
            VersionSnapshot version = new VersionSnapshot(0, Instant.EPOCH, Device.cpu(), activity, 0, 0, 1);
            return new EndpointSnapshot(
                    "endpoint", Instant.EPOCH, Duration.ofSeconds(1), activity, List.of(version), null);
        }
    }

    @Test
    void versionsComeAndGo() {
        try (Endpoint<float[], float[]> endpoint = endpoint();
                EndpointMetrics metrics = EndpointMetrics.of("doubler", endpoint::snapshot)) {
            metrics.bindTo(registry);
            assertThat(versions()).containsExactly("0");
            endpoint.add(TestModels.times(directory.resolve("three.onnx"), 3), 1);
            endpoint.promote(1);
            endpoint.predict(x(1));
            read();
            assertThat(versions()).containsExactly("0", "1");
            assertThat(count("rows", "version", "0")).isZero();
            assertThat(count("rows", "version", "1")).isEqualTo(1);
            FunctionCounter old = Objects.requireNonNull(
                    registry.find("flywheel.endpoint.rows").tags("version", "0").functionCounter());
            endpoint.remove(0);
            read();
            assertThat(versions()).containsExactly("1");
            assertThat(old.count()).isZero();
            endpoint.swap(TestModels.times(directory.resolve("four.onnx"), 4), 1);
            read();
            assertThat(count("rows", "version", "1")).isZero();
        }
    }

    private void read() {
        later();
        for (Meter meter : registry.getMeters()) {
            meter.measure()
                    .forEach(measurement -> assertThat(measurement.getValue()).isGreaterThanOrEqualTo(0));
        }
    }

    private Set<String> versions() {
        Set<String> versions = new TreeSet<>();
        for (Meter meter : registry.getMeters()) {
            String version = meter.getId().getTag("version");
            if (version != null) {
                versions.add(version);
            }
        }
        return versions;
    }

    @Test
    void nothingIsLeftInAnyRegistryAfterClosing() {
        MeterRegistry other = new SimpleMeterRegistry();
        try (Endpoint<float[], float[]> endpoint = endpoint()) {
            EndpointMetrics metrics = EndpointMetrics.of("doubler", endpoint::snapshot);
            metrics.bindTo(registry);
            metrics.bindTo(other);
            assertThat(registry.getMeters()).isNotEmpty().hasSameSizeAs(other.getMeters());
            metrics.close();
            assertThat(registry.getMeters()).isEmpty();
            assertThat(other.getMeters()).isEmpty();
            metrics.close();
        }
    }

    @Test
    void metersLastThoughNobodyHoldsTheBinder() {
        SnapshotSource source = new SnapshotSource();
        EndpointMetrics.of("doubler", source::snapshot).bindTo(registry);
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        source.latency(1_000, 7);
        later();
        assertThat(latency("0.5")).isPositive();
        FunctionTimer requests = Objects.requireNonNull(
                registry.find("flywheel.endpoint.requests").functionTimer());
        assertThat(requests.totalTime(TimeUnit.NANOSECONDS)).isPositive();
    }

    @Test
    void prometheusTakesTheExposition() throws Exception {
        PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        String text;
        try (Endpoint<float[], float[]> endpoint = endpoint();
                EndpointMetrics metrics = EndpointMetrics.of("doubler", endpoint::snapshot)) {
            metrics.bindTo(prometheus);
            endpoint.predict(x(1));
            text = prometheus.scrape();
        }
        assertThat(text)
                .contains("# TYPE flywheel_endpoint_requests_seconds summary")
                .contains("flywheel_endpoint_requests_seconds_count{endpoint=\"doubler\",version=\"0\"}")
                .contains("flywheel_endpoint_latency_seconds{endpoint=\"doubler\",phi=\"0.99\",version=\"0\"}")
                .contains("flywheel_endpoint_rows_total{endpoint=\"doubler\",version=\"0\"}");
        check(text);
    }

    /** Lets Prometheus' own tool judge, where it is installed. */
    private void check(String text) throws IOException, InterruptedException {
        Path tool = Stream.of(
                        Objects.requireNonNullElse(System.getenv("PATH"), "").split(File.pathSeparator))
                .map(place -> Path.of(place, "promtool"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        assumeTrue(tool != null, "promtool (Debian package prometheus) is not installed");
        Path metrics = Files.writeString(directory.resolve("metrics"), text);
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(String.valueOf(tool), "check", "metrics")
                .redirectInput(metrics.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor())
                .as(Files.readString(output, StandardCharsets.UTF_8))
                .isZero();
    }
}
