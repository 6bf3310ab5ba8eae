package dev.flywheel.pipeline;

import dev.flywheel.core.stat.Metric;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * When a deployment trains again by itself, and on what. Rules are alternatives: the first that holds starts a run.
 *
 * <pre>{@code Retrain.afterLabels(10_000).orEvery(Duration.ofDays(7)).atMostEvery(Duration.ofHours(1))}</pre>
 *
 * Immutable.
 */
public final class Retrain implements Serializable {

    private static final long serialVersionUID = 1L;
    private static final Retrain NEVER = new Retrain(0, null, null, 0, null, null);

    final int labels;
    final @Nullable Duration period;
    final @Nullable Metric metric;
    final double drop;
    final @Nullable Duration cooldown;
    final @Nullable Duration window;

    private Retrain(
            int labels,
            @Nullable Duration period,
            @Nullable Metric metric,
            double drop,
            @Nullable Duration cooldown,
            @Nullable Duration window) {
        this.labels = labels;
        this.period = period;
        this.metric = metric;
        this.drop = drop;
        this.cooldown = cooldown;
        this.window = window;
    }

    /** {@return no rule: a run starts only when the host asks for one. The default} */
    public static Retrain never() {
        return NEVER;
    }

    /**
     * {@return a rule that holds once so many new labels have come in since the last run} Labels count as they come,
     * repeated and corrected ones too, and over restarts; a run that was cut short does not use them up.
     *
     * @param labels the number of labels, at least 1
     */
    public static Retrain afterLabels(int labels) {
        return NEVER.orAfterLabels(labels);
    }

    /**
     * {@return a rule that holds once so much time has passed since the last run}
     *
     * @param period the time, positive
     */
    public static Retrain every(Duration period) {
        return NEVER.orEvery(period);
    }

    /**
     * {@return a rule that holds once quality in production falls} It looks every 100 labels, and forgets at a restart:
     * what was predicted before, or more than 200,000 predictions ago, does not count.
     *
     * @param metric what is measured, on the last 1,000 labelled predictions of the serving version
     * @param by how much worse than the version's own evaluation it may become, in the metric's unit, above 0
     */
    public static Retrain onQualityDrop(Metric metric, double by) {
        return NEVER.orOnQualityDrop(metric, by);
    }

    /** {@return these rules or {@link #afterLabels}} */
    public Retrain orAfterLabels(int labels) {
        requireUnset("afterLabels", this.labels == 0 ? null : this.labels);
        if (labels < 1) {
            throw new IllegalArgumentException(
                    "Retrain.afterLabels is invalid: found " + labels + ", expected at least 1");
        }
        return new Retrain(labels, period, metric, drop, cooldown, window);
    }

    /** {@return these rules or {@link #every}} */
    public Retrain orEvery(Duration period) {
        requireUnset("every", this.period);
        return new Retrain(labels, positive("every", period), metric, drop, cooldown, window);
    }

    /** {@return these rules or {@link #onQualityDrop}} */
    public Retrain orOnQualityDrop(Metric metric, double by) {
        requireUnset("onQualityDrop", this.metric);
        if (!(by > 0)) {
            throw new IllegalArgumentException("Retrain.onQualityDrop is invalid: found " + by + ", expected above 0");
        }
        return new Retrain(labels, period, Objects.requireNonNull(metric, "metric"), by, cooldown, window);
    }

    /**
     * {@return these rules, held back until so much time has passed since the last run}
     *
     * @param cooldown the time, positive
     */
    public Retrain atMostEvery(Duration cooldown) {
        requireUnset("atMostEvery", this.cooldown);
        return new Retrain(labels, period, metric, drop, positive("atMostEvery", cooldown), window);
    }

    /**
     * {@return these rules, learning only from examples so new. Without it a run learns from all history} The first run
     * learns from all that the source gives, and so does every run from a source without event time.
     *
     * @param window how far back from now, positive
     */
    public Retrain learningFromLast(Duration window) {
        requireUnset("learningFromLast", this.window);
        return new Retrain(labels, period, metric, drop, cooldown, positive("learningFromLast", window));
    }

    String describe() {
        List<String> rules = new ArrayList<>();
        if (labels > 0) {
            rules.add("after " + labels + " labels");
        }
        if (period != null) {
            rules.add("every " + period);
        }
        if (metric != null) {
            rules.add("when " + metric + " is worse by " + drop);
        }
        String text = rules.isEmpty() ? "never" : String.join(" or ", rules);
        return text
                + (cooldown == null ? "" : ", at most every " + cooldown)
                + (window == null ? "" : ", from the last " + window);
    }

    private static Duration positive(String option, Duration value) {
        if (Objects.requireNonNull(value, option).isNegative() || value.isZero()) {
            throw new IllegalArgumentException(
                    "Retrain." + option + " is invalid: found " + value + ", expected above zero");
        }
        return value;
    }

    private static void requireUnset(String option, @Nullable Object found) {
        if (found != null) {
            throw new IllegalStateException("Retrain." + option + " was already set to " + found);
        }
    }
}
