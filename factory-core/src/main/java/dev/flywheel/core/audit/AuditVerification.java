package dev.flywheel.core.audit;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.log.LogCursor;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What came of verifying an audit log: every entry against the hash chain, the Merkle tree and its signature, in order,
 * to the first that is not sound. Needs the files and the public key alone; the log may be in use. Immutable.
 *
 * @param entries the number of entries before the first that is not sound, or of all
 * @param from when the first of them was added
 * @param to when the last of them was added
 * @param root the root of the Merkle tree over them, in lower-case hex
 * @param head the head of the hash chain over them, in lower-case hex
 * @param problem what is wrong, naming the entry; empty if the log is sound
 */
public record AuditVerification(
        long entries,
        Optional<Instant> from,
        Optional<Instant> to,
        String root,
        String head,
        Optional<String> problem) {

    private static final int BATCH = 1024;

    /**
     * {@return what came of verifying a log}
     *
     * @param directory the log's directory
     * @param key the public key of who signs it
     * @param checkpoint an earlier statement of what it held, kept elsewhere; without one nobody can see that the
     *     newest entries were cut off
     * @param reader gets each entry that is sound; may be called with the last ones before one that is not
     */
    public static AuditVerification of(
            Path directory, PublicKey key, Optional<Checkpoint> checkpoint, Consumer<AuditEntry> reader) {
        return new Verifier(key, checkpoint.orElse(null), reader).verify(directory);
    }

    /** {@return whether nothing is wrong} */
    public boolean sound() {
        return problem.isEmpty();
    }

    private record Signed(AuditEntry entry, Chain chain, AuditRecord record) {}

    private static final class Verifier {

        private final PublicKey key;
        private final @Nullable Checkpoint checkpoint;
        private final Consumer<AuditEntry> reader;
        private final List<Signed> batch = new ArrayList<>();
        private Chain chain = Chain.EMPTY;
        private Chain verified = Chain.EMPTY;
        private @Nullable Instant from;
        private @Nullable Instant to;

        Verifier(PublicKey key, @Nullable Checkpoint checkpoint, Consumer<AuditEntry> reader) {
            this.key = key;
            this.checkpoint = checkpoint;
            this.reader = reader;
        }

        AuditVerification verify(Path directory) {
            Optional<String> problem = unsigned().or(() -> {
                Optional<String> found = read(directory);
                // an earlier entry may be worse
                return flush().or(() -> found).or(this::cutOff);
            });
            HexFormat hex = HexFormat.of();
            return new AuditVerification(
                    verified.size(),
                    Optional.ofNullable(from),
                    Optional.ofNullable(to),
                    hex.formatHex(verified.frontier().root()),
                    hex.formatHex(verified.head()),
                    problem);
        }

        private Optional<String> unsigned() {
            return checkpoint == null || checkpoint.signedBy(key)
                    ? Optional.empty()
                    : Optional.of("the checkpoint is not signed with this key");
        }

        private Optional<String> read(Path directory) {
            try (LogCursor cursor = LogCursor.open(directory, 0)) {
                while (cursor.next()) {
                    Optional<String> problem = cursor.sequence() == chain.size()
                            ? check(AuditRecord.read(cursor.sequence(), cursor.record()))
                            : wrong("it is missing: the log goes on with entry " + cursor.sequence());
                    if (problem.isEmpty() && batch.size() >= BATCH) {
                        problem = flush();
                    }
                    if (problem.isPresent()) {
                        return problem;
                    }
                }
                return Optional.empty();
            } catch (FactoryException e) {
                return wrong(String.valueOf(e.getMessage()));
            }
        }

        private Optional<String> check(AuditRecord record) {
            if (record.before().isPresent() && !same(record.before().get(), chain)) {
                return wrong("what it says of the chain before it is not so");
            }
            Chain next = chain.append(record.payload());
            if (!Arrays.equals(next.head(), record.head())) {
                return wrong("it is not what the hash chain says: it, or the one before it, was changed");
            }
            AuditEntry entry = record.entry();
            if (to(entry).isAfter(entry.at())) {
                return wrong("its time " + entry.at() + " is before that of the entry before it");
            }
            batch.add(new Signed(entry, next, record));
            chain = next;
            return Optional.empty();
        }

        private Instant to(AuditEntry entry) {
            Instant before =
                    batch.isEmpty() ? to : batch.get(batch.size() - 1).entry.at();
            return before == null ? entry.at() : before;
        }

        /** Verifies the signatures of those that wait, on all processors: they are what takes time. */
        private Optional<String> flush() {
            List<Boolean> good = batch.parallelStream()
                    .map(signed -> AuditKey.verify(key, signed.chain.body(), signed.record.signature()))
                    .toList();
            for (int i = 0; i < good.size(); i++) {
                Signed signed = batch.get(i);
                if (!good.get(i)) {
                    batch.clear();
                    return Optional.of("entry " + signed.entry.sequence()
                            + ": its signature is not one of this key over the log up to it");
                }
                if (checkpoint != null
                        && checkpoint.size() == signed.chain.size()
                        && !Checkpoint.of(signed.chain, signed.record.signature())
                                .root()
                                .equals(checkpoint.root())) {
                    batch.clear();
                    return Optional.of("entry " + signed.entry.sequence()
                            + ": it, or one before it, is not what the checkpoint over " + checkpoint.size()
                            + " entries says");
                }
                verified = signed.chain;
                from = from == null ? signed.entry.at() : from;
                to = signed.entry.at();
                reader.accept(signed.entry);
            }
            batch.clear();
            return Optional.empty();
        }

        private Optional<String> cutOff() {
            return checkpoint == null || checkpoint.size() <= chain.size()
                    ? Optional.empty()
                    : wrong("it is gone: the checkpoint is over " + checkpoint.size() + " entries");
        }

        private Optional<String> wrong(String why) {
            return Optional.of("entry " + chain.size() + ": " + why);
        }

        private static boolean same(Chain a, Chain b) {
            return Arrays.equals(a.head(), b.head())
                    && Arrays.equals(a.frontier().root(), b.frontier().root());
        }
    }
}
