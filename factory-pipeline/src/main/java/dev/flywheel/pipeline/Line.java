package dev.flywheel.pipeline;

import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.registry.Registry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The durable state of one pipeline in a home directory. Thread-safe. */
record Line(
        PipelineDirectory directory,
        Path datasets,
        Registry registry,
        InstantSource clock,
        @Nullable Consumer<Progress> progress)
        implements AutoCloseable {

    private static final String WORK = "work";
    private static final DateTimeFormatter RUN_ID =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

    static Line open(
            PipelineDirectory directory, Path datasets, InstantSource clock, @Nullable Consumer<Progress> progress) {
        Line line = new Line(directory, datasets, Registry.open(directory, clock), clock, progress);
        line.clearInterruptedRuns();
        return line;
    }

    String name() {
        return directory.name();
    }

    Optional<ModelVersion> champion() {
        return registry.alias(Factory.CHAMPION);
    }

    /** {@return the versions that were champion, the newest first, each once} */
    List<ModelVersion> champions() {
        Set<Integer> numbers = new LinkedHashSet<>();
        List<AliasMove> moves = new ArrayList<>(registry.history(Factory.CHAMPION));
        for (int i = moves.size() - 1; i >= 0; i--) {
            moves.get(i).to().ifPresent(numbers::add);
        }
        Set<Integer> existing = new LinkedHashSet<>();
        registry.versions().forEach(version -> existing.add(version.number()));
        numbers.retainAll(existing);
        return numbers.stream().map(registry::version).toList();
    }

    /** Keeps the definition that runs now, with its hash. */
    void remember(Pipeline<?, ?, ?> pipeline) {
        Map<String, String> definition = new LinkedHashMap<>();
        definition.put("hash", pipeline.hash());
        definition.put("definition", pipeline.describe());
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

    void endWork(Path run) {
        Path work = run.resolve(WORK);
        if (Files.exists(work)) {
            Durable.delete(work);
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
        try {
            return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void unmark(String name) {
        Path file = directory.path().resolve(name);
        if (Files.exists(file)) {
            Durable.delete(file);
        }
    }

    void report(String stage, double done) {
        if (progress != null) {
            progress.accept(new Progress(name(), stage, done));
        }
    }

    /** A run that was killed leaves datasets that nobody will ever read. */
    private void clearInterruptedRuns() {
        runIds().forEach(id -> endWork(directory.run(id)));
    }

    private List<String> runIds() {
        if (!Files.exists(directory.runs())) {
            return List.of();
        }
        try (Stream<Path> runs = Files.list(directory.runs())) {
            return runs.map(run -> run.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        registry.close();
    }
}
