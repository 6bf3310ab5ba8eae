package dev.flywheel.benchmarks;

import java.util.List;
import java.util.Locale;
import java.util.Random;

/** Streams with one change at a known place, or none. The same seed gives the same stream on every platform. */
final class DetectStreams {

    /** How many values come before and after the change. */
    static final int HALF = 1_000;
    /** How many values a stream without a change has. */
    static final int UNCHANGED = 10_000;

    static final String BERNOULLI = "bernoulli";
    static final String NORMAL = "normal";

    /**
     * A kind of stream.
     *
     * @param family bernoulli (a mean from 0 to 1) or normal (a deviation of 1)
     * @param before the mean before the change
     * @param after the mean after it
     */
    record Kind(String family, double before, double after) {

        boolean ofBits() {
            return family.equals(BERNOULLI);
        }

        String text() {
            String start = String.format(Locale.ROOT, "%s %.2f", family, before);
            return before == after ? start : start + String.format(Locale.ROOT, ", then %.2f", after);
        }

        double[] values(int number) {
            boolean changes = before != after;
            Random random = new Random(31L * text().hashCode() + number);
            double[] values = new double[changes ? 2 * HALF : UNCHANGED];
            for (int i = 0; i < values.length; i++) {
                double mean = i < HALF ? before : after;
                values[i] = ofBits() ? random.nextDouble() < mean ? 1 : 0 : mean + random.nextGaussian();
            }
            return values;
        }
    }

    private DetectStreams() {}

    static List<Kind> changing() {
        return List.of(
                new Kind(BERNOULLI, 0.1, 0.2),
                new Kind(BERNOULLI, 0.1, 0.3),
                new Kind(BERNOULLI, 0.2, 0.5),
                new Kind(NORMAL, 0, 0.25),
                new Kind(NORMAL, 0, 0.5),
                new Kind(NORMAL, 0, 1));
    }

    static List<Kind> unchanging() {
        return List.of(new Kind(BERNOULLI, 0.1, 0.1), new Kind(BERNOULLI, 0.2, 0.2), new Kind(NORMAL, 0, 0));
    }
}
