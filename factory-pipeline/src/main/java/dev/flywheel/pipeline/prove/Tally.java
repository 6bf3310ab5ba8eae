package dev.flywheel.pipeline.prove;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the readings of one measure came to so far. Immutable; a record of JSON.
 *
 * @param successful how many met the success condition
 * @param failed how many met the failure condition
 * @param inconclusive how many met neither
 * @param consecutiveErrors how many times in a row, up to now, there was no value to read
 * @param consecutiveSuccesses how many successful ones there were in a row, up to now
 * @param lastAt when it was last read; null before the first time
 * @param last the last value; NaN if there was none
 */
public record Tally(
        int successful,
        int failed,
        int inconclusive,
        int consecutiveErrors,
        int consecutiveSuccesses,
        @Nullable Instant lastAt,
        double last) {

    /** Of no readings. */
    static final Tally NONE = new Tally(0, 0, 0, 0, 0, null, Double.NaN);

    /** {@return no readings, as if the last one had been at a time} */
    static Tally begun(Instant at) {
        return new Tally(0, 0, 0, 0, 0, at, Double.NaN);
    }

    /** {@return how many readings had a value} */
    public int count() {
        return successful + failed + inconclusive;
    }

    Tally plus(Measure.Reading reading, double value, Instant now) {
        return switch (reading) {
            case SUCCESS -> new Tally(successful + 1, failed, inconclusive, 0, consecutiveSuccesses + 1, now, value);
            case FAILURE -> new Tally(successful, failed + 1, inconclusive, 0, 0, now, value);
            case NEITHER -> new Tally(successful, failed, inconclusive + 1, 0, 0, now, value);
            case ERROR ->
                new Tally(
                        successful, failed, inconclusive, consecutiveErrors + 1, consecutiveSuccesses, now, Double.NaN);
        };
    }

    String describe() {
        String text = Words.count(successful) + " successful, " + Words.count(failed) + " failed, "
                + Words.count(inconclusive) + " inconclusive";
        if (consecutiveErrors > 0) {
            return text + ", no value the last " + Words.unit(consecutiveErrors, "time");
        }
        return Double.isNaN(last) ? text : text + ", last value " + Words.number(last);
    }
}
