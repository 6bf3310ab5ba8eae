package dev.flywheel.core.audit;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Verdict;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * An event as the log holds it. Immutable.
 *
 * @param sequence its place in the log, from 0
 * @param at when; never before the entry that precedes it
 * @param event what was done
 * @param hash the head of the hash chain that ends with this entry: SHA-256 in lower-case hex
 */
public record AuditEntry(long sequence, Instant at, AuditEvent event, String hash) {

    private static final int FORMAT = 1;

    /** Refuses null. */
    public AuditEntry {
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(event, "event");
        Objects.requireNonNull(hash, "hash");
    }

    private record Payload(
            int format,
            long sequence,
            Instant at,
            String actor,
            String action,
            String subject,
            Map<String, String> details,
            List<Verdict> evidence) {}

    private record Format(int format) {}

    /** {@return the entry as one line that a person can read} */
    public String line() {
        String details = event.details().entrySet().stream()
                .map(detail -> detail.getKey() + "=" + detail.getValue())
                .collect(Collectors.joining(", "));
        String evidence = event.evidence().stream()
                .map(verdict -> verdict.outcome() + " " + verdict.gate() + " (" + verdict.evidence() + ")")
                .collect(Collectors.joining("; "));
        String line = "%d %s %s %s %s".formatted(sequence, at, event.subject(), event.action(), event.actor());
        return (line
                        + (details.isEmpty() ? "" : " {" + details + "}")
                        + (evidence.isEmpty() ? "" : " [" + evidence + "]"))
                .replaceAll("\\R", " ");
    }

    /** {@return the canonical JSON in UTF-8, which is what is hashed: see {@link CanonicalJson}} */
    static byte[] payload(long sequence, Instant at, AuditEvent event) {
        CanonicalJson json = new CanonicalJson();
        json.open('{').name("action").text(event.action());
        json.name("actor").text(event.actor());
        json.name("at").text(at.toString());
        json.name("details").open('{');
        event.details().forEach((name, value) -> json.name(name).text(value));
        json.close('}').name("evidence").open('[');
        for (Verdict verdict : event.evidence()) {
            json.open('{').name("evidence").text(verdict.evidence());
            json.name("gate").text(verdict.gate());
            json.name("outcome").text(verdict.outcome().name()).close('}');
        }
        json.close(']').name("format").number(FORMAT);
        json.name("sequence").number(sequence);
        json.name("subject").text(event.subject()).close('}');
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** @throws StoreException if the payload is not what {@link #payload} makes for this sequence */
    static AuditEntry of(long sequence, byte[] payload, String hash) {
        String source = "entry " + sequence + " of the audit log";
        int format = Json.readKnown(payload, Format.class, source).format;
        if (format != FORMAT) {
            throw new StoreException(
                    "reading " + source,
                    "its format is " + format + ", this library reads format " + FORMAT,
                    "upgrade the library");
        }
        Payload read = Json.readKnown(payload, Payload.class, source);
        if (read.sequence != sequence) {
            throw new StoreException(
                    "reading " + source,
                    "it says that it is entry " + read.sequence,
                    "restore the audit log from a backup");
        }
        try {
            AuditEvent event = new AuditEvent(read.actor, read.action, read.subject, read.details, read.evidence);
            return new AuditEntry(sequence, read.at, event, hash);
        } catch (NullPointerException | IllegalArgumentException e) {
            throw new StoreException(
                    "reading " + source,
                    "it holds no event: " + e.getMessage(),
                    "restore the audit log from a backup",
                    e);
        }
    }
}
