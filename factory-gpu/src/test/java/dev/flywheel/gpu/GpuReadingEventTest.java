package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GpuReadingEventTest {

    private static final String EVENT = "dev.flywheel.GpuReading";

    @TempDir
    Path directory;

    private final AtomicLong nanos = new AtomicLong();

    private List<RecordedEvent> events(Recording recording, GpuTelemetry.Gpu gpu) throws IOException {
        Path file = directory.resolve("gpu.jfr");
        recording.dump(file);
        List<RecordedEvent> events = new ArrayList<>();
        for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
            // The GPUs of this machine are recorded, too.
            if (event.getEventType().getName().equals(EVENT) && gpu.uuid().equals(event.getString("uuid"))) {
                events.add(event);
            }
        }
        // They lie in the file in any order.
        events.sort(Comparator.comparingDouble(event -> event.getDouble("energy")));
        return events;
    }

    @Test
    void aRecordingThatAsksForItGetsReadingsAndAnotherCausesNone() throws IOException {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        try (GpuTelemetry telemetry = fake.open(() -> nanos.getAndAdd(1_000_000_000))) {
            Runnable hook = GpuReadingEvent.of(() -> telemetry);
            FlightRecorder.addPeriodicEvent(GpuReadingEvent.class, hook);
            try {
                long calls = fake.calls();
                try (Recording recording = new Recording()) {
                    recording.start();
                    recording.stop();
                    assertThat(events(recording, telemetry.gpus().get(0))).isEmpty();
                }
                assertThat(fake.calls()).isEqualTo(calls);
                try (Recording recording = new Recording()) {
                    // At the beginning and the end of each file: twice, whatever the clock says.
                    recording.enable(EVENT).with("period", "everyChunk");
                    recording.start();
                    recording.stop();
                    List<RecordedEvent> events =
                            events(recording, telemetry.gpus().get(0));
                    assertThat(events).hasSizeGreaterThanOrEqualTo(2);
                    assertFirst(events.get(0));
                    assertThat(events.get(1).getDouble("smActivity")).isEqualTo(0.915);
                    assertThat(events.get(1).getDouble("pcieSent")).isEqualTo(100.0 * 1024 * 1024);
                }
            } finally {
                assertThat(FlightRecorder.removePeriodicEvent(hook)).isTrue();
            }
        }
    }

    private static void assertFirst(RecordedEvent event) {
        assertThat(event.getString("name")).isEqualTo("NVIDIA H200");
        assertThat(event.getLong("memoryTotal")).isEqualTo(150_754_820_096L);
        assertThat(event.getLong("memoryUsed")).isEqualTo(12_000_000_000L);
        assertThat(event.getDouble("utilization")).isEqualTo(0.97);
        assertThat(event.getDouble("smActivity")).isNaN();
        assertThat(event.getDouble("power")).isEqualTo(350.25);
        assertThat(event.getDouble("powerLimit")).isEqualTo(700);
        assertThat(event.getDouble("energy")).isEqualTo(1_234_567.89);
        assertThat(event.getDouble("temperature")).isEqualTo(61);
        assertThat(event.getLong("smClock")).isEqualTo(1_755_000_000L);
        assertThat(event.getLong("memoryClock")).isEqualTo(3_201_000_000L);
        assertThat(event.getString("throttles")).isEqualTo("[POWER_CAP]");
        assertThat(event.getInt("processes")).isEqualTo(2);
        assertThat(event.getString("fault")).isNull();
    }
}
