package dev.flywheel.pipeline;

import java.time.Instant;

/**
 * Whether a deployment trains again, and why or why not. Immutable.
 *
 * @param at when it was taken
 * @param outcome what it is
 * @param sentence why, with the numbers of that moment
 */
public record Decision(Instant at, Outcome outcome, String sentence) {

    /** What a decision is. */
    public enum Outcome {
        /** A run is made. */
        RETRAIN,
        /** No rule asks for a run. */
        WAIT,
        /** A rule asks for a run, and the budget does not allow one yet, or power will be cheaper. */
        HOLD,
        /** Retraining is paused: by a rollback, or because candidates were refused again and again. */
        PAUSE
    }
}
