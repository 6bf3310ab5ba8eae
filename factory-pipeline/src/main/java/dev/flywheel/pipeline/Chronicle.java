package dev.flywheel.pipeline;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Episode;
import dev.flywheel.pipeline.evaluate.Timeline;
import dev.flywheel.pipeline.watch.WatchHistory;
import dev.flywheel.pipeline.watch.WindowResult;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Collects what a pipeline's directory and the audit log tell of it over time. What is missing or damaged leaves a gap
 * and a sentence, never a failure: the report is read when something is wrong. Not thread-safe.
 */
final class Chronicle {

    /** Runs whose reports are read; each takes about a millisecond. */
    static final int MOST_RUNS = 500;

    private final Line line;
    private final List<String> absent = new ArrayList<>();

    private Chronicle(Line line) {
        this.line = line;
    }

    /** Writes the report of a pipeline; {@return the file}. */
    static Path write(Line line) {
        Path file = line.directory().path().resolve("report.html");
        Durable.write(file, new Chronicle(line).tell().html().getBytes(StandardCharsets.UTF_8));
        return file;
    }

    private Timeline tell() {
        TriggerState rules = TriggerState.read(line, 0);
        List<AuditEntry> entries = entries();
        List<Timeline.Version> versions =
                line.registry().versions().stream().map(Chronicle::version).toList();
        List<AliasMove> moves = line.registry().history(Factory.CHAMPION);
        List<Path> directories = newestRuns();
        List<Episode> runs = runs(directories);
        List<WindowResult> results = watched();
        List<Timeline.Window> windows =
                results.stream().map(result -> window(result, metric(results))).toList();
        Happenings happenings = new Happenings();
        happenings.audit(entries);
        if (entries.isEmpty()) {
            happenings.moves(moves);
            happenings.runs(runs);
        }
        happenings.decisions(rules.decisions());
        happenings.watch(results);
        Timeline.Labels labels = labels();
        List<Timeline.Trial> trials = trials(directories, entries);
        return new Timeline(
                line.name(),
                now(moves, windows),
                standing(rules),
                versions,
                moves,
                runs,
                windows,
                happenings.all(),
                labels,
                trials,
                absent);
    }

    private List<AuditEntry> entries() {
        try {
            return Stream.of(line.name(), AuditEvent.FACTORY)
                    .flatMap(subject -> line.audit().history(subject).stream())
                    .toList();
        } catch (FactoryException e) {
            absent.add("What the audit log says: " + e.getMessage());
            return List.of();
        }
    }

    /** {@return what keeps the champion from changing, in sentences} */
    private String standing(TriggerState rules) {
        return Stream.of(line.freeze().reason(), Pause.kept(line), Optional.ofNullable(rules.stopped()))
                .flatMap(Optional::stream)
                .map(Chronicle::asSentence)
                .collect(Collectors.joining(" "));
    }

    private static String asSentence(String words) {
        String upper = words.isEmpty() ? words : words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
        return upper.endsWith(".") ? upper : upper + ".";
    }

    /** A clock that was set back must not put the past into the future. */
    private Instant now(List<AliasMove> moves, List<Timeline.Window> windows) {
        return Stream.of(
                        Stream.of(line.clock().instant()),
                        moves.stream().map(AliasMove::at),
                        windows.stream().map(Timeline.Window::to))
                .flatMap(times -> times)
                .max(Instant::compareTo)
                .orElseThrow();
    }

    private static Timeline.Version version(ModelVersion version) {
        try {
            return new Timeline.Version(version.number(), version.card(), "");
        } catch (StoreException e) {
            return new Timeline.Version(version.number(), null, "The card cannot be read: " + e.getMessage());
        }
    }

    private List<Timeline.Trial> trials(List<Path> runs, List<AuditEntry> entries) {
        TrialStories stories = new TrialStories(line, runs, entries);
        if (stories.unread() > 0) {
            absent.add("Of " + stories.unread() + " versions in traffic nothing can be read: the file is damaged.");
        }
        return stories.all();
    }

    private List<Path> newestRuns() {
        List<Path> directories = runDirectories();
        List<Path> newest = directories.subList(Math.max(0, directories.size() - MOST_RUNS), directories.size());
        if (newest.size() < directories.size()) {
            absent.add("Of " + directories.size() + " runs the first " + (directories.size() - newest.size())
                    + " are not shown.");
        }
        return newest;
    }

