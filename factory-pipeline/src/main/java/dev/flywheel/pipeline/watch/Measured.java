package dev.flywheel.pipeline.watch;

import java.time.Instant;

/**
 * How good the serving version is. Immutable.
 *
 * @param quality what was found
 * @param at when it was measured
 */
public record Measured(WindowResult.Quality quality, Instant at) {}
