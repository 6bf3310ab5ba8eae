package dev.flywheel.pipeline.train;

import dev.flywheel.core.stat.Metric;

/** Hears how far a training has come. Called on the training thread, so it should be quick. */
@FunctionalInterface
public interface TrainingListener {

    /**
     * How far a training has come.
     *
     * @param epoch the epoch that has ended, from 1
     * @param epochs the most epochs there will be
     * @param loss the mean training loss of the epoch
     * @param validationLoss the loss on the rows held back for early stopping; NaN where none are
     * @param rowsPerSecond the training speed so far
     * @param secondsLeft the time to the last epoch at that speed
     */
    record Epoch(int epoch, int epochs, double loss, double validationLoss, double rowsPerSecond, double secondsLeft) {

        /** {@return the share of all epochs that is done, from 0 to 1} */
        public double done() {
            return (double) epoch / epochs;
        }
    }

    /**
     * How far a search has come.
     *
     * @param trial the trial that has been trained, or trained on, from 1
     * @param trials how many trials there will be at most
     * @param trainer the trial's trainer, as it describes itself
     * @param value what it came to by the search's metric, on the rows held back for that; NaN if it failed
     * @param best the trainer of the best trial so far, as it describes itself; empty if all have failed
     * @param bestValue what that came to
     * @param metric what it is judged by
     * @param done the share of the search's trials or of its time that is over, from 0 to 1
     */
    record Tried(
            int trial,
            int trials,
            String trainer,
            double value,
            String best,
            double bestValue,
            Metric metric,
            double done) {}

    /** Tells that an epoch has ended; of a search, one of the last training, on all rows. */
    void epochEnded(Epoch epoch);

    /** {@return who the training's memory and time on a GPU are counted for} By default nobody in particular. */
    default String owner() {
        return "training";
    }

    /**
     * {@return whether the training is to be left for a while} Asked by those that can be taken up again, between any
     * two steps, so that it must be quick; by default none is.
     */
    default boolean mustRest() {
        return false;
    }

    /** Called when a training was left because it must rest; it goes on when this returns. */
    default void rest() {}

    /** Tells that a search has tried something. */
    default void tried(Tried tried) {}
}
