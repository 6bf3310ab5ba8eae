package dev.flywheel.serving.batch;

import java.time.Duration;
import java.util.Objects;

/**
 * How requests share the runs of a model; everything has a default that suits most models. Immutable: each method gives
 * a changed copy.
 */
public final class BatchOptions {

    private static final BatchOptions DEFAULTS = new BatchOptions();

    /** More would wait for longer than anybody wants, and the places of the queue are made in advance. */
    private static final int MOST_WAITING = 1 << 20;

    private int maxRows = 64;
    private int maxTokens;
    private int lanes;
    private int queueCapacity = 4096;
    private long maxDelayNanos;
    private long deadlineNanos = Long.MAX_VALUE;
    private long runTimeoutNanos = Duration.ofMinutes(1).toNanos();

    private BatchOptions() {}

    private BatchOptions(BatchOptions other) {
        maxRows = other.maxRows;
        maxTokens = other.maxTokens;
        lanes = other.lanes;
        queueCapacity = other.queueCapacity;
        maxDelayNanos = other.maxDelayNanos;
        deadlineNanos = other.deadlineNanos;
        runTimeoutNanos = other.runTimeoutNanos;
    }

    /** {@return the options that nobody has changed} */
    public static BatchOptions defaults() {
        return DEFAULTS;
    }

    /** {@return a copy with this as the most rows of one run; at least 1, by default 64} */
    public BatchOptions maxRows(int rows) {
        BatchOptions copy = new BatchOptions(this);
        copy.maxRows = atLeastOne("maxRows", rows);
        return copy;
    }

    /**
     * {@return a copy with this as the most tokens of one run, padding included: its rows times the longest of them} At
     * least 1; a single row that is longer runs alone. By default what is measured to be worthwhile: beyond it a larger
     * batch makes everyone wait longer and answers no more.
     */
    public BatchOptions maxTokens(int tokens) {
        BatchOptions copy = new BatchOptions(this);
        copy.maxTokens = atLeastOne("maxTokens", tokens);
        return copy;
    }

    /**
     * {@return a copy with this as the time for which a lone request waits for company although the model is idle} 0 to
     * an hour; by default 0, which is best unless a run of one row costs nearly what a full batch does, as on a GPU.
     */
    public BatchOptions maxDelay(Duration delay) {
        Objects.requireNonNull(delay, "delay");
        if (delay.isNegative() || delay.compareTo(Duration.ofHours(1)) > 0) {
            throw new IllegalArgumentException("option maxDelay is invalid: found " + delay + ", expected 0 to 1 hour");
        }
        BatchOptions copy = new BatchOptions(this);
        copy.maxDelayNanos = delay.toNanos();
        return copy;
    }

    /**
     * {@return a copy with this many runs at a time} At least 1. By default the number of processors, but at least 2,
     * and several times that where a run is measured to be shorter than the waking of a thread.
     */
    public BatchOptions lanes(int count) {
        BatchOptions copy = new BatchOptions(this);
        copy.lanes = atLeastOne("lanes", count);
        return copy;
    }

    /**
     * {@return a copy with this as the most requests that wait; more are refused. 1 to 1,048,576, by default 4096} Each
     * takes 8 to 16 bytes in advance.
     */
    public BatchOptions queueCapacity(int requests) {
        BatchOptions copy = new BatchOptions(this);
        copy.queueCapacity = atLeastOne("queueCapacity", requests);
        if (requests > MOST_WAITING) {
            throw new IllegalArgumentException(
                    "option queueCapacity is invalid: found " + requests + ", expected at most " + MOST_WAITING);
        }
        return copy;
    }

    /**
     * {@return a copy with this as the time within which requests that do not say otherwise want their answer; more
     * than 0, by default without end}
     */
    public BatchOptions deadline(Duration fromRequest) {
        BatchOptions copy = new BatchOptions(this);
        copy.deadlineNanos = positive("deadline", fromRequest);
        return copy;
    }

    /**
     * {@return a copy with this as the time after which a run counts as hung: it is told to end, and given up if it
     * does not} More than 0, by default 1 minute.
     */
    public BatchOptions runTimeout(Duration longest) {
        BatchOptions copy = new BatchOptions(this);
        copy.runTimeoutNanos = positive("runTimeout", longest);
        return copy;
    }

    /** {@return the most rows of one run} */
    public int maxRows() {
        return maxRows;
    }

    /** {@return the most requests that wait} */
    public int queueCapacity() {
        return queueCapacity;
    }

    /** {@return the most tokens of one run, or 0 if that is to be measured} */
    int maxTokens() {
        return maxTokens;
    }

    /** {@return the runs at a time, or 0 if that is to be measured} */
    public int lanes() {
        return lanes;
    }

    long maxDelayNanos() {
        return maxDelayNanos;
    }

    /** {@return the time that a request has by default; {@link Long#MAX_VALUE} if it has no end} */
    long deadlineNanos() {
        return deadlineNanos;
    }

    long runTimeoutNanos() {
        return runTimeoutNanos;
    }

    @Override
    public String toString() {
        return "BatchOptions[maxRows=" + maxRows
                + ", maxTokens=" + (maxTokens == 0 ? "measured" : maxTokens)
                + ", maxDelay=" + Duration.ofNanos(maxDelayNanos)
                + ", lanes=" + (lanes == 0 ? "measured" : lanes)
                + ", queueCapacity=" + queueCapacity
                + ", deadline=" + (deadlineNanos == Long.MAX_VALUE ? "none" : Duration.ofNanos(deadlineNanos))
                + ", runTimeout=" + Duration.ofNanos(runTimeoutNanos) + "]";
    }

    private static int atLeastOne(String option, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(
                    "option " + option + " is invalid: found " + value + ", expected at least 1");
        }
        return value;
    }

    private static long positive(String option, Duration value) {
        Objects.requireNonNull(value, option);
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(
                    "option " + option + " is invalid: found " + value + ", expected more than 0");
        }
        return nanos(value);
    }

    /** {@return the duration in nanoseconds; one of more than a century is without end} */
    static long nanos(Duration duration) {
        return duration.compareTo(Duration.ofDays(36_500)) > 0 ? Long.MAX_VALUE : duration.toNanos();
    }
}
