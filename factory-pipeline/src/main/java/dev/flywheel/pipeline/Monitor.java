package dev.flywheel.pipeline;

import dev.flywheel.core.model.ModelCard;
import java.time.Instant;
import java.util.UUID;

/**
 * Watches what a deployment does. Thread-safe: called on the host's threads, so that every method returns at once and
 * throws nothing.
 *
 * @param <I> the input of a prediction
 */
interface Monitor<I> extends Signals {

    /** Another version serves, or the first one does. */
    default void serving(int version, ModelCard card) {}

    /** A prediction was made. */
    default void predicted(UUID id, int version, I input, double output, Instant at) {}

    /** An outcome became known, and is on disk. */
    default void labelled(UUID id, double label, Instant at) {}
}
