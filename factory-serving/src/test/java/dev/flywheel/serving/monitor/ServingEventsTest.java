package dev.flywheel.serving.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.TestModels;
import dev.flywheel.serving.WatchedEngine;
import dev.flywheel.serving.route.Route;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ServingEventsTest {

    @TempDir
    Path directory;

    private List<RecordedEvent> events(Recording recording, String name) throws IOException {
        Path file = directory.resolve(name + ".jfr");
        recording.dump(file);
        List<RecordedEvent> events = new ArrayList<>();
        for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
            if (event.getEventType().getName().equals("dev.flywheel." + name)) {
                events.add(event);
            }
        }
        // threads write their events to the file in any order
        events.sort(Comparator.comparing(RecordedEvent::getStartTime));
        return events;
    }

    private static float[] x(double value) {
        return new float[] {(float) value};
    }

    @Test
    void runsAndRefusalsAreRecordedWithTheirFigures() throws Exception {
        WatchedEngine engine = new WatchedEngine(TestModels.times(directory.resolve("two.onnx"), 2));
        try (Recording recording = new Recording();
                Endpoint<float[], float[]> endpoint = Endpoint.of(engine, Tensors.floats())
                        .version(7)
                        .lanes(1)
                        .queueCapacity(4)
                        .open()) {
            endpoint.predict(x(1));
            engine.reset();
            recording.enable("dev.flywheel.Batch").withThreshold(Duration.ZERO);
            recording.enable("dev.flywheel.Overload");
            recording.start();
            engine.shut();
            List<CompletableFuture<Prediction<float[]>>> futures = new ArrayList<>();
            futures.add(endpoint.predictAsync(x(0)));
            engine.awaitRun();
            for (int i = 0; i < 4; i++) {
                futures.add(endpoint.predictAsync(x(i)));
            }
            assertThatThrownBy(() -> endpoint.predict(x(6))).isInstanceOf(OverloadedException.class);
            engine.open();
            futures.forEach(CompletableFuture::join);
            engine.fail(() -> new IllegalStateException("broken"));
            assertThatThrownBy(() -> endpoint.predict(x(6))).hasMessage("broken");

            List<RecordedEvent> batches = events(recording, "Batch");
            assertThat(batches).extracting(e -> e.getInt("rows")).containsExactly(1, 4, 1);
            assertThat(batches).extracting(e -> e.getInt("queued")).containsExactly(4, 0, 0);
            assertThat(batches).extracting(e -> e.getBoolean("failed")).containsExactly(false, false, true);
            assertThat(batches).allSatisfy(e -> {
                assertThat(e.getString("endpoint"))
                        .isEqualTo(endpoint.snapshot().endpoint());
                assertThat(e.getInt("version")).isEqualTo(7);
                assertThat(e.getInt("length")).isEqualTo(1);
                assertThat(e.getDuration()).isPositive();
                assertThat(e.getThread()).isNotNull();
            });
            List<RecordedEvent> refusals = events(recording, "Overload");
            assertThat(refusals).singleElement().satisfies(e -> {
                assertThat(e.getInt("version")).isEqualTo(7);
                assertThat(e.getInt("queued")).isEqualTo(4);
            });
        }
    }

    @Test
    void changesOfWhatServesAreRecorded() throws Exception {
        try (Recording recording = new Recording();
                Endpoint<float[], float[]> endpoint = Endpoint.onnx(
                                TestModels.times(directory.resolve("two.onnx"), 2), Tensors.floats())
                        .open()) {
            recording.enable("dev.flywheel.Swap").withThreshold(Duration.ZERO);
            recording.enable("dev.flywheel.Route");
            recording.start();
            endpoint.swap(TestModels.times(directory.resolve("three.onnx"), 3), 1);
            endpoint.add(TestModels.times(directory.resolve("four.onnx"), 4), 2);
            endpoint.route(Route.canary(2, 0.25));
            endpoint.rollback();

            assertThat(events(recording, "Swap")).singleElement().satisfies(e -> {
                assertThat(e.getInt("version")).isEqualTo(1);
                assertThat(e.getInt("previous")).isZero();
                assertThat(e.getDuration()).isPositive();
            });
            List<RecordedEvent> routes = events(recording, "Route");
            assertThat(routes).extracting(e -> e.getInt("champion")).containsExactly(1, 1, 1);
            assertThat(routes)
                    .extracting(e -> e.getString("route"))
                    .containsExactly(
                            Route.champion().toString(),
                            Route.canary(2, 0.25).toString(),
                            Route.champion().toString());
        }
    }

    @Test
    void aLaneThatHangsAndIsReplacedIsRecordedAndCounted() throws Exception {
        WatchedEngine engine = new WatchedEngine(TestModels.times(directory.resolve("two.onnx"), 2));
        try (Recording recording = new Recording();
                Endpoint<float[], float[]> endpoint = Endpoint.of(engine, Tensors.floats())
                        .version(3)
                        .lanes(1)
                        .runTimeout(Duration.ofMillis(20))
                        .open()) {
            recording.enable("dev.flywheel.LaneReplaced");
            recording.start();
            engine.reset();
            engine.shut();
            assertThatThrownBy(() -> endpoint.predictAsync(x(1)).join()).hasCauseInstanceOf(PredictionException.class);
            engine.open();
            assertThat(endpoint.predict(x(1)).value()).containsExactly(2);
            assertThat(endpoint.snapshot().total().lanesReplaced()).isEqualTo(1);
            assertThat(events(recording, "LaneReplaced")).singleElement().satisfies(e -> {
                assertThat(e.getString("endpoint"))
                        .isEqualTo(endpoint.snapshot().endpoint());
                assertThat(e.getInt("version")).isEqualTo(3);
            });
        }
    }

    @Test
    void whileNothingIsRecordedNothingIsMade() {
        assertThat(ServingEvents.swap()).isNull();
        try (Recording recording = new Recording()) {
            recording.disable("dev.flywheel.Batch");
            recording.enable("dev.flywheel.Swap");
            recording.start();
            assertThat(ServingEvents.batch()).isNull();
            assertThat(ServingEvents.swap()).isNotNull();
        }
    }

    @Test
    void eventsAreDescribed() {
        ServingEvents.overload("endpoint x", 1, 2);
        assertThat(ServingEvents.batch()).isNull();
        List<EventType> types = FlightRecorder.getFlightRecorder().getEventTypes().stream()
                .filter(type -> type.getName().startsWith("dev.flywheel."))
                .toList();
        assertThat(types)
                .extracting(EventType::getName)
                .contains("dev.flywheel.Batch", "dev.flywheel.Overload", "dev.flywheel.Swap");
        assertThat(types).allSatisfy(type -> {
            assertThat(type.getCategoryNames()).containsExactly("Flywheel", "Serving");
            assertThat(type.getDescription()).isNotEmpty();
        });
    }
}
