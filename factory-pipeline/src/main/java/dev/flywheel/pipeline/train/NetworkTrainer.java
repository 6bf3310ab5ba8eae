package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import java.util.Objects;

/**
 * Trains a built-in network over shuffled minibatches. Immutable.
 *
 * <p>Minimized by Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), a gradient longer
 * than 1 shortened to that; the learning rate rises over the first tenth of the steps and then falls to nothing along a
 * cosine. Settings left open follow from the number of rows; the defaults of the others stand at each trainer.
 *
 * @param <T> the trainer itself
 */
public abstract sealed class NetworkTrainer<T extends NetworkTrainer<T>> extends Pausable
        permits MlpTrainer, CnnTrainer {

    private static final long serialVersionUID = 1L;

    final MinibatchSettings settings;

    NetworkTrainer(MinibatchSettings settings) {
        this.settings = settings;
    }

    abstract T with(MinibatchSettings changed);

    abstract Network network(FeatureMatrix matrix, Target<?> target);

    /** The settings with which so many rows are learned from. */
    MinibatchSettings settings(int rows) {
        return settings;
    }

    /** {@return the same with this many passes over the rows, at least 1} */
    public T epochs(int count) {
        return with(settings.epochs(count));
    }

    /** {@return the same with this many rows a step, at least 1} */
    public T batchSize(int rows) {
        return with(settings.batchSize(rows));
    }

    /** {@return the same with this highest learning rate, above 0} */
    public T learningRate(double rate) {
        return with(settings.learningRate(rate));
    }

    /** {@return the same with another way of the learning rate; by default {@link Schedule#COSINE}} */
    public T schedule(Schedule schedule) {
        return with(settings.schedule(Objects.requireNonNull(schedule, "schedule")));
    }

    /**
     * {@return the same with this decay of all weights but biases}
     *
     * @param decay each step takes decay * learning rate off a weight; at least 0, by default 2,500 / rows, but 0.1 to
     *     1
     */
    public T weightDecay(double decay) {
        return with(settings.weightDecay(decay));
    }

    /** {@return the same with this share of hidden units left out of each step, from 0 to below 1} */
    public T dropout(double share) {
        return with(settings.dropout(share));
    }

    /**
     * {@return the same with early stopping: a tenth of the rows is set aside, and training ends when their loss has
     * not fallen for this many passes; the best model is kept} By default there is none: on the reference data, the
     * falling learning rate and the weight decay gave better models from all rows.
     */
    public T earlyStopping(int epochs) {
        return with(settings.patience(epochs));
    }

    /**
     * {@return the same with early stopping by a metric, such as the one that a gate judges} As
     * {@link #earlyStopping(int)}, but what must get better on the rows set aside is this.
     */
    public T earlyStopping(int epochs, Metric metric) {
        return with(settings.patience(epochs).stopBy(Objects.requireNonNull(metric, "metric")));
    }

    /** Learns every task. */
    @Override
    public void requireTask(Task task) {
        settings.requireTask(describe(), Objects.requireNonNull(task, "task"));
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        return trainTo(epochsFor(matrix.rows()), Checkpoint.at(null), matrix, target, seed, listener)
                .model();
    }

    @Override
    int epochsFor(int rows) {
        return settings(rows).epochsFor(rows);
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
                .runTo(epoch, checkpoint, settings(matrix.rows()), seed);
    }
}
