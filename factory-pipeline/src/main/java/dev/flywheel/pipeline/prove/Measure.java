package dev.flywheel.pipeline.prove;

import dev.flywheel.core.stat.Metric;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A number that is read again and again while a canary runs, and what its readings mean. Immutable.
 *
 * <p>A reading that meets the failure condition failed, even if it meets the success condition, too; one that meets the
 * success condition succeeded; one that meets neither of two is inconclusive. With one condition alone, what does not
 * meet it is the opposite. Limits and phases are those of Argo Rollouts' analysis.
 *
 * <pre>{@code Measure.of("error rate").success(Bound.atMost(0.01)).failure(Bound.above(0.05))
 *     .every(Duration.ofMinutes(1)).count(10).failureLimit(1)}</pre>
 */
public final class Measure implements Serializable {

    private static final long serialVersionUID = 1L;
    private static final int UNLIMITED = -1;
    private static final String ADVANTAGE = " advantage";

    private final String name;
    private final @Nullable Bound success;
    private final @Nullable Bound failure;
    private final Duration interval;
    private final Limits limits;

    /** How many of each are enough. */
    private record Limits(int count, int failed, int inconclusive, int consecutiveErrors, int consecutiveSuccesses)
            implements Serializable {

        private static final long serialVersionUID = 1L;
        /** As Argo Rollouts': no failure and nothing inconclusive is tolerated, four errors in a row are. */
        static final Limits DEFAULT = new Limits(0, 0, 0, 4, 0);
    }

    /** What a reading means. */
    enum Reading {
        SUCCESS,
        FAILURE,
        NEITHER,
        ERROR
    }

    /** Where a measure stands. */
    public enum Phase {
        /** More readings are to come. */
        RUNNING,
        /** It holds. */
        SUCCESSFUL,
        /** It is broken. */
        FAILED,
        /** A person should look. */
        INCONCLUSIVE,
        /** It could not be read too many times in a row. */
        ERROR
    }

    private Measure(String name, @Nullable Bound success, @Nullable Bound failure, Duration interval, Limits limits) {
        this.name = Objects.requireNonNull(name, "name");
        this.success = success;
        this.failure = failure;
        this.interval = interval;
        this.limits = limits;
    }

    /** {@return a measure without conditions; it needs one or both} */
    public static Measure of(String name) {
        return new Measure(name, null, null, Duration.ZERO, Limits.DEFAULT);
    }

    /**
     * {@return a measure of a metric of the model: each reading is over the labelled predictions of the version on
     * trial since the last one; it needs a condition}
     *
     * @param metric one that {@link Goal#model} takes
     */
    public static Measure model(Metric metric) {
        return of(Goal.model(metric).name());
    }

    /**
     * {@return a measure of how much better than the champion the version on trial is in a metric of the model, over
     * what was labelled of both since the last reading; negative as worse; it needs a condition}
     *
     * @param metric one that {@link Goal#model} takes
     */
    public static Measure advantage(Metric metric) {
        return of(Goal.model(metric).name() + ADVANTAGE);
    }

    /** {@return the metric of the model that it measures, if it does} */
    Optional<Metric> metric() {
        return metric(name);
    }

    /** {@return the metric of the model that a measure of this name measures, if it does} */
    public static Optional<Metric> metric(String name) {
        String label = name.endsWith(ADVANTAGE) ? name.substring(0, name.length() - ADVANTAGE.length()) : name;
        return Arrays.stream(Metric.values())
                .filter(metric -> metric.label().equals(label))
                .findFirst();
    }

    /** {@return this measure with the condition that makes a reading successful} */
    public Measure success(Bound bound) {
        return new Measure(name, Objects.requireNonNull(bound, "bound"), failure, interval, limits);
    }

    /** {@return this measure with the condition that makes a reading failed} */
    public Measure failure(Bound bound) {
        return new Measure(name, success, Objects.requireNonNull(bound, "bound"), interval, limits);
    }

