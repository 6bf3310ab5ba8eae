package dev.flywheel.pipeline.flywheel;

/**
 * What a join of predictions and outcomes found. Immutable.
 *
 * @param predictions the number of predictions in the time asked for, each id once
 * @param joined those with an outcome in time
 * @param late those whose outcomes all came too late
 * @param never those without any outcome
 * @param otherSchema those whose row was logged with another schema; not among the three before
 * @param unknown outcomes whose prediction is not in the log
 * @param duplicates outcomes that repeat the label that was there
 * @param corrections outcomes that differ from the label that was there
 * @param lateOutcomes outcomes that came too late, also those after one in time
 */
public record JoinReport(
        long predictions,
        long joined,
        long late,
        long never,
        long otherSchema,
        long unknown,
        long duplicates,
        long corrections,
        long lateOutcomes) {

    /** {@return the share of predictions with an outcome in time, from 0 to 1; 0 if there are no predictions} */
    public double labelRate() {
        return predictions == 0 ? 0 : (double) joined / predictions;
    }

    /** The numbers while they grow. */
    static final class Counter {
        long predictions;
        long joined;
        long late;
        long never;
        long otherSchema;
        long unknown;
        long duplicates;
        long corrections;
        long lateOutcomes;

        JoinReport report() {
            return new JoinReport(
                    predictions, joined, late, never, otherSchema, unknown, duplicates, corrections, lateOutcomes);
        }
    }
}
