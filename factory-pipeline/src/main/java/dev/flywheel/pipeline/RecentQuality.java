package dev.flywheel.pipeline;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** How good the serving version is on the last outcomes, measured now and then. Thread-safe. */
final class RecentQuality<I> implements Monitor<I> {

    static final int WINDOW = 1_000;
    private static final int REMEASURE = 100;
    private static final int REMEMBERED_OUTPUTS = 200_000;

    private record Outcome(double output, double label) {}

    private record Made(int version, double output) {}

    private final Set<Metric> metrics;
    private final Cache<UUID, Made> made =
            CacheBuilder.newBuilder().maximumSize(REMEMBERED_OUTPUTS).build();
    private final ArrayDeque<Outcome> outcomes = new ArrayDeque<>();
    private final Map<Metric, Quality> measured = new HashMap<>();
    private int unmeasured;
    private int version;
    private @Nullable ModelCard card;

    /** @param metrics what is measured; nothing is remembered where it is nothing */
    RecentQuality(Set<Metric> metrics) {
        this.metrics = Set.copyOf(metrics);
    }

    /** The outcomes of another version say nothing of this one, so the window starts anew. */
    @Override
    public synchronized void serving(int number, ModelCard itsCard) {
        version = number;
        card = itsCard;
        outcomes.clear();
        measured.clear();
        unmeasured = 0;
    }

    @Override
    public void predicted(UUID id, int madeBy, I input, double output, Instant at) {
        predicted(id, madeBy, output);
    }

    void predicted(UUID id, int madeBy, double output) {
        // what is no number cannot be measured, and would let every look fail while it is in the window
        if (!metrics.isEmpty() && Double.isFinite(output)) {
            made.put(id, new Made(madeBy, output));
        }
    }

    @Override
    public void labelled(UUID id, double label, Instant at) {
        Made prediction = metrics.isEmpty() ? null : made.asMap().remove(id);
        if (prediction != null) {
            add(prediction.version, prediction.output, label, at);
        }
    }

    private synchronized void add(int madeBy, double output, double label, Instant at) {
        if (madeBy != version) {
            return;
        }
        outcomes.addLast(new Outcome(output, label));
        if (outcomes.size() > WINDOW) {
            outcomes.removeFirst();
        }
        unmeasured++;
        if (outcomes.size() == WINDOW && (measured.isEmpty() || unmeasured >= REMEASURE)) {
            unmeasured = 0;
            measure(at);
        }
    }

    private void measure(Instant at) {
        double[] labels = outcomes.stream().mapToDouble(Outcome::label).toArray();
        double[] outputs = outcomes.stream().mapToDouble(Outcome::output).toArray();
        for (Metric metric : metrics) {
            Estimate reference = card == null ? null : card.metrics().get(metric.name());
            if (reference != null) {
                double now = Metrics.estimate(metric, labels, outputs).value();
                String sentence = String.format(
                        Locale.ROOT,
                        "%s of version %d is %.4f on its last %d outcomes, %.4f at its evaluation",
                        metric,
                        version,
                        now,
                        WINDOW,
                        reference.value());
                measured.put(metric, new Quality(metric, now, reference.value(), at, sentence));
            }
        }
    }

    @Override
    public synchronized Optional<Quality> quality(Metric metric) {
        return Optional.ofNullable(measured.get(metric));
    }
}
