package dev.flywheel.serving;

import java.time.Instant;
import java.util.UUID;

/**
 * Told of every prediction of an {@link Endpoint}, on the thread that made it and before the caller has it. Must be
 * thread-safe and quick, and must not call the endpoint. What it throws is logged the first time and harms nothing.
 *
 * @param <I> the type of an input
 */
@FunctionalInterface
public interface PredictionObserver<I> {

    /**
     * A prediction was made.
     *
     * @param id the id that the caller gets
     * @param version the number of the model version that made it
     * @param input what was asked
     * @param raw the row's first number in the model's first output, or what the codec tells in its place
     *     ({@link Codec.Binding#observed}): of classes the place of the most probable one, from 0; NaN if that is no
     *     number
     * @param at when it was made, to the millisecond
     */
    void observed(UUID id, int version, I input, double raw, Instant at);
}
