package dev.flywheel.pipeline;

import com.google.common.base.Suppliers;
import com.google.common.primitives.ImmutableDoubleArray;
import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Evaluation;
import dev.flywheel.pipeline.evaluate.Judged;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.explain.Robustness;
import dev.flywheel.pipeline.explain.Subject;
import dev.flywheel.pipeline.export.Parity;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A trained candidate with its artifact and what it predicts for some examples. Immutable.
 *
 * @param examples the examples that it was not trained on
 */
record Contender<I>(
        Artifact artifact,
        FittedFeatures features,
        TrainedModel model,
        RowType<I> type,
        Codec<I, ?> codec,
        Dataset examples,
        ImmutableDoubleArray scores,
        Evaluation evaluation,
        long seed)
        implements Judged {

    private static final int MOST_INPUTS = 1_000;
    /** Enough for the compiler to have done with what a prediction runs through. */
    private static final int WARM_UP = 5_000;

    private static final long WARM_UP_NANOS = 2_000_000_000L;

    /**
     * {@return what the exported graph of an artifact predicts, of shape [rows], or [rows * classes]}
     *
     * @param place told where it runs
     */
    static <I> double[] score(Artifact artifact, Codec<I, ?> codec, Dataset rows, Consumer<Device> place) {
        try (Endpoint<I, ?> endpoint = Endpoint.of(artifact, codec).open()) {
            place.accept(endpoint.snapshot().versions().get(0).device());
            return endpoint.score(rows);
        }
    }

    Path directory() {
        return artifact.directory();
    }

    @Override
    public Dataset test() {
        return examples;
    }

    @Override
    public long bytes() {
        return artifact.bytes();
    }

    @Override
    public long[] latencies(int predictions) {
        List<I> inputs = inputs();
        long[] nanos = new long[predictions];
        try (Endpoint<I, ?> endpoint = Endpoint.of(artifact, codec).open()) {
            long begin = System.nanoTime();
            for (int i = 0; i < WARM_UP && System.nanoTime() - begin < WARM_UP_NANOS; i++) {
                endpoint.predict(inputs.get(i % inputs.size()));
            }
            for (int i = 0; i < predictions; i++) {
                I input = inputs.get(i % inputs.size());
                long start = System.nanoTime();
                endpoint.predict(input);
                nanos[i] = System.nanoTime() - start;
            }
        }
        return nanos;
    }

    @Override
    public Robustness robustness(Metric metric, Perturbation perturbation) {
        return examined(subject -> Robustness.of(subject, metric, perturbation));
    }

    /** {@return what a look at this candidate finds} */
    <R> R examined(Function<Subject, R> look) {
        Supplier<Optional<FeatureMatrix>> inputs = Suppliers.memoize(() -> model.features(examples));
        try (Endpoint<I, ?> endpoint = Endpoint.of(artifact, codec).open()) {
            return look.apply(Subject.of(
                    artifact.signature(),
                    rows -> endpoint.score(endpoint.version(), rows),
                    (rows, epsilon) -> inputs.get()
                            .flatMap(all -> model.attacked(all.select(rows), epsilon))
                            .map(model::predict),
                    examples,
                    Examples.labels(examples),
                    seed));
        }
    }

    /** {@return some of the examples, as the application would bring them} */
    private List<I> inputs() {
        if (!Examples.inputs(examples.schema()).equals(type.schema())) {
            throw new DataException(
                    "the time of a prediction cannot be measured on the test examples",
                    "they have " + Examples.inputs(examples.schema()) + ", an input has " + type.schema(),
                    "log all columns, or leave the gate of latency out");
        }
        List<I> inputs = new ArrayList<>();
        try (Scan scan = examples.scan()) {
            for (Batch batch = scan.next(); batch != null && inputs.size() < MOST_INPUTS; batch = scan.next()) {
                for (int row = 0; row < batch.rows() && inputs.size() < MOST_INPUTS; row++) {
                    inputs.add(type.read(batch.row(row)));
                }
            }
        }
        return inputs;
    }

    @Override
    public Parity parity() {
        if (model.isWhole()) {
            return new Parity(0, 0, scores.get(0), scores.get(0), 0); // nothing was exported
        }
        return Parity.of(model, features.matrix(examples), scores.toArray());
    }
}
