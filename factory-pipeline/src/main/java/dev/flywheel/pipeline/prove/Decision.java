package dev.flywheel.pipeline.prove;

import dev.flywheel.core.model.Verdict;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * What a canary or an experiment wants now, and why. Immutable; a record of JSON.
 *
 * @param action what to do
 * @param version whom it is about: the version on trial of a canary; of an experiment the one to promote, the only
 *     challenger to roll back, and in all other cases the champion
 * @param share of the traffic that this version should have from now on, 0 to 1
 * @param reason one plain sentence
 * @param evidence the numbers behind it
 * @param at when it was taken
 */
public record Decision(Action action, int version, double share, String reason, List<Verdict> evidence, Instant at) {

    /** What to do. */
    public enum Action {
        /** Nothing: go on as before. */
        CONTINUE,
        /** Give the version on trial the larger share. */
        ADVANCE,
        /** Leave all as it is until a person has decided. */
        HOLD,
        /** Make the version champion. The end. */
        PROMOTE,
        /** Take the version out of traffic: it is proven worse, or broken. The end. */
        ROLL_BACK,
        /** Take all challengers out of traffic: nothing could be proven, or the numbers cannot be trusted. The end. */
        INCONCLUSIVE;

        /** {@return whether nothing comes after it} */
        public boolean ends() {
            return this == PROMOTE || this == ROLL_BACK || this == INCONCLUSIVE;
        }
    }

    /** Keeps the evidence as it is now. */
    public Decision {
        Objects.requireNonNull(action, "action");
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(at, "at");
        evidence = List.copyOf(evidence);
    }
}
