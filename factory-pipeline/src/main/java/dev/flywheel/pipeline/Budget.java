package dev.flywheel.pipeline;

import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What retraining may cost, whatever the rules ask for. Immutable.
 *
 * @param cooldown the least time between the starts of two runs; null for none
 * @param runs the most runs of a day; 0 for no limit
 * @param time the most time of runs a day; null for no limit
 * @param labels the least new labels; 0 for none
 * @param refusals after how many runs in a row without a promotion to stop; 0 for never
 */
record Budget(
        @Nullable Duration cooldown, int runs, @Nullable Duration time, int labels, int refusals)
        implements Serializable {

    static final Budget UNLIMITED = new Budget(null, 0, null, 0, 0);

    /**
     * What has been spent.
     *
     * @param since the time since the last run
     * @param runs the runs of this day
     * @param time how long they took
     * @param labels the labels since the last run
     * @param left what is left of the day
     */
    record Spent(Duration since, int runs, Duration time, long labels, Duration left) {}

    private boolean cooling(Spent spent) {
        return cooldown != null && spent.since.compareTo(cooldown) < 0;
    }

    private boolean oftenEnough(Spent spent) {
        return runs > 0 && spent.runs >= runs;
    }

    private boolean longEnough(Spent spent) {
        return time != null && spent.time.compareTo(time) >= 0;
    }

    /** {@return a bit for each limit that is reached; 0 if a run may start} */
    int reached(Spent spent) {
        return (cooling(spent) ? 1 : 0)
                + (oftenEnough(spent) ? 2 : 0)
                + (longEnough(spent) ? 4 : 0)
                + (spent.labels < labels ? 8 : 0);
    }

    /** {@return the limits that are reached, in words} */
    String sentence(Spent spent) {
        List<String> words = new ArrayList<>();
        if (cooldown != null && cooling(spent)) {
            words.add(
                    Spans.of(cooldown.minus(spent.since)) + " of the cooldown of " + Spans.of(cooldown) + " are left");
        }
        String tomorrow = ", and the next day begins in " + Spans.of(spent.left);
        if (oftenEnough(spent)) {
            words.add(spent.runs + " of " + runs + " runs of this day (UTC) are made" + tomorrow);
        }
        if (time != null && longEnough(spent)) {
            words.add(Spans.of(spent.time) + " of the " + Spans.of(time) + " for runs of this day (UTC) are used up"
                    + tomorrow);
        }
        if (spent.labels < labels) {
            words.add(String.format(
                    Locale.ROOT, "only %,d of at least %,d new labels have come in", spent.labels, labels));
        }
        return String.join("; ", words);
    }

    /** {@return the limits as an addition to the rules, in words} */
    String describe() {
        return (cooldown == null ? "" : ", at most every " + cooldown)
                + (runs == 0 ? "" : ", at most " + runs + " a day")
                + (time == null ? "" : ", at most " + time + " of runs a day")
                + (labels == 0 ? "" : ", with at least " + labels + " labels")
                + (refusals == 0 ? "" : ", until " + refusals + " in a row are refused");
    }
}
