package dev.flywheel.pipeline;

import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Whether a rollback has paused a pipeline; this survives a restart, and the audit log tells of it also after a crash.
 * Whoever changes it does so under a lock; asking needs none.
 */
final class Pause {

    private static final String FILE = "paused.json";
    /** What was kept in place of this file in its first days: the reason alone. */
    private static final String OLD_MARK = "paused";

    /**
     * What paused.json holds.
     *
     * @param why the reason; null if it is not paused
     * @param fact names this state in the audit log
     * @param audit the sequence of the audit log's entry that tells of it
     */
    private record Saved(@Nullable String why, String fact, long audit) {}

    private final Line line;
    private final Path file;
    private volatile @Nullable String why;

    Pause(Line line) {
        this.line = line;
        this.file = line.directory().path().resolve(FILE);
        if (Files.exists(file)) {
            Saved found = Json.readKnown(Line.read(file), Saved.class, file.toString());
            this.why = found.why;
            line.audit().complete(found.audit, event(found), sequence -> write(found, sequence));
        } else {
            this.why = line.marked(OLD_MARK).orElse(null);
        }
    }

    /** {@return why it is paused, if it is} */
    Optional<String> reason() {
        return Optional.ofNullable(why);
    }

    /** {@return why a pipeline is paused, as its file says; changes nothing, so that anybody may ask} */
    static Optional<String> kept(Line line) {
        Path file = line.directory().path().resolve(FILE);
        return Files.exists(file)
                ? Optional.ofNullable(Json.readKnown(Line.read(file), Saved.class, file.toString()).why)
                : line.marked(OLD_MARK);
    }

    /** Pauses for a reason, or ends the pause if that is null; the state is on the disk when this returns. */
    void set(@Nullable String reason) {
        if (!Objects.equals(reason, why)) {
            Saved next = new Saved(reason, "paused/" + UUID.randomUUID(), 0);
            line.audit().append(event(next), sequence -> write(next, sequence));
        }
    }

    private void write(Saved next, long sequence) {
        Durable.write(file, Json.write(new Saved(next.why, next.fact, sequence)));
        line.unmark(OLD_MARK);
        why = next.why;
    }

    private AuditEvent event(Saved state) {
        AuditEvent event = line.event("host", state.why == null ? AuditEvent.RESUMED : AuditEvent.PAUSED)
                .with(AuditEvent.FACT, state.fact);
        return state.why == null ? event : event.with("why", state.why);
    }
}
