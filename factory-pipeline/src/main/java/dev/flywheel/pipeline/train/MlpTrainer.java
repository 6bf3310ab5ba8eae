package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.source.Target;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Trains a neural network: numbers, and a learned vector for each id, through fully connected layers with ReLU between
 * them. Immutable.
 *
 * <p>Minimized by Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019) over shuffled
 * minibatches, a gradient longer than 1 shortened to that; the learning rate rises over the first tenth of the steps
 * and then falls to nothing along a cosine. Settings left open follow from the number of rows.
 */
public final class MlpTrainer extends Pausable {

    private static final long serialVersionUID = 1L;

    /** What a network has learned would be lost at the rate at which one begins. */
    private static final double WARM_RATE = 0.1;

    private final int[] hidden;
    private final MlpSettings settings;

    private MlpTrainer(int[] hidden, MlpSettings settings) {
        this.hidden = hidden;
        this.settings = settings;
    }

    static MlpTrainer of(int... hidden) {
        if (hidden.length == 0 || Arrays.stream(hidden).anyMatch(size -> size < 1 || size > 16_384)) {
            throw new IllegalArgumentException("Trainers.mlp is invalid: found " + Arrays.toString(hidden)
                    + ", expected one or more widths of 1 to 16384");
        }
        return new MlpTrainer(hidden.clone(), MlpSettings.DEFAULT);
    }

    /**
     * {@return the same with other hidden layers}
     *
     * @param widths first to last, one or more, each 1 to 16,384
     */
    public MlpTrainer hidden(int... widths) {
        return new MlpTrainer(of(widths).hidden, settings);
    }

    /** {@return the same with this many passes over the rows, at least 1; by default 1,500,000 / rows, but 3 to 30} */
    public MlpTrainer epochs(int count) {
        return with(settings.epochs(Settings.atLeastOne("epochs", count)));
    }

    /**
     * {@return the same with this many rows a step, at least 1; by default about a two hundredth of all, 64 to 1,024}
     */
    public MlpTrainer batchSize(int rows) {
        return with(settings.batchSize(Settings.atLeastOne("batchSize", rows)));
    }

    /** {@return the same with this highest learning rate, above 0; by default 0.01} */
    public MlpTrainer learningRate(double rate) {
        if (rate <= 0) {
            throw new IllegalArgumentException("learningRate must be above 0, found " + rate);
        }
        return with(settings.learningRate(Settings.atLeast("learningRate", 0, rate)));
    }

    /** {@return the same with another way of the learning rate; by default {@link Schedule#COSINE}} */
    public MlpTrainer schedule(Schedule schedule) {
        return with(settings.schedule(Objects.requireNonNull(schedule, "schedule")));
    }

    /**
     * {@return the same with this decay of all weights but biases}
     *
     * @param decay each step takes decay * learning rate off a weight; at least 0, by default 2,500 / rows, but 0.1 to
     *     1
     */
    public MlpTrainer weightDecay(double decay) {
        return with(settings.weightDecay(Settings.atLeast("weightDecay", 0, decay)));
    }

    /** {@return the same with this share of hidden units left out of each step, from 0 (the default) to below 1} */
    public MlpTrainer dropout(double share) {
        return with(settings.dropout(Settings.share("dropout", share)));
    }

    /** {@return the same with vectors of this many numbers for ids, at least 1; by default 8} */
    public MlpTrainer embedding(int size) {
        return with(settings.embedding(Settings.atLeastOne("embedding", size)));
    }

    /**
     * {@return the same with early stopping: a tenth of the rows is set aside, and training ends when their loss has
     * not fallen for this many passes; the best model is kept} By default there is none: on the reference data, the
     * falling learning rate and the weight decay gave better models from all rows.
     */
    public MlpTrainer earlyStopping(int epochs) {
        return with(settings.patience(Settings.atLeastOne("earlyStopping", epochs)));
    }

    /**
     * {@return the same with early stopping by a metric, such as the one that a gate judges} As
     * {@link #earlyStopping(int)}, but what must get better on the rows set aside is this.
     */
    public MlpTrainer earlyStopping(int epochs, Metric metric) {
        return with(earlyStopping(epochs).settings.stopBy(Objects.requireNonNull(metric, "metric")));
    }

    /**
     * {@return the same with a second candidate in each run, which goes on from the champion: it keeps the champion's
     * fitted features and begins with its parameters, at a tenth of the learning rate} The first candidate begins anew,
     * as without this; the better one of the two is judged, and its card says which it was. There is no second one
     * where the champion was made by another trainer, with other settings or of other features, or without this.
     */
    public MlpTrainer warmStart() {
        return with(settings.startingWarm());
    }

    boolean startsWarm() {
        return settings.warm();
    }

    private MlpTrainer with(MlpSettings changed) {
        return new MlpTrainer(hidden, changed);
    }

    @Override
    public String name() {
        return "mlp";
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("hidden", Arrays.toString(hidden));
        settings.addTo(all);
        return all;
    }

    /** Learns every task. */
    @Override
    public void requireTask(Task task) {
        settings.requireTask(describe(), Objects.requireNonNull(task, "task"));
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        return new NetworkFit(this, network(matrix, target), matrix, target, listener)
                .run(training -> new MinibatchFit(training, settings, seed).run());
    }

    /** Goes on from a network over the same features. */
    TrainedModel trainOn(
            NetworkModel before, FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        MlpSettings careful = settings.learningRate(WARM_RATE * settings.learningRate());
        return new NetworkFit(this, network(matrix, target), matrix, target, listener, before)
                .run(training -> MinibatchFit.from(before.parameters(), training, careful, seed)
                        .run());
    }

    @Override
    int epochsFor(int rows) {
        return settings.epochsFor(rows);
    }

    @Override
    Part trainTo(
            int epoch,
            Checkpoint checkpoint,
            FeatureMatrix matrix,
            Target<?> target,
            long seed,
            TrainingListener listener) {
        return new NetworkFit(this, network(matrix, target), matrix, target, listener)
                .runTo(epoch, checkpoint, settings, seed);
    }

    private Network network(FeatureMatrix matrix, Target<?> target) {
        return new LayerNetwork(layout(matrix.features(), Objective.outputs(target)));
    }

    Layout layout(FittedFeatures features, int outputs) {
        return Layout.mlp(features, Arrays.stream(hidden).boxed().toList(), settings.embedding(), outputs);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MlpTrainer that && describe().equals(that.describe());
    }

    @Override
    public int hashCode() {
        return describe().hashCode();
    }

    @Override
    public String toString() {
        return describe();
    }
}
