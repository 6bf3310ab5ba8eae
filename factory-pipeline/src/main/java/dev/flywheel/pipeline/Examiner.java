package dev.flywheel.pipeline;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.explain.Explainer;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Robustness;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks closer at the best candidate of a run: for the report, and for those who ask later why it predicts so. A run
 * without that is a run all the same. Not thread-safe.
 */
final class Examiner {

    private static final Logger log = LoggerFactory.getLogger(Examiner.class);

    private final Pipeline<?, ?, ?> pipeline;
    private final RunRecord record;
    private int fromSource;

    Examiner(Pipeline<?, ?, ?> pipeline, RunRecord record) {
        this.pipeline = pipeline;
        this.record = record;
    }

    /** Takes how many of the first training rows came from the source. */
    void split(History<?> history, BitSet testRows) {
        int source = (int) history.selection().fromSource();
        fromSource = source - testRows.get(0, source).cardinality();
    }

    /** Finds out what a candidate goes by and withstands. */
    void examine(Contender<?> candidate) {
        Metric metric = pipeline.mainMetric();
        try {
            candidate.examined(subject -> {
                List<Robustness> robustness = Robustness.USUAL.stream()
                        .map(usual -> Robustness.of(subject, metric, usual))
                        .toList();
                record.examined(Importance.of(subject, metric), robustness);
                return subject;
            });
        } catch (RuntimeException e) {
            log.warn("the best candidate of pipeline {} could not be examined", pipeline.name(), e);
            record.note("The best candidate could not be examined: " + e.getMessage());
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
                    column -> pipeline.logging().logs(Inputs.source(column)),
                    pipeline.seed());
        } catch (RuntimeException e) {
            log.warn("the next version of pipeline {} cannot explain its predictions", pipeline.name(), e);
            record.note("This version cannot explain its predictions: " + e.getMessage());
        }
    }
}
