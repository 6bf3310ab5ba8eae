package dev.flywheel.pipeline.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.ColumnDrift;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchHistoryTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    @TempDir
    Path home;

    @Test
    void readsWhatWasWrittenAfterAReopening() {
        PipelineDirectory directory = directory();
        WatchHistory.open(directory).add(result(0));
        WatchHistory.open(directory).add(result(1));
        assertThat(WatchHistory.read(directory)).containsExactly(result(0), result(1));
    }

    @Test
    void cutsOffALineThatACrashHasTorn() throws IOException {
        PipelineDirectory directory = directory();
        WatchHistory.open(directory).add(result(0));
        Path file = directory.path().resolve("watch.jsonl");
        Files.write(file, "{\"start\":\"20".getBytes(StandardCharsets.UTF_8), StandardOpenOption.APPEND);
        assertThat(WatchHistory.read(directory)).containsExactly(result(0));
        WatchHistory.open(directory).add(result(1));
        assertThat(WatchHistory.read(directory)).containsExactly(result(0), result(1));
    }

    @Test
    void dropsTheOldestOnceThereAreTooMany() throws IOException {
        PipelineDirectory directory = directory();
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 2 * WatchHistory.KEPT; i++) {
            lines.append(new String(Json.writeLine(result(i)), StandardCharsets.UTF_8))
                    .append("\n");
        }
        Files.writeString(directory.path().resolve("watch.jsonl"), lines);
        WatchHistory.open(directory).add(result(5_000));
        List<WindowResult> kept = WatchHistory.read(directory);
        assertThat(kept)
                .hasSize(WatchHistory.KEPT + 1)
                .startsWith(result(WatchHistory.KEPT))
                .endsWith(result(5_000));
    }

    @Test
    void isEmptyWhereNothingWasWatched() {
        assertThat(WatchHistory.read(directory())).isEmpty();
    }

    private PipelineDirectory directory() {
        return new PipelineDirectory(home);
    }

    private static WindowResult result(int day) {
        Instant start = START.plus(Duration.ofDays(day));
        WindowResult.Feature feature = new WindowResult.Feature(
                "age",
                ColumnDrift.State.DRIFTED,
                "Welch",
                0.001,
                0.3,
                0.5,
                0.1,
                0,
                0.1,
                0,
                List.of("new"),
                WindowResult.Alarm.RAISED,
                start,
                "age: moved");
        Estimate now = new Estimate(0.7, 0.6, 0.8, "DeLong");
        return new WindowResult(
                start,
                start.plus(Duration.ofDays(1)),
                3,
                1_000,
                "1,000 rows",
                List.of(feature),
                null,
                100,
                List.of(new WindowResult.Quality(Metric.ROC_AUC, now, Double.NaN, 100)),
                List.of(),
                new WindowResult.Calibration(now, 0.5, 100),
                null);
    }
}