    private List<Episode> runs(List<Path> directories) {
        List<Episode> runs = new ArrayList<>();
        int unread = 0;
        for (Path directory : directories) {
            Path file = directory.resolve("run.json");
            try {
                runs.add(Episode.read(Line.read(file), file.toString()));
            } catch (StoreException | NullPointerException | IndexOutOfBoundsException e) {
                unread++;
            }
        }
        if (unread > 0) {
            absent.add(unread + " of " + directories.size()
                    + " runs left no report that can be read: they go on, were cut short, or the file is damaged.");
        }
        return runs;
    }

    private List<Path> runDirectories() {
        Path runs = line.directory().runs();
        if (!Files.exists(runs)) {
            return List.of();
        }
        try (Stream<Path> found = Files.list(runs)) {
            return found.sorted().toList();
        } catch (IOException e) {
            absent.add("The runs cannot be listed: " + e + ".");
            return List.of();
        }
    }

    private List<WindowResult> watched() {
        try {
            List<WindowResult> results = WatchHistory.read(line.directory());
            if (results.isEmpty()) {
                absent.add("Drift and quality over time: no window of predictions was watched, or none is full yet.");
            }
            return results;
        } catch (FactoryException e) {
            absent.add("Drift and quality over time: " + e.getMessage());
            return List.of();
        }
    }

    /** {@return the metric of which most is known; null if no quality is} */
    private static @Nullable Metric metric(List<WindowResult> results) {
        Map<Metric, Integer> known = new EnumMap<>(Metric.class);
        for (WindowResult result : results) {
            result.quality().forEach(quality -> known.merge(quality.metric(), 2, Integer::sum));
            result.estimated().forEach(quality -> known.merge(quality.metric(), 1, Integer::sum));
        }
        Metric best = null;
        for (Map.Entry<Metric, Integer> entry : known.entrySet()) {
            if (best == null || entry.getValue() > known.getOrDefault(best, 0)) {
                best = entry.getKey();
            }
        }
        return best;
    }

    private static Timeline.Window window(WindowResult result, @Nullable Metric metric) {
        WindowResult.Feature prediction = result.prediction();
        return new Timeline.Window(
                result.start(),
                result.end(),
                result.version(),
                result.rows(),
                result.labels(),
                result.features().stream().map(Chronicle::drift).toList(),
                prediction == null ? null : drift(prediction),
                metric == null ? null : quality(result, metric),
                calibration(result.calibration()));
    }

    private static Timeline.@Nullable Calibration calibration(WindowResult.@Nullable Calibration calibration) {
        return calibration == null ? null : new Timeline.Calibration(calibration.error(), calibration.p());
    }

    private static Timeline.Drift drift(WindowResult.Feature feature) {
        return new Timeline.Drift(
                feature.name(),
                feature.state(),
                feature.alarm() != WindowResult.Alarm.NONE,
                feature.size(),
                feature.psi() >= feature.wasserstein() ? "PSI" : "Wasserstein distance",
                feature.sentence());
    }

    private static Timeline.@Nullable Quality quality(WindowResult result, Metric metric) {
        Optional<WindowResult.Quality> measured = of(result.quality(), metric);
        Optional<WindowResult.Quality> estimated = of(result.estimated(), metric);
        if (measured.isEmpty() && estimated.isEmpty()) {
            return null;
        }
        return new Timeline.Quality(
                metric,
                measured.map(WindowResult.Quality::now).orElse(null),
                estimated.map(WindowResult.Quality::now).orElse(null),
                measured.or(() -> estimated).map(WindowResult.Quality::before).orElse(Double.NaN));
    }

    private static Optional<WindowResult.Quality> of(List<WindowResult.Quality> qualities, Metric metric) {
        return qualities.stream().filter(quality -> quality.metric() == metric).findFirst();
    }

    private Timeline.@Nullable Labels labels() {
        try {
            Optional<Timeline.Labels> labels = LabelWatch.kept(line);
            if (labels.isEmpty()) {
                absent.add("How late outcomes come: nobody has looked yet; a deployment does after each run, and every"
                        + " hour.");
            }
            return labels.orElse(null);
        } catch (FactoryException | NullPointerException e) {
            absent.add("How late outcomes come: " + e.getMessage());
            return null;
        }
    }
}
