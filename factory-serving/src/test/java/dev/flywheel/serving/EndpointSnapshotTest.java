package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.energy.Energy;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.monitor.Activity;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import dev.flywheel.serving.monitor.Histogram;
import dev.flywheel.serving.monitor.VersionSnapshot;
import dev.flywheel.serving.route.Route;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EndpointSnapshotTest {

    @TempDir
    Path directory;

    private WatchedEngine times(int factor) {
        return new WatchedEngine(TestModels.times(directory.resolve(factor + ".onnx"), factor));
    }

    private static float[] x(double value) {
        return new float[] {(float) value};
    }

    @Test
    void countsEveryWayOfCalling() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(times(2), Tensors.floats()).version(4).lanes(3).open()) {
            endpoint.predict(x(1));
            endpoint.predictAsync(x(1)).join();
            endpoint.predictAll(List.of(x(1), x(2), x(3)));
            assertThatThrownBy(() -> endpoint.predict(new float[2])).isInstanceOf(IllegalArgumentException.class);

            EndpointSnapshot snapshot = endpoint.snapshot();
            Activity done = snapshot.total();
            assertThat(done.requests()).isEqualTo(6);
            assertThat(done.errors()).isEqualTo(1);
            assertThat(done.latencies().count()).isEqualTo(6);
            assertThat(done.batches()).isBetween(3L, 4L);
            assertThat(done.rows()).isEqualTo(done.batches() + 2);
            assertThat(done.batchSizes().max()).isEqualTo(3);
            assertThat(done.latency(0.5)).isPositive().isLessThanOrEqualTo(done.maxLatency());
            assertThat(snapshot.endpoint()).startsWith("endpoint ");
            assertThat(snapshot.period()).isPositive();
            assertThat(snapshot.requestsPerSecond()).isPositive();
            assertThat(snapshot.versions()).singleElement().satisfies(version -> {
                assertThat(version.version()).isEqualTo(4);
                assertThat(version.lanes()).isEqualTo(3);
                assertThat(version.activity()).isEqualTo(done);
                assertThat(version.loadedAt()).isBeforeOrEqualTo(snapshot.at());
            });
        }
    }

    @Test
    void tellsTheQueueAndWhatWasRefused() {
        WatchedEngine engine = times(2);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).lanes(1).queueCapacity(5).open()) {
            engine.reset();
            engine.shut();
            List<CompletableFuture<Prediction<float[]>>> futures = new ArrayList<>();
            futures.add(endpoint.predictAsync(x(0)));
            engine.awaitRun();
            for (int i = 1; i <= 5; i++) {
                futures.add(endpoint.predictAsync(x(i)));
            }
            assertThatThrownBy(() -> endpoint.predict(x(6))).isInstanceOf(OverloadedException.class);
            EndpointSnapshot full = endpoint.snapshot();
            assertThat(full.queued()).isEqualTo(5);
            assertThat(full.total().refused()).isEqualTo(1);
            assertThat(full.total().requests()).isZero();
            engine.open();
            futures.forEach(CompletableFuture::join);
            EndpointSnapshot after = endpoint.snapshot();
            assertThat(after.queued()).isZero();
            assertThat(after.versions().get(0).maxQueued()).isEqualTo(5);
            assertThat(after.since(full).total().requests()).isEqualTo(6);
            assertThat(after.since(full).total().refused()).isZero();
        }
    }

    @Test
    void tellsWhatWasCancelledAndWhatCameTooLate() {
        WatchedEngine engine = times(2);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).lanes(1).open()) {
            engine.reset();
            engine.shut();
            CompletableFuture<Prediction<float[]>> running = endpoint.predictAsync(x(0));
            engine.awaitRun();
            endpoint.predictAsync(x(1)).cancel(false);
            CompletableFuture<Prediction<float[]>> late =
                    endpoint.predictAsync(x(2), CallOptions.deadline(Duration.ofNanos(1)));
            assertThatThrownBy(late::join).hasCauseInstanceOf(DeadlineException.class);
            engine.open();
            running.join();
            Activity done = endpoint.snapshot().total();
            assertThat(done.cancelled()).isEqualTo(1);
            assertThat(done.expired()).isEqualTo(1);
            assertThat(done.requests()).isEqualTo(1);
            assertThat(done.errors()).isZero();
        }
    }

    @Test
    void countsEachVersionForItselfAndForgetsNoneInTheTotal() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(times(2), Tensors.floats()).open()) {
            endpoint.predict(x(1));
            endpoint.add(times(3), 1);
            endpoint.promote(1);
            endpoint.predict(x(1));
            endpoint.predict(x(1));
            EndpointSnapshot both = endpoint.snapshot();
            assertThat(both.versions()).extracting(VersionSnapshot::version).containsExactly(0, 1);
            assertThat(both.versions())
                    .extracting(version -> version.activity().requests())
                    .containsExactly(1L, 2L);
            endpoint.remove(0);
            endpoint.swap(times(4), 2);
            endpoint.predict(x(1));
            EndpointSnapshot later = endpoint.snapshot();
            assertThat(later.total().requests()).isEqualTo(4);
            assertThat(later.versions()).extracting(VersionSnapshot::version).containsExactly(2);
            EndpointSnapshot between = later.since(both);
            assertThat(between.total().requests()).isEqualTo(1);
            assertThat(between.versions().get(0).activity().requests()).isEqualTo(1);
            assertThat(between.period()).isLessThan(later.period());

            Energy.Part part = new Energy.Part("GPU-1", Energy.Source.COUNTER, 1200, OptionalDouble.empty(), false);
            Energy energy = new Energy(Duration.ofSeconds(1), List.of(part), List.of());
            assertThat(both.energy(energy)).isEqualTo(Map.of(0, energy.times(1.0 / 3), 1, energy.times(2.0 / 3)));
            assertThat(later.energy(energy))
                    .as("what other versions ran is nobody's")
                    .isEqualTo(Map.of(2, energy.times(0.25)));
            assertThat(between.energy(energy)).isEqualTo(Map.of(2, energy));
            assertThat(later.since(later).energy(energy)).isEmpty();
        }
    }

    @Test
    void showsAVersionUntilItHasAnsweredWhatItBeganWith() throws Exception {
        WatchedEngine engine = times(2);
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(engine, Tensors.floats()).lanes(1).open()) {
            engine.reset();
            engine.shut();
            CompletableFuture<Prediction<float[]>> running = endpoint.predictAsync(x(1));
            engine.awaitRun();
            CompletableFuture<Prediction<float[]>> waiting = endpoint.predictAsync(x(2));
            CompletableFuture<Void> swap = CompletableFuture.runAsync(() -> endpoint.swap(times(3), 0));
            while (endpoint.snapshot().versions().size() < 2) {
                Thread.onSpinWait();
            }
            EndpointSnapshot during = endpoint.snapshot();
            assertThat(during.versions()).extracting(VersionSnapshot::version).containsExactly(0, 0);
            assertThat(during.versions().get(0).loadedAt())
                    .isAfter(during.versions().get(1).loadedAt());
            assertThat(during.queued()).isEqualTo(1);
            engine.open();
            assertThat(running.join().value()).containsExactly(2);
            assertThat(waiting.join().value()).containsExactly(4);
            swap.join();
            assertThat(endpoint.snapshot().versions()).hasSize(1);
            assertThat(endpoint.snapshot().total().requests()).isEqualTo(2);
        }
    }

    @Test
    void tellsWhatTheCacheAnswered() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(times(2), Tensors.floats()).cache(1 << 20).open()) {
            for (int i = 0; i < 8; i++) {
                endpoint.predict(x(i % 2));
            }
            Activity done = endpoint.snapshot().total();
            assertThat(done.requests()).isEqualTo(8);
            assertThat(done.rows()).isEqualTo(2);
            assertThat(done.meanBatch()).isEqualTo(1);
            assertThat(done.cacheMisses()).isEqualTo(2);
            assertThat(done.cacheHits()).isEqualTo(6);
            assertThat(done.hitRate()).isEqualTo(0.75);
        }
    }

    @Test
    void anotherLoadingOfTheSameNumberStartsAnew() {
        Instant at = Instant.ofEpochSecond(100);
        VersionSnapshot first = version(at, 10);
        VersionSnapshot again = version(at.plusSeconds(1), 3);
        EndpointSnapshot before = snapshot(at, Duration.ofSeconds(5), first);
        EndpointSnapshot after = snapshot(at.plusSeconds(2), Duration.ofSeconds(7), again);
        assertThat(after.since(before).versions()).containsExactly(again);
        assertThat(after.since(before).period()).isEqualTo(Duration.ofSeconds(2));
        assertThat(snapshot(at, Duration.ofSeconds(5), first).since(before).versions())
                .containsExactly(version(at, 0));
        assertThat(before.requestsPerSecond()).isEqualTo(2);
    }

    private static VersionSnapshot version(Instant loadedAt, long requests) {
        return new VersionSnapshot(1, loadedAt, Device.cpu(), activity(requests), 0, 0, 2);
    }

    private static EndpointSnapshot snapshot(Instant at, Duration period, VersionSnapshot version) {
        return new EndpointSnapshot("endpoint x", at, period, version.activity(), List.of(version), null);
    }

    private static Activity activity(long requests) {
        return new Activity(requests, 0, 0, 0, 0, 0, 0, 0, 0, 0, Histogram.empty(), Histogram.empty());
    }

    @Test
    void aRouteIsSeenInTheVersionsFigures() {
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(times(2), Tensors.floats()).open()) {
            endpoint.add(times(3), 1);
            endpoint.route(Route.split(0, 1));
            for (int i = 0; i < 400; i++) {
                endpoint.predict(x(i));
            }
            EndpointSnapshot snapshot = endpoint.snapshot();
            assertThat(snapshot.versions())
                    .allSatisfy(
                            version -> assertThat(version.activity().requests()).isBetween(100L, 300L));
            assertThat(snapshot.total().requests()).isEqualTo(400);
        }
    }
}
