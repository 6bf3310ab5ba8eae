package dev.flywheel.core.registry;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.ModelVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Tells the audit log of every record of a registry's log. The registry's record comes first and names the entry to
 * come; if a crash comes between, the entry is added when the registry is opened again. Under the registry's lock.
 */
final class Audited {

    private final String pipeline;
    private final SegmentLog log;
    private final AuditLog audit;

    Audited(String pipeline, SegmentLog log, AuditLog audit) {
        this.pipeline = pipeline;
        this.log = log;
        this.audit = audit;
    }

    /** @param fact commits the record with the sequence of the audit log's entry */
    void commit(RegistryState before, Entry entry, @Nullable ModelVersion version, LongConsumer fact) {
        AuditEvent event = event(action(entry.kind()), log.nextSequence(), entry, version);
        if (!entry.alias().isEmpty() && before.current(entry.alias()) != 0) {
            event = event.with("from", Integer.toString(before.current(entry.alias())));
        }
        if (entry.kind() == Entry.Kind.DELETED) {
            String gone = before.current().entrySet().stream()
                    .filter(alias -> alias.getValue() == entry.version())
                    .map(Map.Entry::getKey)
                    .collect(Collectors.joining(", "));
            event = gone.isEmpty() ? event : event.with("aliases", gone);
        }
        audit.append(event, fact);
    }

    /** Adds what the audit log lacks: at most the last record's entry, and those of a time without an audit log. */
    void catchUp(RegistryState state, VersionFiles files) {
        List<Entry> entries = read();
        if (entries.isEmpty()) {
            return;
        }
        Entry last = entries.get(entries.size() - 1);
        if (last.audit() != null) {
            int record = last.of() == null ? entries.size() - 1 : Math.toIntExact(last.of());
            AuditEvent event = found(record, entries.get(record), state, files);
            audit.complete(
                    last.audit(),
                    event,
                    sequence -> log.commit(
                            Entry.audited(last.at(), record, sequence).json()));
        }
        Map<Integer, Entry> untold = new TreeMap<>();
        for (int record = 0; record < entries.size(); record++) {
            Entry entry = entries.get(record);
            if (entry.audit() == null) {
                untold.put(record, entry);
            } else if (entry.of() != null) {
                untold.remove(Math.toIntExact(entry.of()));
            }
        }
        untold.forEach((record, entry) -> audit.append(
                found(record, entry, state, files).with("added", "it was made without an audit log"),
                sequence ->
                        log.commit(Entry.audited(last.at(), record, sequence).json())));
    }

    private List<Entry> read() {
        List<Entry> entries = new ArrayList<>();
        try (LogCursor cursor = log.read(0)) {
            while (cursor.next()) {
                entries.add(
                        Entry.of(cursor.record(), "record " + cursor.sequence() + " of the aliases of " + pipeline));
            }
        }
        return entries;
    }

    /** The event of a record that was found without its entry. */
    private AuditEvent found(long record, Entry entry, RegistryState state, VersionFiles files) {
        boolean cutShort = entry.kind() == Entry.Kind.NUMBERED
                && !files.exists(entry.version())
                && !state.deleted().contains(entry.version());
        String action = cutShort ? AuditEvent.REGISTRATION_CUT_SHORT : action(entry.kind());
        ModelVersion version = files.exists(entry.version()) ? files.at(entry.version()) : null;
        return event(action, record, entry, version).with("at", entry.at().toString());
    }

    private AuditEvent event(String action, long record, Entry entry, @Nullable ModelVersion version) {
        Map<String, String> details = new TreeMap<>();
        details.put(AuditEvent.FACT, "aliases/" + record);
        if (!entry.alias().isEmpty()) {
            details.put("alias", entry.alias());
        }
        if (!entry.why().isEmpty()) {
            details.put("why", entry.why());
        }
        if (entry.version() != 0) {
            details.put("version", Integer.toString(entry.version()));
            describe(version, details);
        }
        String actor = entry.who().isEmpty() ? "flywheel" : entry.who();
        return new AuditEvent(actor, action, pipeline, details, entry.evidence());
    }

    private static void describe(@Nullable ModelVersion version, Map<String, String> details) {
        if (version == null) {
            return;
        }
        try {
            ModelCard card = version.card();
            details.put("artifact", version.artifactHash());
            details.put("data", String.join(" ", card.datasetHashes()));
            details.put("definition", card.definitionHash());
            details.put("run", card.runId());
        } catch (StoreException e) {
            // a damaged version can be moved away from, or deleted
            details.put("card", Objects.requireNonNullElse(e.getMessage(), "unreadable"));
        }
    }

    private static String action(Entry.Kind kind) {
        return switch (kind) {
            case NUMBERED -> AuditEvent.REGISTERED;
            case MOVED -> AuditEvent.PROMOTED;
            case ROLLED_BACK -> AuditEvent.ROLLED_BACK;
            case REMOVED -> AuditEvent.ALIAS_REMOVED;
            case DELETED -> AuditEvent.RETIRED;
            case AUDITED -> throw new IllegalArgumentException("no change");
        };
    }
}
