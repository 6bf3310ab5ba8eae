package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.source.Target;
import org.jspecify.annotations.Nullable;

/** A trainer whose training can be left between two epochs, and taken up again as if it had not been. */
abstract class Pausable implements Trainer {

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
     * @param paused where an earlier part of the same training ended, at this epoch or before; null to begin
     * @see Trainer#train
     */
    abstract Part trainTo(
            int epoch,
            @Nullable Paused paused,
            FeatureMatrix matrix,
            Target<?> target,
            long seed,
            TrainingListener listener);
}
