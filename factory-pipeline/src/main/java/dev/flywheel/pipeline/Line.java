package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DataException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.audit.AuditLog;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.registry.Registry;
import dev.flywheel.pipeline.train.Search;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The durable state of one pipeline in a home directory. Thread-safe. */
record Line(
        PipelineDirectory directory,
        Path datasets,
        Registry registry,
        InstantSource clock,
        @Nullable Consumer<Progress> progress,
        AuditLog audit,
        Freeze freeze,
        Approvals approvals,
        Encoders encoders,
        AtomicReference<RunExecution.@Nullable Promotion> serving,
        EnergyLedger energy)
        implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Line.class);
    private static final String WORK = "work";
    private static final String SEARCHES = "searches";
    private static final DateTimeFormatter RUN_ID =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

    static Line open(
            PipelineDirectory directory,
            Path datasets,
            InstantSource clock,
            @Nullable Consumer<Progress> progress,
            AuditLog audit,
            Freeze freeze,
            EnergyLedger energy) {
        Registry registry = Registry.open(directory, clock, audit);
        return Closing.onFailure(
                () -> {
                    Line line = new Line(
                            directory,
                            datasets,
                            registry,
                            clock,
                            progress,
                            audit,
                            freeze,
                            new Approvals(directory.approvals(), directory.name(), audit, clock),
                            new Encoders(datasets.resolveSibling("encoders"), directory.path()),
                            new AtomicReference<>(),
                            energy);
                    line.clear();
                    return line;
                },
                registry::close);
    }

    String name() {
        return directory.name();
    }

    Optional<ModelVersion> champion() {
        return registry.alias(Factory.CHAMPION);
    }

    /** {@return the champion and those that rollbacks would lead to, in that order} */
    List<ModelVersion> champions() {
        List<ModelVersion> versions = new ArrayList<>();
        champion().ifPresent(versions::add);
        versions.addAll(registry.rollbackPath(Factory.CHAMPION));
        return versions;
    }

    /** Makes a version champion, unless promotions are frozen; {@return why not, or empty}. */
    Optional<String> promote(ModelVersion version, String why, List<Verdict> evidence) {
        return freeze.unlessFrozen(() -> {
            registry.move(Factory.CHAMPION, version.number(), "flywheel", why, evidence);
            return Optional.empty();
        });
    }

    /** Makes the candidate champion that a person has approved, if there is one and nothing speaks against it now. */
    void promoteApproved() {
        synchronized (approvals) {
            approvals.given().ifPresent(this::promote);
        }
    }

    private void promote(Approvals.Saved approved) {
        OptionalInt champion =
                champion().map(version -> OptionalInt.of(version.number())).orElse(OptionalInt.empty());
        if (wasChampion(approved.version())) {
            approvals.end(approved, Approvals.Status.USED, ""); // a crash came before this was noted
        } else if (!champion.equals(approved.champion())) {
            approvals.end(
                    approved,
                    Approvals.Status.OVERTAKEN,
                    "the gates compared it with champion " + number(approved.champion()) + ", now it is "
                            + number(champion));
        } else {
            promoteWhole(approved);
        }
    }

    /** What an approval has put into production once, and a rollback taken back since, it does not put there again. */
    private boolean wasChampion(int version) {
        return registry.history(Factory.CHAMPION).stream()
                .anyMatch(move -> move.to().equals(OptionalInt.of(version)));
    }

    private void promoteWhole(Approvals.Saved approved) {
        try {
            ModelVersion version = registry.version(approved.version());
            String found = version.artifact().hash();
            if (!found.equals(approved.artifact())) {
                throw new StoreException(
                        "version " + approved.version() + " of pipeline \"" + name() + "\"",
                        "the artifact " + approved.artifact() + " was approved, found " + found,
                        "restore the version from a backup, or let another run make a candidate");
            }
            String why = "approved by " + approved.who() + " (" + approved.reason() + "): " + approved.why();
            RunExecution.Promotion served = serving.get();
            Optional<String> refusal = served == null
                    ? promote(version, why, approved.evidence())
                    : served.promote(version, why, approved.evidence()).refusal();
            refusal.ifPresentOrElse(
                    reason -> log.debug("version {} of {} waits: {}", version.number(), name(), reason),
                    () -> approvals.end(approved, Approvals.Status.USED, ""));
        } catch (ModelFormatException | StoreException e) {
            log.warn("the approved version {} of pipeline {} cannot serve", approved.version(), name(), e);
            approvals.end(approved, Approvals.Status.OVERTAKEN, "it cannot serve: " + e.getMessage());
        }
    }

    private static String number(OptionalInt version) {
        return version.isPresent() ? Integer.toString(version.getAsInt()) : "none";
    }

    /** {@return an event about this pipeline, to be completed} */
    AuditEvent event(String actor, String action) {
        return AuditEvent.of(actor, action, name());
    }

    /** Tells the audit log of what has happened already, so that nothing can be refused any more if the disk fails. */
    void tell(AuditEvent event) {
        try {
            audit.append(event);
        } catch (StoreException | ClosedException e) {
            log.error("the audit log lacks {}", event, e);
        }
    }

    /** Takes the champion back so many versions; {@return the version that it is then}. */
    ModelVersion rollBack(int versions, String who, String why) {
        for (int i = 0; i < versions; i++) {
            registry.rollback(Factory.CHAMPION, who, why);
        }
        return champion().orElseThrow();
    }

    /**
     * What definition.json holds.
     *
     * @param target what the models learn; null in files of a time before it was kept
     */
    private record Definition(String hash, @Nullable String target, String definition) {}

    /**
     * The champion, the predictions and their outcomes are about one target, which the name of the pipeline stands for.
     *
     * @throws DataException if the definition has another
     */
    void requireSameTarget(Pipeline<?, ?, ?> pipeline) {
        Path file = directory.definition();
        if (champion().isEmpty() || !Files.exists(file)) {
            return;
        }
        String before = Json.readKnown(read(file), Definition.class, file.toString()).target;
        String now = pipeline.source().target().describe();
        if (before != null && !before.equals(now)) {
            throw new DataException(
                    "pipeline \"" + name() + "\" cannot predict \"" + now + "\"",
                    "its versions and the outcomes in " + directory.path() + " are of \"" + before + "\"",
                    "give the pipeline of the new target another name");
        }
    }

    /** Keeps the definition that runs now, with its hash. */
    void remember(Pipeline<?, ?, ?> pipeline) {
        Definition definition =
                new Definition(pipeline.hash(), pipeline.source().target().describe(), pipeline.describe());
        Durable.write(directory.definition(), Json.write(definition));
    }

    /** {@return the file that remembers what the source gave last} */
    Path history() {
        return directory.path().resolve("history.json");
    }

    /** {@return the directory of a run that starts now; ids sort by start as long as the clock does not go back} */
    Path newRun() {
        String second = RUN_ID.format(clock.instant());
        for (int number = 1; ; number++) {
            Path run = directory.run(String.format(Locale.ROOT, "%s-%03d", second, number));
            if (!Files.exists(run)) {
                Durable.createDirectories(run);
                return run;
            }
        }
    }

    /** {@return a directory for what a run needs only while it lasts} */
    Path work(Path run) {
        Path work = run.resolve(WORK);
        Durable.createDirectories(work);
        return work;
    }

    /** {@return a new directory for what is needed for a moment; to be discarded} */
    Path scratch() {
        Path scratch = directory.path().resolve(UUID.randomUUID() + Durable.UNFINISHED);
        Durable.createDirectories(scratch);
        return scratch;
    }

    /** Deletes what a run needed while it lasted; what cannot be deleted now is when the factory opens again. */
    static void endWork(Path run) {
        discard(run.resolve(WORK));
    }

    /** {@return where the search or the training of a candidate keeps how far it is, also beyond a crash} */
    Path search(int candidate) {
        return directory.path().resolve(SEARCHES).resolve("search-" + candidate);
    }

    /** Puts the journals of ended searches beside the run's report; a run that comes searches anew. */
    void endSearches(Path run) {
        Path searches = directory.path().resolve(SEARCHES);
        if (!Files.exists(searches)) {
            return;
        }
        try (DirectoryStream<Path> all = Files.newDirectoryStream(searches)) {
            for (Path search : all) {
                Path journal = search.resolve(Search.JOURNAL);
                if (Files.exists(journal)) {
                    Durable.move(journal, run.resolve(search.getFileName() + ".jsonl"));
                }
            }
        } catch (IOException | StoreException e) {
            log.warn("the journals in {} are not kept", searches, e);
        }
        discard(searches);
    }

    static void discard(Path doomed) {
        try {
            Durable.delete(doomed);
        } catch (StoreException e) {
            log.warn("{} is left for later", doomed, e);
        }
    }

    /** {@return when the last run started, as its id tells; the beginning of time if there was none} */
    Instant lastRun() {
        return runIds().stream()
                .filter(id -> id.matches("\\d{8}T\\d{6}-\\d+"))
                .max(Comparator.naturalOrder())
                .map(id -> RUN_ID.parse(id.substring(0, id.indexOf('-')), Instant::from))
                .orElse(Instant.MIN);
    }

    void mark(String name, String text) {
        Durable.write(directory.path().resolve(name), text.getBytes(StandardCharsets.UTF_8));
    }

    Optional<String> marked(String name) {
        Path file = directory.path().resolve(name);
        return Files.exists(file) ? Optional.of(new String(read(file), StandardCharsets.UTF_8)) : Optional.empty();
    }

    void unmark(String name) {
        Durable.delete(directory.path().resolve(name));
    }

    /**
     * {@return the content of a file}
     *
     * @throws StoreException if it cannot be read
     */
    static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    void report(String stage, double done) {
        if (progress != null) {
            progress.accept(new Progress(name(), stage, done));
        }
    }

    /** A process that was killed leaves datasets that nobody will ever read, and unfinished files. */
    private void clear() {
        runIds().forEach(id -> endWork(directory.run(id)));
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory.path(), "*" + Durable.UNFINISHED)) {
            files.forEach(Line::discard);
        } catch (IOException e) {
            throw unreadable(directory.path(), e);
        }
    }

    private List<String> runIds() {
        if (!Files.exists(directory.runs())) {
            return List.of();
        }
        try (Stream<Path> runs = Files.list(directory.runs())) {
            return runs.map(run -> run.getFileName().toString()).toList();
        } catch (IOException e) {
            throw unreadable(directory.runs(), e);
        }
    }

    private static StoreException unreadable(Path path, IOException e) {
        return new StoreException(
                "reading " + path,
                "the file system says " + e,
                "check that the disk is mounted and that this user may read there",
                e);
    }

    @Override
    public void close() {
        Closing.all(encoders::close, registry::close);
    }
}
