package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;

/** A trainer whose training can be left between two steps, and taken up again as if it had not been. */
abstract class Pausable extends Described {

    private static final long serialVersionUID = 1L;

    /**
     * A training up to some epoch.
     *
     * @param model the model as it is then
     * @param paused where the training can go on
     */
    record Part(TrainedModel model, Paused paused) {}

    /** {@return how many epochs a whole training on so many rows has at most} */
    abstract int epochsFor(int rows);

    /**
     * Trains up to an epoch.
     *
     * @param epoch the last epoch, from 1
     * @param checkpoint where the training begins or goes on, before the end of that epoch or at it, and where it is
     *     noted how far it is
     * @see Trainer#train
     */
    abstract Part trainTo(
            int epoch,
            Checkpoint checkpoint,
            FeatureMatrix matrix,
            Target<?> target,
            long seed,
            TrainingListener listener);
}
