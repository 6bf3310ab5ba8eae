package dev.flywheel.pipeline;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The state behind the rules of a {@link Retrain}: what has happened since the last run. Thread-safe. */
final class Triggers {

    private static final int QUALITY_WINDOW = 1_000;
    private static final int REMEASURE = 100;
    private static final int REMEMBERED_OUTPUTS = 200_000;

    private record Outcome(double output, double label) {}

    private record Made(int version, double output) {}

    private final Retrain rules;
    /** Null where no rule asks for it. */
    private final @Nullable Cache<UUID, Made> made;

    private final ArrayDeque<Outcome> outcomes = new ArrayDeque<>();
    private long labels;
    private long measuredAt;
    private Instant lastRun;
    private int version;
    private @Nullable Estimate reference;

    /**
     * @param lastRun when the last run started
     * @param labels how many labels have come in since
     */
    Triggers(Retrain rules, Instant lastRun, long labels) {
        this.rules = rules;
        this.lastRun = lastRun;
        this.labels = labels;
        this.made = rules.metric == null
                ? null
                : CacheBuilder.newBuilder().maximumSize(REMEMBERED_OUTPUTS).build();
    }

    /** The outcomes of another version say nothing of this one, so the window starts anew. */
    synchronized void serving(int number, ModelCard card) {
        version = number;
        reference = rules.metric == null ? null : card.metrics().get(rules.metric.name());
        outcomes.clear();
    }

    synchronized void runStarted(Instant now) {
        lastRun = now;
        labels = 0;
        measuredAt = 0;
    }

    void predicted(UUID id, int version, double output) {
        if (made != null) {
            made.put(id, new Made(version, output));
        }
    }

    /** {@return how many labels have come in since the last run} */
    synchronized long labelled(Map<UUID, Double> byId) {
        byId.forEach(this::labelled);
        return labels;
    }

    private void labelled(UUID id, double label) {
        labels++;
        Made prediction = made == null ? null : made.asMap().remove(id);
        if (prediction != null && prediction.version == version) {
            outcomes.addLast(new Outcome(prediction.output, label));
            if (outcomes.size() > QUALITY_WINDOW) {
                outcomes.removeFirst();
            }
        }
    }

    /** {@return why a run should start now, if it should} */
    synchronized Optional<String> due(Instant now) {
        if (now.isBefore(lastRun)) {
            // a clock that was set back must not put the next run off until it has caught up
            lastRun = now;
        }
        Duration since = Duration.between(lastRun, now);
        if (rules.cooldown != null && since.compareTo(rules.cooldown) < 0) {
            return Optional.empty();
        }
        if (rules.labels > 0 && labels >= rules.labels) {
            return Optional.of(labels + " new labels since the last run, the rule is " + rules.labels);
        }
        if (rules.period != null && since.compareTo(rules.period) >= 0) {
            return Optional.of(since + " since the last run, the rule is every " + rules.period);
        }
        return qualityDrop();
    }

    private Optional<String> qualityDrop() {
        Metric metric = rules.metric;
        if (metric == null
                || reference == null
                || outcomes.size() < QUALITY_WINDOW
                || labels < measuredAt + REMEASURE) {
            return Optional.empty();
        }
        measuredAt = labels;
        double[] labelled = outcomes.stream().mapToDouble(Outcome::label).toArray();
        double[] outputs = outcomes.stream().mapToDouble(Outcome::output).toArray();
        double now = Metrics.estimate(metric, labelled, outputs).value();
        double drop = metric.higherIsBetter() ? reference.value() - now : now - reference.value();
        return drop > rules.drop
                ? Optional.of(String.format(
                        Locale.ROOT,
                        "%s of version %d is %.4f on its last %d outcomes, %.4f at its evaluation; the rule is a drop of %s",
                        metric,
                        version,
                        now,
                        QUALITY_WINDOW,
                        reference.value(),
                        rules.drop))
                : Optional.empty();
    }
}
