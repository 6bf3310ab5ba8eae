package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The gist of a run: what a line of a table can tell of it. Immutable.
 *
 * @param id the run's id
 * @param outcome how it ended
 * @param reason why, as a sentence
 * @param startedAt when it started
 * @param endedAt when it ended
 * @param version the version that it registered, if it did
 * @param champion the version that was champion when it started, if there was one
 * @param train the number of rows it learned from
 * @param test the number of rows it was evaluated on
 * @param candidate the best candidate's name; empty if there was none
 * @param metrics the best candidate's metrics on the test rows
 * @param championMetrics the champion's metrics on the same rows; empty if there was none
 * @param facts what it depends on: why it was started, which examples it learned from
 */
public record Episode(
        String id,
        RunReport.Outcome outcome,
        String reason,
        Instant startedAt,
        Instant endedAt,
        OptionalInt version,
        OptionalInt champion,
        long train,
        long test,
        String candidate,
        Map<Metric, Estimate> metrics,
        Map<Metric, Estimate> championMetrics,
        Map<String, String> facts) {

    /** Copies the maps. */
    public Episode {
        Objects.requireNonNull(startedAt, "startedAt");
        metrics = sorted(metrics);
        championMetrics = sorted(championMetrics);
        facts = Collections.unmodifiableMap(new TreeMap<>(facts));
    }

    private static Map<Metric, Estimate> sorted(Map<Metric, Estimate> metrics) {
        Map<Metric, Estimate> sorted = new EnumMap<>(Metric.class);
        sorted.putAll(metrics);
        return Collections.unmodifiableMap(sorted);
    }

    // What of a run's JSON is needed here: profiles and curves, which are most of it, are passed over.

    private record Kept(RunReport.Head head, KeptData data, KeptModels models, KeptLineage lineage) {}

    private record KeptData(List<RunReport.Part> parts) {}

    private record KeptModels(
            Task task,
            List<KeptCandidate> candidates,
            OptionalInt winner,
            @Nullable KeptCandidate champion) {}

    private record KeptCandidate(String name, Map<Metric, Estimate> metrics) {}

    private record KeptLineage(Map<String, String> environment) {}

    /**
     * {@return the gist of the report that the JSON holds}
     *
     * @param json what {@link RunReport#json} made
     * @param source what is read, for the message: a file
     * @throws dev.flywheel.core.StoreException if the JSON is damaged or no report
     */
    public static Episode read(byte[] json, String source) {
        Kept kept = Json.readKnown(json, Kept.class, source);
        RunReport.Head head = kept.head;
        KeptModels models = kept.models;
        KeptCandidate winner = models.winner.isPresent() ? models.candidates.get(models.winner.getAsInt()) : null;
        return new Episode(
                head.run(),
                head.outcome(),
                head.reason(),
                head.startedAt(),
                head.endedAt(),
                head.version(),
                head.champion(),
                rows(kept, "train"),
                rows(kept, "test"),
                winner == null ? "" : winner.name,
                winner == null ? Map.of() : winner.metrics,
                models.champion == null ? Map.of() : models.champion.metrics,
                kept.lineage.environment);
    }

    private static long rows(Kept kept, String part) {
        return kept.data.parts.stream()
                .filter(p -> p.name().equals(part))
                .mapToLong(RunReport.Part::rows)
                .sum();
    }

    /** {@return why the run was started, if that is known} */
    String trigger() {
        return facts.getOrDefault("started because", "");
    }
}