    /**
     * {@return this measure, read when so much time has passed since it was read; by default each time there is a
     * value}
     */
    public Measure every(Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("measure \"" + name + "\" cannot be read every " + time);
        }
        return new Measure(name, success, failure, time, limits);
    }

    /** {@return this measure, done after so many readings; by default it is read as long as the step lasts} */
    public Measure count(int readings) {
        return limits(new Limits(
                atLeast(1, "count", readings),
                limits.failed,
                limits.inconclusive,
                limits.consecutiveErrors,
                limits.consecutiveSuccesses));
    }

    /** {@return this measure, broken by more failed readings than these; by default 0; -1 tolerates any number} */
    public Measure failureLimit(int readings) {
        return limits(new Limits(
                limits.count,
                atLeast(UNLIMITED, "failureLimit", readings),
                limits.inconclusive,
                limits.consecutiveErrors,
                limits.consecutiveSuccesses));
    }

    /**
     * {@return this measure, inconclusive after more such readings than these; by default 0; -1 tolerates any number}
     */
    public Measure inconclusiveLimit(int readings) {
        return limits(new Limits(
                limits.count,
                limits.failed,
                atLeast(UNLIMITED, "inconclusiveLimit", readings),
                limits.consecutiveErrors,
                limits.consecutiveSuccesses));
    }

    /** {@return this measure, in error after more times in a row without a value than these; by default 4} */
    public Measure consecutiveErrorLimit(int readings) {
        return limits(new Limits(
                limits.count,
                limits.failed,
                limits.inconclusive,
                atLeast(0, "consecutiveErrorLimit", readings),
                limits.consecutiveSuccesses));
    }

    /** {@return this measure, successful as soon as so many readings in a row are; by default 0, which is never} */
    public Measure consecutiveSuccessLimit(int readings) {
        return limits(new Limits(
                limits.count,
                limits.failed,
                limits.inconclusive,
                limits.consecutiveErrors,
                atLeast(0, "consecutiveSuccessLimit", readings)));
    }

    private Measure limits(Limits others) {
        return new Measure(name, success, failure, interval, others);
    }

    private int atLeast(int least, String limit, int found) {
        if (found < least) {
            throw new IllegalArgumentException(
                    limit + " of measure \"" + name + "\" must be at least " + least + ", found " + found);
        }
        return found;
    }

    /** {@return what it is called} */
    public String name() {
        return name;
    }

    /** {@return where it stands while more readings are to come} */
    public Phase phase(Tally tally) {
        return phase(tally, Phase.RUNNING);
    }

    /** {@return where it stands if no more readings come: what is not broken holds} */
    public Phase phaseAtEnd(Tally tally) {
        return phase(tally, Phase.SUCCESSFUL);
    }

    private Phase phase(Tally tally, Phase otherwise) {
        if (limits.failed >= 0 && tally.failed() > limits.failed) {
            return Phase.FAILED;
        }
        if (limits.inconclusive >= 0 && tally.inconclusive() > limits.inconclusive) {
            return Phase.INCONCLUSIVE;
        }
        if (tally.consecutiveErrors() > limits.consecutiveErrors) {
            return Phase.ERROR;
        }
        boolean wantsRow = limits.consecutiveSuccesses > 0;
        if (wantsRow && tally.consecutiveSuccesses() >= limits.consecutiveSuccesses) {
            return Phase.SUCCESSFUL;
        }
        if (limits.count > 0 && tally.count() >= limits.count) {
            if (!wantsRow) {
                return Phase.SUCCESSFUL;
            }
            // the row never came: that breaks it only if nothing else could have
            return limits.failed < 0 ? Phase.FAILED : Phase.INCONCLUSIVE;
        }
        return otherwise;
    }

    Reading read(double value) {
        if (Double.isNaN(value)) {
            return Reading.ERROR;
        }
        if (failure != null && failure.holds(value)) {
            return Reading.FAILURE;
        }
        if (success != null) {
            return success.holds(value) ? Reading.SUCCESS : failure == null ? Reading.FAILURE : Reading.NEITHER;
        }
        return Reading.SUCCESS;
    }

    /** Whether it is read at intervals; if not, each time there is a value. */
    boolean timed() {
        return !interval.isZero();
    }

    boolean due(Tally tally, Instant now) {
        Instant last = tally.lastAt();
        // after the clock was set back, it is read at once rather than not for long
        return phase(tally) == Phase.RUNNING
                && (last == null || now.isBefore(last) || !now.isBefore(last.plus(interval)));
    }

    /** Whether a step has to wait for more readings; one without a count ends with the step. */
    boolean wantsMore() {
        return limits.count > 0 || limits.consecutiveSuccesses > 0;
    }

    /** @throws IllegalArgumentException if it has no condition */
    Measure requireCondition() {
        if (success == null && failure == null) {
            throw new IllegalArgumentException("measure \"" + name + "\" needs a success or a failure condition");
        }
        return this;
    }

    /** {@return it in words, equal for equal measures} */
    public String describe() {
        StringBuilder text = new StringBuilder(name);
        if (success != null) {
            text.append(", success ").append(success.describe());
        }
        if (failure != null) {
            text.append(", failure ").append(failure.describe());
        }
        if (!interval.isZero()) {
            text.append(", every ").append(interval);
        }
        if (limits.count > 0) {
            text.append(", ").append(Words.unit(limits.count, "time"));
        }
        limit(text, "failure", limits.failed, Limits.DEFAULT.failed);
        limit(text, "inconclusive", limits.inconclusive, Limits.DEFAULT.inconclusive);
        limit(text, "consecutive error", limits.consecutiveErrors, Limits.DEFAULT.consecutiveErrors);
        limit(text, "consecutive success", limits.consecutiveSuccesses, Limits.DEFAULT.consecutiveSuccesses);
        return text.toString();
    }

    private static void limit(StringBuilder text, String name, int value, int usual) {
        if (value != usual) {
            text.append(", ").append(name).append(" limit ").append(value == UNLIMITED ? "none" : Words.count(value));
        }
    }

    @Override
    public String toString() {
        return describe();
    }
}
