package dev.flywheel.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which examples a run learns from: part of the lineage of what it makes. Immutable.
 *
 * @param window how they were chosen, in words
 * @param from the first event time that counts; null where there is none
 * @param to the time up to which it was looked for examples
 * @param fromSource how many came from the source
 * @param fromFeedback how many are predictions whose outcome is known
 */
record Selection(String window, @Nullable Instant from, Instant to, long fromSource, long fromFeedback) {

    /** {@return the choice, fact by fact, as a card and a report show it} */
    Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("learned from", window);
        facts.put("learned from time", from == null ? "the beginning" : from.toString());
        facts.put("learned to time", to.toString());
        facts.put("learned from source", Long.toString(fromSource));
        facts.put("learned from feedback", Long.toString(fromFeedback));
        return facts;
    }

    /**
     * {@return how much examples weigh: one for the newest, half of it for each half-life that one is older}
     *
     * @param times the event times, in microseconds since the epoch
     */
    static double[] weights(long[] times, Duration halfLife) {
        long newest = Arrays.stream(times).max().orElse(0);
        double micros = halfLife.toSeconds() * 1e6 + halfLife.toNanosPart() / 1e3;
        return Arrays.stream(times)
                .mapToDouble(time -> Math.pow(2, -((double) newest - time) / micros))
                .toArray();
    }

    /**
     * {@return the weights in words, with the number of equally weighed examples that tell as much: Kish, <em>Survey
     * Sampling</em>, 1965}
     */
    static String describe(double[] weights, Duration halfLife) {
        double sum = Arrays.stream(weights).sum();
        double squares = Arrays.stream(weights).map(weight -> weight * weight).sum();
        return String.format(
                Locale.ROOT,
                "half after %s: %,d training examples tell as much as %,.0f of the same age",
                Spans.of(halfLife),
                weights.length,
                sum * sum / squares);
    }

    /** {@return how much partial credit there is, in words} */
    static String describe(double[] credit) {
        long partial = Arrays.stream(credit).filter(weight -> weight < 1).count();
        return String.format(
                Locale.ROOT,
                "partial for %,d of %,d training examples, which count as %,.1f whole ones",
                partial,
                credit.length,
                Arrays.stream(credit).sum());
    }
}
