package dev.flywheel.pipeline;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Spans of time in words. */
final class Spans {

    /** Older than any factory. */
    private static final Duration FOREVER = Duration.ofDays(365_000);

    private Spans() {}

    /** {@return the two largest units of a span, such as "2 d 3 h", "59 min" or "less than 1 s"} */
    static String of(Duration span) {
        List<String> words = new ArrayList<>();
        add(words, span.toDays(), "d");
        add(words, span.toHoursPart(), "h");
        add(words, span.toMinutesPart(), "min");
        add(words, span.toSecondsPart(), "s");
        return words.isEmpty() ? "less than 1 s" : String.join(" ", words.subList(0, Math.min(2, words.size())));
    }

    private static void add(List<String> words, long count, String unit) {
        if (count > 0) {
            words.add(count + " " + unit);
        }
    }

    /** {@return how long ago the last run was} */
    static String since(Duration span) {
        return span.compareTo(FOREVER) > 0 ? "no run yet" : of(span) + " since the last run";
    }
}
