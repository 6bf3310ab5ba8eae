package dev.flywheel.pipeline;

import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Evaluation;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.prove.Goal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a candidate that has passed every gate is proven in traffic: by a canary or by an experiment, never both.
 * Immutable.
 */
record Proof(@Nullable Canary canary, @Nullable Experiment experiment) {

    private static final String OFFLINE = "offline.json";
    /** What a canary's gain is told from; nobody decides by it. */
    private static final int LEAST = 10;

    /**
     * What the gates measured of the goal that decides.
     *
     * @param difference candidate - champion
     */
    private record Offline(Metric metric, Estimate difference) {}

    static Proof of(Canary plan) {
        return new Proof(Objects.requireNonNull(plan, "plan"), null);
    }

    static Proof of(Experiment plan) {
        return new Proof(null, Objects.requireNonNull(plan, "plan"));
    }

    /** {@return the plan in words, equal for equal plans} */
    String describe() {
        return experiment == null ? "canary, " + canary : "experiment, " + experiment;
    }

    /** {@return the metrics of the model that it needs} */
    Set<Metric> metrics() {
        if (experiment == null) {
            return Objects.requireNonNull(canary).metrics();
        }
        Set<Metric> metrics = new HashSet<>();
        experiment.goals().forEach(goal -> goal.metric().ifPresent(metrics::add));
        return metrics;
    }

    /** {@return the experiment; of a canary one that is never asked, only for the gain} */
    Experiment comparison(Task task) {
        return experiment == null ? Experiment.on(Goal.model(gain(task))).minObservations(LEAST) : experiment;
    }

    private static Metric gain(Task task) {
        return switch (task) {
            case BINARY -> Metric.LOG_LOSS;
            case MULTICLASS -> Metric.ACCURACY;
            case REGRESSION -> Metric.RMSE;
        };
    }

    private Optional<Metric> decisive(Task task) {
        return comparison(task).goals().get(0).metric();
    }

    /** Keeps what the gates measured of the goal that decides beside the run. */
    void keepOffline(Evaluation evaluation, Path run) {
        decisive(evaluation.task())
                .ifPresent(metric -> evaluation
                        .difference(metric)
                        .ifPresent(difference ->
                                Durable.write(run.resolve(OFFLINE), Json.write(new Offline(metric, difference)))));
    }

    /** {@return what the gates of a run measured of the goal that decides, by the version; empty if nobody did} */
    Map<Integer, Estimate> offline(Task task, Path run, int version) {
        Path file = run.resolve(OFFLINE);
        if (!Files.exists(file)) {
            return Map.of();
        }
        Offline kept = Json.readKnown(Line.read(file), Offline.class, file.toString());
        return decisive(task).filter(metric -> metric == kept.metric).isPresent()
                ? Map.of(version, kept.difference)
                : Map.of();
    }
}
