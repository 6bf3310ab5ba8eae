package dev.flywheel.core.audit;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.SegmentLog;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * What was done to a factory: entries that are added and never changed. Thread-safe. Whoever opened it closes it.
 *
 * <p>Each entry is bound to all before it by a hash chain and by a Merkle tree (RFC 6962), and signed together with
 * them: whoever changes, removes or adds an entry without the key is found out by {@link AuditVerification}, and
 * whoever cuts off the newest or replaces the whole by everybody who keeps a {@link Checkpoint}. An entry is on the
 * disk when {@link #append(AuditEvent)} returns. Opening a log reads its newest file (4 MiB), however long it is.
 */
public final class AuditLog implements AutoCloseable {

    private static final long SEGMENT_BYTES = 4L << 20;

    private final Path directory;
    private final SegmentLog log;
    private final AuditKey key;
    private final InstantSource clock;
    private final ReentrantLock appending = new ReentrantLock();
    // all under "appending"
    private Chain chain = Chain.EMPTY;
    private byte[] signature;
    private Instant last = Instant.MIN;
    private boolean closed;

    private AuditLog(Path directory, SegmentLog log, AuditKey key, InstantSource clock) {
        this.directory = directory;
        this.log = log;
        this.key = key;
        this.clock = clock;
        this.signature = key.sign(chain.body());
    }

    /**
     * Opens a log that is signed with a key beside it, creating both if they do not exist.
     *
     * @param directory where the log's files are
     * @param clock tells when entries are added
     * @throws StoreException if another has it open, its key is gone, its newest entries are damaged or were changed,
     *     or the file system refuses
     */
    public static AuditLog open(Path directory, InstantSource clock) {
        return open(directory, clock, Optional.empty());
    }

    /**
     * Opens a log that is signed with a key that the host keeps.
     *
     * @see #open(Path, InstantSource)
     */
    public static AuditLog open(Path directory, InstantSource clock, AuditKey key) {
        return open(directory, clock, Optional.of(key));
    }

    private static AuditLog open(Path directory, InstantSource clock, Optional<AuditKey> given) {
        Path path = directory.toAbsolutePath();
        SegmentLog log = SegmentLog.open(path, SEGMENT_BYTES);
        try {
            AuditKey key = given.orElseGet(() -> AuditKey.inside(path, log.nextSequence()));
            if (given.isPresent() && log.nextSequence() == 0) {
                Durable.write(AuditKey.publicFile(path), key.publicPem().getBytes(StandardCharsets.US_ASCII));
            }
            AuditLog audit = new AuditLog(path, log, key, Objects.requireNonNull(clock, "clock"));
            audit.resume();
            return audit;
        } catch (RuntimeException | Error e) {
            log.close();
            throw e;
        }
    }

    /** Goes on after the last entry, if that is signed with the key. */
    private void resume() {
        long size = log.nextSequence();
        if (size == 0) {
            return;
        }
        long start = (size - 1) / AuditRecord.STRIDE * AuditRecord.STRIDE;
        try (LogCursor cursor = log.read(start)) {
            Chain now = Chain.EMPTY;
            AuditRecord record = null;
            while (now.size() < size && cursor.next()) {
                record = AuditRecord.read(cursor.sequence(), cursor.record());
                now = record.before().orElse(now).append(record.payload());
                if (!Arrays.equals(now.head(), record.head())) {
                    throw AuditRecord.damaged(record.sequence(), "it is not what the hash chain says");
                }
            }
            if (record == null || now.size() != size) {
                throw AuditRecord.damaged(now.size(), "it is missing");
            }
            if (!AuditKey.verify(key.publicKey(), now.body(), record.signature())) {
                throw new StoreException(
                        "opening audit log " + directory,
                        "entry " + record.sequence() + ", its last, is not signed with this key",
                        "give the key that signs this log; if it is this one, somebody has changed the log:"
                                + " VerifyAudit tells where");
            }
            chain = now;
            signature = record.signature();
            last = record.entry().at();
        }
    }

    /**
     * Adds an entry; when this returns it is on the disk.
     *
     * @throws StoreException if the disk is full or fails, now or before
     * @throws ClosedException if the log was closed
     */
    public AuditEntry append(AuditEvent event) {
        return append(event, sequence -> {});
    }

    /**
     * Makes a fact durable and then adds the entry that tells of it, so that a crash between the two leaves a fact that
     * {@link #complete} finds. Nobody else adds an entry in between.
     *
     * @param event what was done; its detail {@link AuditEvent#FACT} names the fact, so that no other has this name
     * @param fact writes the fact together with the entry's sequence, which it is given; if it throws, no entry is
     *     added. It runs under a lock, so it must not wait for another thread
     * @throws StoreException if the disk is full or fails; the fact may then stand without its entry until
     *     {@link #complete}
     * @throws ClosedException if the log was closed
     */
    public AuditEntry append(AuditEvent event, LongConsumer fact) {
        Objects.requireNonNull(event, "event");
        AuditEntry entry;
        appending.lock();
        try {
            requireWritable();
            fact.accept(chain.size());
            entry = add(event);
        } finally {
            appending.unlock();
        }
        log.sync(entry.sequence());
        return entry;
    }

    /**
     * Adds the entry of a fact if a crash has kept it from the log.
     *
     * @param sequence the sequence that the fact was written with
     * @param event what was done, as far as the fact tells; its detail {@link AuditEvent#FACT} names the fact
     * @param fact writes the fact again, with another sequence
     * @return whether the entry was missing
     */
    public boolean complete(long sequence, AuditEvent event, LongConsumer fact) {
        String name = Objects.requireNonNull(event.details().get(AuditEvent.FACT), AuditEvent.FACT);
        Optional<AuditEvent> there = entry(sequence).map(AuditEntry::event);
        if (there.isPresent()
                && there.get().subject().equals(event.subject())
                && name.equals(there.get().details().get(AuditEvent.FACT))) {
            return false;
        }
        append(event.with("added", "when it was found without an entry"), fact);
        return true;
    }

    private AuditEntry add(AuditEvent event) {
        Instant now = clock.instant();
        Instant at = now.isBefore(last) ? last : now;
        byte[] payload = AuditEntry.payload(chain.size(), at, event);
        Chain next = chain.append(payload);
        byte[] signed = key.sign(next.body());
        log.append(AuditRecord.write(chain, next, signed, payload));
        AuditEntry entry =
                new AuditEntry(chain.size(), at, event, HexFormat.of().formatHex(next.head()));
        chain = next;
        signature = signed;
        last = at;
        return entry;
    }

    /** {@return the number of entries} */
    public long size() {
        appending.lock();
        try {
            return chain.size();
        } finally {
            appending.unlock();
        }
    }

    /** {@return the key with which anybody can verify the log} */
    public PublicKey publicKey() {
        return key.publicKey();
    }

    /** {@return the key with which anybody can verify the log, as PEM text} */
    public String publicPem() {
        return key.publicPem();
    }

    /** {@return the entry of a sequence, if there is one; reads one file of 4 MiB at most} */
    public Optional<AuditEntry> entry(long sequence) {
        if (sequence < 0 || sequence >= size()) {
            return Optional.empty();
        }
        try (LogCursor cursor = log.read(sequence)) {
            return cursor.next()
                    ? Optional.of(
                            AuditRecord.read(cursor.sequence(), cursor.record()).entry())
                    : Optional.empty();
        }
    }

    /**
     * Reads entries in order, as many as there are when it is called.
     *
     * @param from the first sequence of interest
     * @param reader gets each entry; it may add entries
     */
    public void read(long from, Consumer<AuditEntry> reader) {
        long end = size();
        records(from, end, record -> reader.accept(record.entry()));
    }

    /**
     * {@return the entries about a pipeline, or about {@link AuditEvent#FACTORY}, oldest first; reads the whole log}
     */
    public List<AuditEntry> history(String subject) {
        // canonical JSON ends with the subject; to parse every entry would take ten times as long
        byte[] end = (",\"subject\":" + new CanonicalJson().text(subject) + "}").getBytes(StandardCharsets.UTF_8);
        List<AuditEntry> found = new ArrayList<>();
        records(0, size(), record -> {
            int from = record.payload().length - end.length;
            if (from >= 0 && Arrays.equals(record.payload(), from, from + end.length, end, 0, end.length)) {
                found.add(record.entry());
            }
        });
        return List.copyOf(found);
    }

    /** {@return what the log holds now, signed; whoever keeps it elsewhere can show any later change} */
    public Checkpoint checkpoint() {
        Checkpoint checkpoint;
        appending.lock();
        try {
            checkpoint = Checkpoint.of(chain, signature);
        } finally {
            appending.unlock();
        }
        if (checkpoint.size() > 0) {
            log.sync(checkpoint.size() - 1);
        }
        return checkpoint;
    }

    /**
     * {@return a proof that the log holds an entry; reads the whole log}
     *
     * @throws IndexOutOfBoundsException if there is no such entry
     */
    public InclusionProof inclusion(long sequence) {
        Checkpoint checkpoint = checkpoint();
        Objects.checkIndex(sequence, checkpoint.size());
        String[] payload = new String[1];
        List<String> path = roots(Merkle.inclusion(sequence, checkpoint.size()), checkpoint.size(), record -> {
            if (record.sequence() == sequence) {
                payload[0] = new String(record.payload(), StandardCharsets.UTF_8);
            }
        });
        return new InclusionProof(Objects.requireNonNull(payload[0]), sequence, path, checkpoint);
    }

    /**
     * {@return a proof that the log was only added to since a checkpoint; reads the whole log. It does not hold if the
     * checkpoint is of another log}
     *
     * @throws IllegalArgumentException if the checkpoint has more entries than the log
     */
    public ConsistencyProof consistency(Checkpoint since) {
        Checkpoint now = checkpoint();
        if (since.size() > now.size()) {
            throw new IllegalArgumentException(
                    "the checkpoint has " + since.size() + " entries, the log has " + now.size());
        }
        List<String> path = roots(Merkle.consistency(since.size(), now.size()), now.size(), record -> {});
        return new ConsistencyProof(since, now, path);
    }

    private List<String> roots(List<Merkle.Range> parts, long end, Consumer<AuditRecord> also) {
        TreeMap<Long, Frontier> growing = new TreeMap<>();
        parts.forEach(part -> growing.put(part.from(), Frontier.EMPTY));
        Map<Long, Long> ends = new TreeMap<>();
        parts.forEach(part -> ends.put(part.from(), part.to()));
        records(0, end, record -> {
            also.accept(record);
            Long from = growing.floorKey(record.sequence());
            if (from != null && record.sequence() < ends.getOrDefault(from, 0L)) {
                growing.computeIfPresent(from, (start, part) -> part.append(Merkle.leaf(record.payload())));
            }
        });
        return parts.stream()
                .map(part -> HexFormat.of()
                        .formatHex(
                                Objects.requireNonNull(growing.get(part.from())).root()))
                .toList();
    }

    private void records(long from, long end, Consumer<AuditRecord> reader) {
        try (LogCursor cursor = log.read(Math.max(0, from))) {
            while (cursor.next() && cursor.sequence() < end) {
                reader.accept(AuditRecord.read(cursor.sequence(), cursor.record()));
            }
        }
    }

    private void requireWritable() {
        if (closed) {
            throw new ClosedException("audit log " + directory, "it was closed", "open it again");
        }
        if (log.failed()) {
            throw new StoreException(
                    "adding to audit log " + directory,
                    "the disk has failed or was full before",
                    "free space on the disk or mend it, then close and open the factory again");
        }
    }

    /** Lets another open the log. Further calls do nothing. */
    @Override
    public void close() {
        appending.lock();
        try {
            closed = true;
        } finally {
            appending.unlock();
        }
        log.close();
    }
}
