package dev.flywheel.serving;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What is left of a time that several parts share. */
final class Durations {

    private static final Duration CENTURY = Duration.ofDays(36_500);

    private Durations() {}

    /** {@return the patience; null, which is without end, if it is longer than a century} */
    static @Nullable Duration finite(@Nullable Duration patience) {
        return patience == null || patience.compareTo(CENTURY) >= 0 ? null : patience;
    }

    /** {@return what is left of the patience, at least nothing; null if it is without end} */
    static @Nullable Duration rest(@Nullable Duration patience, long startedNanos) {
        if (patience == null) {
            return null;
        }
        Duration rest = patience.minusNanos(System.nanoTime() - startedNanos);
        return rest.isNegative() ? Duration.ZERO : rest;
    }
}
