package dev.flywheel.benchmarks;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoublePredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Runs detectors of anybody's over made-up streams. */
final class DetectTrial {

    /**
     * What one detector did on the streams of one kind.
     *
     * @param detected the share of streams in which the change was seen before their end
     * @param medianDelay how many values after the change it was seen, where it was
     * @param delay90 the delay that nine of ten of these do not exceed
     * @param alarmedBefore the share of streams with an alarm before the change
     * @param falseAlarms alarms per 10,000 values of streams without a change
     * @param falselyAlarmed the share of these streams with an alarm
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Outcome(
            String stream,
            String detector,
            @Nullable Double detected,
            @JsonProperty("median_delay") @Nullable Double medianDelay,
            @JsonProperty("delay_p90") @Nullable Double delay90,
            @JsonProperty("alarmed_before") @Nullable Double alarmedBefore,

            @JsonProperty("false_alarms_per_10000") @Nullable
            Double falseAlarms,

            @JsonProperty("streams_with_false_alarm") @Nullable
            Double falselyAlarmed) {}

    /**
     * Somebody's detector with its default settings.
     *
     * @param onlyBits whether it takes only values from 0 to 1
     * @param make makes a fresh one, which says of each value whether it alarms
     */
    record Watcher(boolean onlyBits, Supplier<DoublePredicate> make) {}

    private final int streams;

    /** @param streams how many streams of each kind */
    DetectTrial(int streams) {
        this.streams = streams;
    }

    List<Outcome> run(Map<String, Watcher> watchers) {
        List<Outcome> outcomes = new ArrayList<>();
        for (DetectStreams.Kind kind : DetectStreams.changing()) {
            watchers.forEach((name, watcher) -> {
                if (kind.ofBits() || !watcher.onlyBits()) {
                    outcomes.add(changing(kind, name, watcher));
                }
            });
        }
        for (DetectStreams.Kind kind : DetectStreams.unchanging()) {
            watchers.forEach((name, watcher) -> {
                if (kind.ofBits() || !watcher.onlyBits()) {
                    outcomes.add(unchanging(kind, name, watcher));
                }
            });
        }
        return outcomes;
    }

    private Outcome changing(DetectStreams.Kind kind, String name, Watcher watcher) {
        int early = 0;
        int[] delays = new int[streams];
        int detected = 0;
        for (int number = 0; number < streams; number++) {
            double[] values = kind.values(number);
            DoublePredicate detector = watcher.make().get();
            boolean alarmed = false;
            int at = 0;
            for (; at < DetectStreams.HALF; at++) {
                alarmed |= detector.test(values[at]);
            }
            early += alarmed ? 1 : 0;
            while (at < values.length && !detector.test(values[at])) {
                at++;
            }
            if (at < values.length) {
                delays[detected++] = at - DetectStreams.HALF + 1;
            }
        }
        Arrays.sort(delays, 0, detected);
        return new Outcome(
                kind.text(),
                name,
                share(detected),
                detected == 0 ? null : (Double) (double) delays[detected / 2],
                detected == 0 ? null : (Double) (double) delays[(int) (0.9 * (detected - 1))],
                share(early),
                null,
                null);
    }

    private Outcome unchanging(DetectStreams.Kind kind, String name, Watcher watcher) {
        long alarms = 0;
        int alarmed = 0;
        for (int number = 0; number < streams; number++) {
            DoublePredicate detector = watcher.make().get();
            long before = alarms;
            for (double value : kind.values(number)) {
                alarms += detector.test(value) ? 1 : 0;
            }
            alarmed += alarms > before ? 1 : 0;
        }
        return new Outcome(kind.text(), name, null, null, null, null, share(alarms), share(alarmed));
    }

    private double share(long count) {
        return Results.rounded((double) count / streams);
    }
}
