package dev.flywheel.pipeline.watch;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.drift.Profile;
import dev.flywheel.core.stat.stream.ExpectedQuality;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a watch remembers over a restart, as watch.json holds it. Immutable.
 *
 * @param format the version of this file's format
 * @param version the version that is watched
 * @param start when the open window began; null if none has
 * @param latest its last prediction
 * @param rows its predictions
 * @param months the calendar months that they lie in, 0 to 11
 * @param profile what they were like: a profile's JSON; null if there is nothing to compare with
 * @param expected the quality that they let expect
 * @param outcomes what came true
 * @param streaks what had drifted in the last windows
 * @param shifts what has changed
 * @param last the last window that ended
 */
record WatchState(
        int format,
        int version,
        @Nullable Instant start,
        @Nullable Instant latest,
        long rows,
        List<Integer> months,
        @Nullable String profile,
        ExpectedQuality.Saved expected,
        Outcomes.Saved outcomes,
        Map<String, Alarms.Streak> streaks,
        List<Shift> shifts,
        @Nullable WindowResult last) {

    private static final Logger log = LoggerFactory.getLogger(WatchState.class);
    private static final int FORMAT = 1;

    private record Format(int format) {}

    /** {@return what was kept} What cannot be read must not keep the application from its predictions. */
    static Optional<WatchState> read(PipelineDirectory directory) {
        Path file = file(directory);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            byte[] json = Files.readAllBytes(file);
            if (Json.readKnown(json, Format.class, file.toString()).format == FORMAT) {
                return Optional.of(Json.readKnown(json, WatchState.class, file.toString()));
            }
            log.warn("{} is of a format that this release does not know; the watch begins anew", file);
        } catch (StoreException | IOException e) {
            log.warn("what the watch of pipeline {} had seen is lost; it begins anew", directory.name(), e);
        }
        return Optional.empty();
    }

    Profile readProfile() {
        return Profile.fromJson(
                Objects.requireNonNull(profile).getBytes(StandardCharsets.UTF_8), "the open window of the watch");
    }

    static void write(
            PipelineDirectory directory,
            int version,
            @Nullable Instant start,
            @Nullable Instant latest,
            long rows,
            List<Integer> months,
            byte @Nullable [] profile,
            ExpectedQuality.Saved expected,
            Outcomes.Saved outcomes,
            Map<String, Alarms.Streak> streaks,
            List<Shift> shifts,
            @Nullable WindowResult last) {
        String text = profile == null ? null : new String(profile, StandardCharsets.UTF_8);
        WatchState state = new WatchState(
                FORMAT, version, start, latest, rows, months, text, expected, outcomes, streaks, shifts, last);
        Durable.write(file(directory), Json.write(state));
    }

    private static Path file(PipelineDirectory directory) {
        return directory.path().resolve("watch.json");
    }
}
