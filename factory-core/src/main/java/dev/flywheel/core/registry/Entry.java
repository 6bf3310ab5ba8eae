package dev.flywheel.core.registry;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Verdict;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One record of a registry's log, as JSON.
 *
 * @param format the version of the records' format
 * @param kind what happened
 * @param at when
 * @param alias the alias; "" for a kind that concerns a version alone
 * @param version the version's number; 0 for a kind that concerns an alias alone
 * @param who the person or part that did it
 * @param why the reason
 * @param evidence what the gates said
 * @param audit the sequence of the audit log's entry that tells of this record; null where there was no audit log
 * @param of the earlier record that the audit log's entry is about, if it is not this one
 */
record Entry(
        int format,
        Kind kind,
        Instant at,
        String alias,
        int version,
        String who,
        String why,
        List<Verdict> evidence,
        @Nullable Long audit,
        @Nullable Long of) {

    static final int FORMAT = 1;

    enum Kind {
        /** The number is given away, before the version's directory gets its name. */
        NUMBERED,
        MOVED,
        ROLLED_BACK,
        REMOVED,
        /** The version is deleted and every alias on it disappears. */
        DELETED,
        /** The audit log tells of an earlier record from now on. */
        AUDITED
    }

    private record Format(int format) {}

    Entry {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(alias, "alias");
        Objects.requireNonNull(who, "who");
        Objects.requireNonNull(why, "why");
        evidence = List.copyOf(evidence);
    }

    Entry audited(long sequence) {
        return new Entry(format, kind, at, alias, version, who, why, evidence, sequence, of);
    }

    static Entry audited(Instant at, long of, long sequence) {
        return new Entry(FORMAT, Kind.AUDITED, at, "", 0, "", "", List.of(), sequence, of);
    }

    byte[] json() {
        return Json.write(this);
    }

    static Entry of(ByteBuffer record, String source) {
        byte[] json = new byte[record.remaining()];
        record.get(json);
        int format = Json.readKnown(json, Format.class, source).format;
        if (format != FORMAT) {
            throw new StoreException(
                    "reading " + source,
                    "its format is " + format + ", this library reads format " + FORMAT,
                    "upgrade the library");
        }
        return Json.readKnown(json, Entry.class, source);
    }
}
