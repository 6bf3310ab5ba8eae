package dev.flywheel.pipeline;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the rules of a deployment remember over a restart, as triggers.json holds it. Immutable.
 *
 * @param format the version of this file's format
 * @param used how many outcomes there had ever been when the last run that was not cut short began
 * @param version the version that serves; 0 if that is not known
 * @param promoted how many outcomes there had been when it began to
 * @param predictions how many predictions have been made since the last run; as old as the file
 * @param lastRun when the last run started; null if none did
 * @param day the day whose runs are counted, in UTC
 * @param runs the runs of that day
 * @param millis how long they took
 * @param refused how many runs in a row have ended without a promotion
 * @param stopped why rules start no run until there is more evidence; null if they do
 * @param stoppedUntil how many outcomes there must ever have been for them to start one again
 * @param lastDrift the first time of what was last seen drifted; null if nothing was
 * @param key what the last decision was taken for
 * @param decisions the last decisions, the oldest first
 * @param wanted when the run was first wanted that waits for cheaper power, or is made then; null if there is none
 * @param owed why it is wanted; null if there is none
 */
record TriggerState(
        int format,
        long used,
        int version,
        long promoted,
        long predictions,
        @Nullable Instant lastRun,
        String day,
        int runs,
        long millis,
        int refused,
        @Nullable String stopped,
        long stoppedUntil,
        @Nullable Instant lastDrift,
        String key,
        List<Decision> decisions,
        @Nullable Instant wanted,
        @Nullable String owed) {

    private static final Logger log = LoggerFactory.getLogger(TriggerState.class);
    private static final String FILE = "triggers.json";
    /** What was kept in place of this file in its first days: how many outcomes were used. */
    private static final String OLD_MARK = "labels";

    static final int FORMAT = 1;

    TriggerState {
        decisions = List.copyOf(decisions);
    }

    /** {@return the state before anything has happened, with so many outcomes used} */
    static TriggerState empty(long used) {
        return new TriggerState(FORMAT, used, 0, 0, 0, null, "", 0, 0, 0, null, 0, null, "", List.of(), null, null);
    }

    /**
     * {@return what was kept} A damaged file must not keep the application from its predictions: counting begins anew.
     *
     * @param outcomes how many outcomes there ever were
     */
    static TriggerState read(Line line, long outcomes) {
        Path file = file(line);
        if (!Files.exists(file)) {
            return empty(line.marked(OLD_MARK).flatMap(TriggerState::number).orElse(0L));
        }
        try {
            TriggerState kept = Json.readKnown(Line.read(file), TriggerState.class, file.toString());
            if (kept.format == FORMAT) {
                return kept;
            }
            log.warn("{} is of format {}, which this release does not know; counting begins anew", file, kept.format);
        } catch (StoreException | NullPointerException e) {
            log.warn("what the rules of pipeline {} remembered is lost; counting begins anew", line.name(), e);
        }
        return empty(outcomes);
    }

    private static Optional<Long> number(String text) {
        try {
            return Optional.of(Long.parseLong(text));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    void write(Line line) {
        Durable.write(file(line), Json.write(this));
        line.unmark(OLD_MARK);
    }

    private static Path file(Line line) {
        return line.directory().path().resolve(FILE);
    }
}
