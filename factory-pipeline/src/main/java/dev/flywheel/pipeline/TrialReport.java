package dev.flywheel.pipeline;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.prove.Gain;
import java.time.Instant;
import java.util.List;

/**
 * A version in traffic beside the champion, and what came of it so far. Immutable.
 *
 * @param champion the version that it is compared with
 * @param challenger the version on trial
 * @param run the run that made it
 * @param plan how it is proven, in words
 * @param status how far it has come
 * @param share of the traffic that the challenger gets, 0 to 1
 * @param startedAt when the trial began
 * @param at when the last decision was taken
 * @param reason the last decision, as a sentence
 * @param evidence the numbers behind it
 * @param gain what the challenger is worth beside the champion, offline and online
 */
public record TrialReport(
        int champion,
        int challenger,
        String run,
        String plan,
        Status status,
        double share,
        Instant startedAt,
        Instant at,
        String reason,
        List<Verdict> evidence,
        Gain gain) {

    /** How far a trial has come. */
    public enum Status {
        /** Both versions answer, and nothing is proven yet. */
        RUNNING,
        /** Both versions answer, and a person has to act: the plan asks for it, or promotions are frozen. */
        HELD,
        /** The challenger is champion. */
        PROMOTED,
        /** The challenger is out of traffic: it is proven worse, or broken. */
        ROLLED_BACK,
        /** The challenger is out of traffic: nothing was proven, or the trial was ended. */
        INCONCLUSIVE;

        /** {@return whether the champion answers alone again} */
        public boolean ended() {
            return this != RUNNING && this != HELD;
        }
    }

    /** Copies the evidence. */
    public TrialReport {
        evidence = List.copyOf(evidence);
    }
}
