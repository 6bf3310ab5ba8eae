package dev.flywheel.pipeline;

import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Whether a home forbids promotions; this survives a restart. Thread-safe. */
final class Freeze {

    private static final String FILE = "frozen.json";

    private final Path file;
    private final AuditLog audit;
    private final InstantSource clock;
    private @Nullable Saved saved;

    /**
     * What frozen.json holds.
     *
     * @param frozen whether promotions are forbidden
     * @param fact names this state in the audit log
     * @param audit the sequence of the audit log's entry that tells of it
     */
    private record Saved(boolean frozen, String who, String why, Instant at, String fact, long audit) {}

    Freeze(Path home, AuditLog audit, InstantSource clock) {
        this.file = home.resolve(FILE);
        this.audit = audit;
        this.clock = clock;
        if (Files.exists(file)) {
            Saved found = Json.readKnown(Line.read(file), Saved.class, file.toString());
            this.saved = found;
            audit.complete(found.audit, event(found), sequence -> write(found, sequence));
        }
    }

    /** {@return who forbade promotions and why, if they are forbidden} */
    synchronized Optional<String> reason() {
        return saved == null || !saved.frozen
                ? Optional.empty()
                : Optional.of("promotions are frozen by " + saved.who + " since " + saved.at + ": " + saved.why);
    }

    synchronized void freeze(String why, String who) {
        change(new Saved(true, who, why, clock.instant(), fact(), 0));
    }

    synchronized void unfreeze(String why, String who) {
        if (reason().isPresent()) {
            change(new Saved(false, who, why, clock.instant(), fact(), 0));
        }
    }

    /**
     * Promotes, if that is allowed; nobody forbids it meanwhile.
     *
     * @return why it is not allowed, or what the promotion says
     */
    synchronized Optional<String> unlessFrozen(Supplier<Optional<String>> promotion) {
        Optional<String> reason = reason();
        return reason.isPresent() ? reason : promotion.get();
    }

    private void change(Saved next) {
        audit.append(event(next), sequence -> write(next, sequence));
    }

    private void write(Saved next, long sequence) {
        Saved written = new Saved(next.frozen, next.who, next.why, next.at, next.fact, sequence);
        Durable.write(file, Json.write(written));
        saved = written;
    }

    private static AuditEvent event(Saved state) {
        return AuditEvent.of(state.who, state.frozen ? AuditEvent.FROZEN : AuditEvent.UNFROZEN, AuditEvent.FACTORY)
                .with("why", state.why)
                .with(AuditEvent.FACT, state.fact);
    }

    private static String fact() {
        return "frozen/" + UUID.randomUUID();
    }
}
