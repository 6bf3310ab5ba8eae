package dev.flywheel.pipeline.watch;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.registry.PipelineDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a watch remembers over a restart, as watch.json holds it. Immutable.
 *
 * @param format the version of this file's format
 * @param version the version that is watched
 * @param since when it began to serve; null if it was the first that the watch saw
 * @param window what the open window has seen
 * @param outcomes what came true
 * @param streaks what had drifted in the last windows
 * @param shifts what has changed
 * @param last the last window that ended
 */
record WatchState(
        int format,
        int version,
        @Nullable Instant since,
        Window.Saved window,
        Outcomes.Saved outcomes,
        Map<String, Alarms.Streak> streaks,
        List<Shift> shifts,
        @Nullable WindowResult last) {

    private static final Logger log = LoggerFactory.getLogger(WatchState.class);
    private static final int FORMAT = 2;

    private record Format(int format) {}

    WatchState(
            int version,
            @Nullable Instant since,
            Window.Saved window,
            Outcomes.Saved outcomes,
            Map<String, Alarms.Streak> streaks,
            List<Shift> shifts,
            @Nullable WindowResult last) {
        this(FORMAT, version, since, window, outcomes, streaks, shifts, last);
    }

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

    void write(PipelineDirectory directory) {
        Durable.write(file(directory), Json.write(this));
    }

    private static Path file(PipelineDirectory directory) {
        return directory.path().resolve("watch.json");
    }
}
