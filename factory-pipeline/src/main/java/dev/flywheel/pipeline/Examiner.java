package dev.flywheel.pipeline;

import com.google.common.base.Suppliers;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.explain.Explainer;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Robustness;
import dev.flywheel.pipeline.explain.Subject;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.serving.Endpoint;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks closer at the best candidate of a run: for the report, and for those who ask later why it predicts so. A run
 * without that is a run all the same. Not thread-safe.
 */
final class Examiner<I> {

    private static final Logger log = LoggerFactory.getLogger(Examiner.class);

    private final Pipeline<I, ?, ?> pipeline;
    private final RunRecord record;
    private final Map<Path, TrainedModel> models = new HashMap<>();
    private @Nullable RowType<I> type;
    private int fromSource;

    Examiner(Pipeline<I, ?, ?> pipeline, RunRecord record) {
        this.pipeline = pipeline;
        this.record = record;
    }

    /** Takes what inputs are like, and how many of the first training rows came from the source. */
    void split(History<I> history, BitSet testRows) {
        type = history.type();
        int source = (int) history.selection().fromSource();
        fromSource = source - testRows.get(0, source).cardinality();
    }

    /** Takes what an artifact will be the graph of. */
    void trained(Path artifact, TrainedModel model) {
        models.put(artifact, model);
    }

    /** Finds out what a candidate goes by and withstands. */
    void examine(Path candidate, Dataset test, double[] labels) {
        try {
            examine(Artifact.open(candidate), Objects.requireNonNull(models.get(candidate)), test, labels);
        } catch (RuntimeException e) {
            log.warn("the best candidate of pipeline {} could not be examined", pipeline.name(), e);
            record.note("The best candidate could not be examined: " + e.getMessage());
        }
    }

    private void examine(Artifact artifact, TrainedModel model, Dataset test, double[] labels) {
        Metric metric = pipeline.mainMetric();
        Supplier<Optional<FeatureMatrix>> features = Suppliers.memoize(() -> model.features(test));
        try (Endpoint<I, ?> endpoint = Endpoint.of(artifact, pipeline.codec(Objects.requireNonNull(type)))
                .open()) {
            Subject subject = Subject.of(
                    artifact.signature(),
                    rows -> endpoint.score(endpoint.version(), rows),
                    (rows, epsilon) -> features.get()
                            .flatMap(all -> model.attacked(all.select(rows), epsilon))
                            .map(model::predict),
                    test,
                    labels,
                    pipeline.seed());
            List<Robustness> robustness = Robustness.USUAL.stream()
                    .map(usual -> Robustness.of(subject, metric, usual))
                    .toList();
            record.examined(Importance.of(subject, metric), robustness);
        }
    }

    /** Rows of the source are kept for runs to come in any case; those of predictions may have to be forgotten. */
    void keepBackground(Path candidate, Dataset train) {
        try {
            Explainer.keep(
                    candidate,
                    Artifact.open(candidate).signature(),
                    train,
                    fromSource,
                    pipeline.logging()::logs,
                    pipeline.seed());
        } catch (RuntimeException e) {
            log.warn("the next version of pipeline {} cannot explain its predictions", pipeline.name(), e);
            record.note("This version cannot explain its predictions: " + e.getMessage());
        }
    }
}
