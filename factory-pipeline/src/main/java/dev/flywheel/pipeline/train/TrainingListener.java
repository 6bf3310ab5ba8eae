package dev.flywheel.pipeline.train;

/** Hears how far a training has come. Called on the training thread after every epoch, so it should be quick. */
@FunctionalInterface
public interface TrainingListener {

    /**
     * How far a training has come.
     *
     * @param epoch the epoch that has ended, from 1
     * @param epochs the most epochs there will be
     * @param loss the mean training loss of the epoch
     * @param validationLoss the loss on the rows held back for early stopping; NaN where none are
     * @param rowsPerSecond the training speed of the epoch
     * @param secondsLeft the time to the last epoch at that speed
     */
    record Epoch(int epoch, int epochs, double loss, double validationLoss, double rowsPerSecond, double secondsLeft) {

        /** {@return the share of all epochs that is done, from 0 to 1} */
        public double done() {
            return (double) epoch / epochs;
        }
    }

    /** Tells that an epoch has ended. */
    void epochEnded(Epoch epoch);
}
