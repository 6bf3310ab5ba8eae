package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.energy.EnergyMeter;
import dev.flywheel.core.energy.Tariff;
import dev.flywheel.core.registry.PipelineDirectory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailuresTest {

    private final StoreException full = new StoreException("writing x", "the disk is full", "free some space");

    @TempDir
    Path home;

    private Instant now = Instant.parse("2026-01-31T12:00:00Z");
    private boolean broken;
    private final List<Event.Failed> heard = new ArrayList<>();

    private Instant time() {
        if (broken) {
            throw new IllegalStateException("the clock stands still");
        }
        return now;
    }

    @Test
    void theAuditLogTellsOnceAnHourWhatFailsAllTheTime() {
        InstantSource clock = this::time;
        try (AuditLog audit = AuditLog.open(home.resolve("audit"), clock);
                Line line = Line.open(
                        PipelineDirectory.in(home, "points"),
                        home.resolve("data"),
                        clock,
                        null,
                        audit,
                        new Freeze(home, audit, clock),
                        new EnergyLedger(EnergyMeter.of(List.of()), Tariff.unknown()))) {
            EventBus<Event> events = new EventBus<>("a test", Runnable::run, event -> false);
            events.subscribe(Event.Failed.class, heard::add);
            Failures failures = new Failures(line, events);
            for (int second = 0; second < 3_600; second++) {
                failures.tell("looking", full);
                now = now.plus(Duration.ofSeconds(1));
            }
            assertThat(told(audit)).hasSize(1);

            failures.tell("looking", full);
            failures.tell("looking", new IllegalStateException("odd"));
            failures.tell("keeping", full);

            assertThat(told(audit))
                    .containsExactly(
                            "looking: writing x: the disk is full. Fix: free some space.",
                            "looking: writing x: the disk is full. Fix: free some space.",
                            "looking: java.lang.IllegalStateException: odd",
                            "keeping: writing x: the disk is full. Fix: free some space.");
            broken = true;
            failures.tell("looking", full);
            broken = false;
            assertThat(told(audit)).hasSize(4);
        }
        assertThat(heard).hasSize(3_600 + 4);
    }

    private static List<String> told(AuditLog audit) {
        return audit.history("points").stream()
                .filter(entry -> entry.event().action().equals(AuditEvent.FAILED))
                .map(entry -> String.valueOf(entry.event().details().get("why")))
                .toList();
    }
}
