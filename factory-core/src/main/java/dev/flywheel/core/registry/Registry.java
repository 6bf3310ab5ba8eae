package dev.flywheel.core.registry;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions of one pipeline's models and the aliases that name them. Thread-safe; readers never wait, and see one
 * version for an alias at any time. Whoever opened it closes it.
 *
 * <p>A version is a directory that gets its name by one rename, an alias moves by one record of a log: what a method
 * has returned is on the disk, and a crash leaves nothing half done. Numbers are 1, 2, 3 and so on; none is given away
 * twice, also after deletion or a crash.
 */
public final class Registry implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Registry.class);

    private final PipelineDirectory directory;
    private final VersionFiles files;
    private final InstantSource clock;
    private final ReentrantLock changing = new ReentrantLock();
    private final @Nullable SegmentLog log;
    private final @Nullable Audited audited;
    // under "changing": whether the last change may stand without its entry in the audit log
    private boolean untold;
    // for a view alone, under "changing"
    private @Nullable LogCursor tail;
    private volatile RegistryState state = RegistryState.EMPTY;

    private Registry(
            PipelineDirectory directory, InstantSource clock, @Nullable SegmentLog log, @Nullable AuditLog audit) {
        this.directory = directory;
        this.files = new VersionFiles(directory);
        this.clock = clock;
        this.log = log;
        this.audited = log == null || audit == null ? null : new Audited(directory.name(), log, audit);
    }

    /**
     * Opens a pipeline's registry for reading and writing, creating it if it does not exist, and clears away what a
     * crash has left.
     *
     * @param clock tells when an alias moves
     * @throws StoreException if another has it open, its log is damaged or the file system refuses
     */
    public static Registry open(PipelineDirectory directory, InstantSource clock) {
        return open(directory, clock, Optional.empty());
    }

    /**
     * Opens a pipeline's registry so that an audit log tells of every change: of those that come, and of those before
     * that it does not hold yet, because there was no audit log or a crash came between.
     *
     * @param audit the log; it stays open until the registry is closed
     * @see #open(PipelineDirectory, InstantSource)
     */
    public static Registry open(PipelineDirectory directory, InstantSource clock, AuditLog audit) {
        return open(directory, clock, Optional.of(audit));
    }

    private static Registry open(PipelineDirectory directory, InstantSource clock, Optional<AuditLog> audit) {
        Durable.createDirectories(directory.versions());
        SegmentLog log = SegmentLog.open(directory.aliases());
        Registry registry = new Registry(directory, Objects.requireNonNull(clock, "clock"), log, audit.orElse(null));
        try {
            try (LogCursor cursor = log.read(0)) {
                registry.replay(cursor);
            }
            if (registry.audited != null) {
                registry.audited.catchUp(registry.state, registry.files);
            }
            registry.clear();
            return registry;
        } catch (RuntimeException | Error e) {
            log.close();
            throw e;
        }
    }

    /**
     * Opens a pipeline's registry for reading alone, also while another process writes it. Each call sees what was
     * acknowledged before; a call that changes something throws {@link UnsupportedOperationException}.
     */
    public static Registry view(PipelineDirectory directory) {
        return new Registry(directory, InstantSource.system(), null, null);
    }

    /**
     * Makes an empty directory on the registry's own file system, to write and seal an artifact in. It is deleted when
     * the registry is opened again, unless it was registered.
     */
    public Path stage() {
        Path staging = directory.staging().resolve(UUID.randomUUID().toString());
        Durable.createDirectories(staging);
        return staging;
    }

    /**
     * Registers a sealed artifact under the next number. The directory becomes the version's: it is moved away.
     *
     * @param staging a directory with a sealed artifact, best from {@link #stage}
     * @param card where the version comes from and how good it is
     * @throws ModelFormatException if the artifact is not sealed or is damaged
     * @throws StoreException if the directory is on another file system, or the file system refuses
     */
    public ModelVersion register(Path staging, ModelCard card) {
        SegmentLog log = writable();
        changing.lock();
        try {
            int number = 1 + Math.max(state.lastNumber(), files.highest());
            ModelVersion described = ModelVersion.describe(staging, number, card);
            ModelVersion version = files.at(number);
            Entry entry = entry(Entry.Kind.NUMBERED, "", number, "flywheel", "run " + card.runId(), card.verdicts());
            commit(log, entry, described, () -> Durable.move(staging, version.directory()));
            LOG.debug("pipeline {}: registered version {}", directory.name(), number);
            return version;
        } finally {
            changing.unlock();
        }
    }

    /** {@return all versions by number, damaged ones too} */
    public List<ModelVersion> versions() {
        RegistryState now = current();
        List<ModelVersion> versions = new ArrayList<>();
        for (int number : files.numbers()) {
            if (!now.deleted().contains(number)) {
                versions.add(files.at(number));
            }
        }
        return List.copyOf(versions);
    }

    /**
     * {@return the version of a number}
     *
     * @throws StoreException if there is none; the message tells those that exist
     */
    public ModelVersion version(int number) {
        if (current().deleted().contains(number) || !files.exists(number)) {
            throw new StoreException(
                    "pipeline " + directory.name(),
                    "it has no version " + number + ", but "
                            + versions().stream().map(ModelVersion::number).toList(),
                    "name one of these");
        }
        return files.at(number);
    }

    /** {@return the version that an alias names, if it names one} */
    public Optional<ModelVersion> alias(String alias) {
        int number = current().current(alias);
        return number == 0 ? Optional.empty() : Optional.of(files.at(number));
    }

    /** {@return every alias that names a version, with the version's number} */
    public Map<String, Integer> aliases() {
        return current().current();
    }

    /**
     * Points an alias to a version, whatever it named before.
     *
     * @param alias such as "champion", "challenger", "shadow"
     * @param version the number of an existing version
     * @param who the person or part that does it
     * @param why the reason
     * @param evidence what the gates said; may be empty
     * @throws StoreException if there is no such version, or the move cannot be put on the disk
     */
    public AliasMove move(String alias, int version, String who, String why, List<Verdict> evidence) {
        SegmentLog log = writable();
        PipelineDirectory.checkName("an alias", alias);
        changing.lock();
        try {
            version(version);
            commit(log, Entry.Kind.MOVED, alias, version, who, why, evidence);
            return lastMove(alias);
        } finally {
            changing.unlock();
        }
    }

    /**
     * Takes an alias back to the version that it named before, as an undo does: rolled back twice it is two versions
     * back, and a move after a rollback starts from there (moves to 1, 2, 3, rollback to 2, move to 4: two rollbacks
     * lead to 2 and 1). Versions deleted meanwhile are passed over; an alias that was removed or lost its version goes
     * to the last version that it named and that still exists.
     *
     * @throws StoreException if there is no version to go back to
     */
    public AliasMove rollback(String alias, String who, String why) {
        SegmentLog log = writable();
        changing.lock();
        try {
            int before = state.before(alias);
            if (before == 0) {
                throw new StoreException(
                        "rolling back alias \"" + alias + "\" of pipeline " + directory.name(),
                        state.current(alias) == 0
                                ? "it names no version"
                                : "it names version " + state.current(alias) + " and named no other before",
                        "move it to one of the versions "
                                + versions().stream().map(ModelVersion::number).toList());
            }
            commit(log, Entry.Kind.ROLLED_BACK, alias, before, who, why, List.of());
            return lastMove(alias);
        } finally {
            changing.unlock();
        }
    }

    /** {@return the versions that one {@link #rollback} of an alias after the other would lead to, the next first} */
    public List<ModelVersion> rollbackPath(String alias) {
        return current().path(alias).stream().map(files::at).toList();
    }

    /**
     * Takes an alias away; its history stays.
     *
     * @return the change, or empty if it named no version
     */
    public Optional<AliasMove> remove(String alias, String who, String why) {
        SegmentLog log = writable();
        changing.lock();
        try {
            if (state.current(alias) == 0) {
                return Optional.empty();
            }
            commit(log, Entry.Kind.REMOVED, alias, 0, who, why, List.of());
            return Optional.of(lastMove(alias));
        } finally {
            changing.unlock();
        }
    }

    /**
     * Deletes a version; every alias on it disappears with it. Its number is never given away again.
     *
     * @throws StoreException if there is no such version
     */
    public void delete(int version, String who, String why) {
        SegmentLog log = writable();
        changing.lock();
        try {
            version(version);
            commit(log, Entry.Kind.DELETED, "", version, who, why, List.of());
            files.discard(version);
        } finally {
            changing.unlock();
        }
    }

    /** {@return every move of an alias, oldest first} */
    public List<AliasMove> history(String alias) {
        return current().history(alias);
    }

    /** {@return the move that an alias's version at an instant came from: who, when, why, on what evidence} */
    public Optional<AliasMove> moveAt(String alias, Instant at) {
        return Optional.ofNullable(current().lastMove(alias, at));
    }

    /** {@return the version that an alias named at an instant, if any; it may be deleted since} */
    public Optional<ModelVersion> alias(String alias, Instant at) {
        OptionalInt number = versionAt(alias, at);
        return number.isPresent() ? Optional.of(files.at(number.getAsInt())) : Optional.empty();
    }

    /** {@return the number of the version that an alias named at an instant, if any; it may be deleted since} */
    public OptionalInt versionAt(String alias, Instant at) {
        AliasMove move = current().lastMove(alias, at);
        return move == null ? OptionalInt.empty() : move.to();
    }

    /** Lets another open the registry. Further calls do nothing. */
    @Override
    public void close() {
        changing.lock();
        try {
            if (log != null) {
                log.close();
            }
            if (tail != null) {
                tail.close();
                tail = null;
            }
        } finally {
            changing.unlock();
        }
    }

    private void commit(
            SegmentLog log,
            Entry.Kind kind,
            String alias,
            int version,
            String who,
            String why,
            List<Verdict> evidence) {
        commit(log, entry(kind, alias, version, who, why, evidence), version == 0 ? null : files.at(version), () -> {});
    }

    private Entry entry(Entry.Kind kind, String alias, int version, String who, String why, List<Verdict> evidence) {
        Instant now = clock.instant();
        Instant at = now.isBefore(state.lastChange()) ? state.lastChange() : now;
        return new Entry(Entry.FORMAT, kind, at, alias, version, who, why, evidence, null, null);
    }

    /** @param rest what belongs to the change and comes after its record */
    private void commit(SegmentLog log, Entry entry, @Nullable ModelVersion version, Runnable rest) {
        if (audited == null) {
            commit(log, entry);
            rest.run();
        } else {
            tellWhatFailed(audited);
            untold = true;
            audited.commit(state, entry, version, audit -> {
                commit(log, entry.audited(audit));
                rest.run();
            });
            untold = false;
        }
    }

    /** While this is open nobody else looks for it, and only the last change is looked at when it opens again. */
    private void tellWhatFailed(Audited audit) {
        if (untold) {
            audit.catchUp(state, files);
        }
    }

    private void commit(SegmentLog log, Entry entry) {
        RegistryState after = state.apply(entry);
        log.commit(entry.json());
        state = after;
    }

    private AliasMove lastMove(String alias) {
        return Objects.requireNonNull(state.lastMove(alias, Instant.MAX));
    }

    private SegmentLog writable() {
        if (log == null) {
            throw new UnsupportedOperationException(
                    "the registry of pipeline " + directory.name() + " is a view: change it through Registry.open");
        }
        return log;
    }

    private RegistryState current() {
        if (log != null) {
            return state;
        }
        changing.lock();
        try {
            if (tail == null && Files.isDirectory(directory.aliases())) {
                tail = LogCursor.open(directory.aliases(), 0);
            }
            if (tail != null) {
                replay(tail);
            }
            return state;
        } finally {
            changing.unlock();
        }
    }

    private void replay(LogCursor cursor) {
        RegistryState next = state;
        while (cursor.next()) {
            next = next.apply(Entry.of(cursor.record(), "record " + cursor.sequence() + " of " + directory.aliases()));
        }
        state = next;
    }

    /** Removes staging directories, and finishes deletions that a crash has cut short. */
    private void clear() {
        for (int number : state.deleted()) {
            files.discard(number);
        }
        Durable.delete(directory.staging());
    }
}
