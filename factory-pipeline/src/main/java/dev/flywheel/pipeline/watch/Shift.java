package dev.flywheel.pipeline.watch;

import java.time.Instant;

/**
 * A change that counts: of a column, of what is predicted ({@code $prediction}), or of the errors ({@code $errors}).
 * Immutable.
 *
 * @param name what has changed
 * @param measure the measure of the size, such as "PSI"
 * @param size how large the change is
 * @param since the beginning of the first window, or the first outcome, in which it was seen
 * @param at when it was measured
 * @param sentence what was seen
 */
public record Shift(String name, String measure, double size, Instant since, Instant at, String sentence) {}
