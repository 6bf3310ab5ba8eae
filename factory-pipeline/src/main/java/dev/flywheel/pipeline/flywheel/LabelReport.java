package dev.flywheel.pipeline.flywheel;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How long outcomes take to come, and how many predictions of which age have one. Immutable.
 *
 * <p>A delay is the time from a prediction to its first outcome in the log of feedback; it is known to one part in
 * sixteen.
 */
public final class LabelReport {

    private static final List<Duration> AGES = List.of(
            Duration.ZERO,
            Duration.ofMinutes(1),
            Duration.ofMinutes(10),
            Duration.ofHours(1),
            Duration.ofHours(6),
            Duration.ofDays(1),
            Duration.ofDays(3),
            Duration.ofDays(7),
            Duration.ofDays(14),
            Duration.ofDays(30),
            Duration.ofDays(90),
            Duration.ofDays(365));
    private static final long[] AGE_MICROS = AGES.stream().mapToLong(Micros::of).toArray();

    // with thirty to be expected, less than half of that happens by chance once in 500 times (Poisson)
    private static final int EVIDENCE = 30;

    private final Instant asOf;
    private final List<Cohort> cohorts;
    private final Delays delays;

    private LabelReport(Instant asOf, List<Cohort> cohorts, Delays delays) {
        this.asOf = asOf;
        this.cohorts = cohorts;
        this.delays = delays;
    }

    /**
     * Predictions of about the same age.
     *
     * @param from the youngest
     * @param to the age at which the next cohort begins; null for the oldest cohort
     * @param predictions how many there are
     * @param labelled how many of them have an outcome in time
     */
    public record Cohort(Duration from, @Nullable Duration to, long predictions, long labelled) {

        /** {@return the share with an outcome, from 0 to 1; 0 if there are no predictions} */
        public double rate() {
            return predictions == 0 ? 0 : (double) labelled / predictions;
        }
    }

    /** {@return the time at which ages are told} */
    public Instant asOf() {
        return asOf;
    }

    /** {@return the cohorts, the youngest first; those without predictions are left out} */
    public List<Cohort> cohorts() {
        return cohorts;
    }

    /** {@return the share of the predictions of at least an age that have an outcome, from 0 to 1; 0 without any} */
    public double rate(Duration atLeast) {
        long predictions = 0;
        long labelled = 0;
        for (Cohort cohort : cohorts) {
            if (cohort.from.compareTo(atLeast) >= 0) {
                predictions += cohort.predictions;
                labelled += cohort.labelled;
            }
        }
        return predictions == 0 ? 0 : (double) labelled / predictions;
    }

    /**
     * Outcomes that have become rare.
     *
     * @param age the least age of the predictions that are compared with older ones: nine of ten outcomes come sooner
     * @param rate the share of them with an outcome, from 0 to 1
     * @param before the share of the older ones
     */
    public record Fall(Duration age, double rate, double before) {

        /** {@return what has happened, in a sentence} */
        public String sentence() {
            return String.format(
                    Locale.ROOT,
                    "labels have become rare: of the predictions that are %s old or a little older %.1f%% have an"
                            + " outcome, of older ones %.1f%%",
                    age.toDays() > 0 ? age.toDays() + " d" : age.toMinutes() + " min",
                    100 * rate,
                    100 * before);
        }
    }

    /**
     * {@return whether the youngest predictions that should have their outcomes by now have less than half as many as
     * older ones} Empty also where this would be less than {@value #EVIDENCE} outcomes, too few to tell it from chance.
     */
    public Optional<Fall> fall() {
        // a delay is known to one part in sixteen, and told as the largest that it may be
        Duration nearlyAll = delay(0.9).multipliedBy(15).dividedBy(16);
        for (int i = 0; i + 1 < cohorts.size(); i++) {
            Cohort young = cohorts.get(i);
            if (delays.count > 0 && young.from.compareTo(nearlyAll) >= 0) {
                double before = rate(cohorts.get(i + 1).from);
                return before * young.predictions >= EVIDENCE && young.rate() < before / 2
                        ? Optional.of(new Fall(young.from, young.rate(), before))
                        : Optional.empty();
            }
        }
        return Optional.empty();
    }

    /** {@return the number of delays: of predictions with an outcome in time} */
    public long delays() {
        return delays.count;
    }

    /**
     * {@return the delay that a share of the outcomes did not exceed; zero without any}
     *
     * @param share from 0 to 1
     */
    public Duration delay(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a share is from 0 to 1, found " + share);
        }
        return Duration.of(delays.quantile(share), java.time.temporal.ChronoUnit.MICROS);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LabelReport that
                && asOf.equals(that.asOf)
                && cohorts.equals(that.cohorts)
                && delays.sameAs(that.delays);
    }

    @Override
    public int hashCode() {
        return Objects.hash(asOf, cohorts, delays.count);
    }

    /** {@return the report in one line} */
    @Override
    public String toString() {
        return delays.count + " outcomes, half within " + delay(0.5) + ", 90% within " + delay(0.9) + "; " + cohorts;
    }

    /** Counts of delays on a logarithmic scale: sixteen steps for each doubling, in a fixed size. Not thread-safe. */
    private static final class Delays {
        private static final int STEP_BITS = 4;
        private final long[] counts = new long[(64 - STEP_BITS + 1) << STEP_BITS];
        private long count;

        void add(long micros) {
            counts[bin(Math.max(0, micros))]++;
            count++;
        }

        private static int bin(long micros) {
            int exponent = Math.max(0, 64 - STEP_BITS - 1 - Long.numberOfLeadingZeros(micros | 1));
            return (exponent << STEP_BITS) + (int) (micros >>> exponent);
        }

        /** {@return the largest delay of a bin} */
        private static long limit(int bin) {
            int exponent = Math.max(0, (bin >>> STEP_BITS) - 1);
            return (((long) bin - ((long) exponent << STEP_BITS) + 1) << exponent) - 1;
        }

        long quantile(double share) {
            long rank = Math.max(1, (long) Math.ceil(share * count));
            long seen = 0;
            for (int bin = 0; bin < counts.length; bin++) {
                seen += counts[bin];
                if (seen >= rank) {
                    return limit(bin);
                }
            }
            return 0;
        }

        boolean sameAs(Delays other) {
            return java.util.Arrays.equals(counts, other.counts);
        }
    }

    /** The numbers while they grow. Not thread-safe. */
    static final class Counter {
        private final Delays delays = new Delays();
        private final long[] predictions = new long[AGES.size()];
        private final long[] labelled = new long[AGES.size()];

        void delay(long micros) {
            delays.add(micros);
        }

        void prediction(long ageMicros, boolean hasLabel) {
            int cohort = AGE_MICROS.length - 1;
            while (cohort > 0 && ageMicros < AGE_MICROS[cohort]) {
                cohort--;
            }
            predictions[cohort]++;
            labelled[cohort] += hasLabel ? 1 : 0;
        }

        LabelReport report(Instant asOf) {
            List<Cohort> cohorts = new ArrayList<>();
            for (int i = 0; i < predictions.length; i++) {
                if (predictions[i] > 0) {
                    Duration to = i + 1 < predictions.length ? AGES.get(i + 1) : null;
                    cohorts.add(new Cohort(AGES.get(i), to, predictions[i], labelled[i]));
                }
            }
            return new LabelReport(asOf, List.copyOf(cohorts), delays);
        }
    }
}
