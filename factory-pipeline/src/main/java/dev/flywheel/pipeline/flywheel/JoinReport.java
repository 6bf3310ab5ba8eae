package dev.flywheel.pipeline.flywheel;

import java.time.Instant;

/**
 * What a join of predictions and feedback found. Immutable.
 *
 * @param predictions the number of predictions in the time asked for, each id once
 * @param joined those with an outcome in time
 * @param late those whose outcomes all came too late
 * @param never those without any outcome
 * @param otherSchema those whose row was logged with another schema; not among the three before
 * @param unknown feedback whose prediction is not in the log, though it should be
 * @param notLogged feedback whose prediction was left out of the sample, or deleted because of its age
 * @param duplicates outcomes that repeat what was there
 * @param corrections outcomes that differ from what was there
 * @param lateOutcomes outcomes that came too late, also those after one in time
 * @param satisfied predictions with a score
 * @param satisfaction the mean of these scores, each prediction's last; 0 without any
 * @param labels how long outcomes take, and how many predictions of which age have one
 */
public record JoinReport(
        long predictions,
        long joined,
        long late,
        long never,
        long otherSchema,
        long unknown,
        long notLogged,
        long duplicates,
        long corrections,
        long lateOutcomes,
        long satisfied,
        double satisfaction,
        LabelReport labels) {

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
        long notLogged;
        long duplicates;
        long corrections;
        long lateOutcomes;
        long satisfied;
        double scores;
        final LabelReport.Counter labels = new LabelReport.Counter();

        JoinReport report(Instant asOf) {
            return new JoinReport(
                    predictions,
                    joined,
                    late,
                    never,
                    otherSchema,
                    unknown,
                    notLogged,
                    duplicates,
                    corrections,
                    lateOutcomes,
                    satisfied,
                    satisfied == 0 ? 0 : scores / satisfied,
                    labels.report(asOf));
        }
    }
}
