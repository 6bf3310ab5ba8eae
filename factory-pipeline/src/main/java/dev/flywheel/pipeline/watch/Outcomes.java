package dev.flywheel.pipeline.watch;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.core.stat.stream.CalibrationTable;
import dev.flywheel.core.stat.stream.Detector;
import dev.flywheel.core.stat.stream.Detector.Change;
import dev.flywheel.core.stat.stream.Detector.Direction;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/** How good a version is on the outcomes that come in, in constant memory. Not thread-safe. */
final class Outcomes {

    /** What is predicted and not known yet is remembered of the last so many predictions. */
    static final int REMEMBERED = 200_000;

    /** Quality is measured on the last so many outcomes of a window. */
    static final int MEASURED = 4_096;

    /** What rules go by is measured on the last so many outcomes, whatever window they came in. */
    static final int RECENT = 1_000;

    /** And it is measured anew after so many more. */
    private static final int REMEASURE = 100;

    private static final double DELTA = 0.002;
    private static final double SPAN = 4;

    private final Task task;
    private final Set<Metric> rules;
    private final Map<UUID, Double> waiting = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<UUID, Double> eldest) {
            return size() > REMEMBERED;
        }
    };
    private final ArrayDeque<Outcome> known = new ArrayDeque<>();
    private final ArrayDeque<Outcome> recent = new ArrayDeque<>();
    private int unmeasured;
    private List<Measured> measured = List.of();
    private @Nullable Instant latest;
    private @Nullable ModelCard card;
    private long count;
    private Detector detector = Detector.adwin(DELTA, Direction.INCREASE);
    private double scale;
    private @Nullable Shift worse;

    /**
     * An outcome and what was predicted.
     *
     * @param at when it became known
     */
    record Outcome(double label, double output, Instant at) {}

    /**
     * What survives a restart. Immutable.
     *
     * @param known the last outcomes of the window
     * @param count how many there were
     * @param recent the last outcomes, whatever window they came in
     * @param unmeasured how many of them came since they were measured
     * @param measured what that found
     * @param latest when the last outcome became known that was looked at; null if none was
     * @param detector the detector of errors
     * @param worse what it said
     */
    record Saved(
            List<Outcome> known,
            long count,
            List<Outcome> recent,
            int unmeasured,
            List<Measured> measured,
            @Nullable Instant latest,
            Detector.Saved detector,
            @Nullable Shift worse) {}

    /** @param rules what rules go by */
    Outcomes(Task task, Set<Metric> rules) {
        this.task = task;
        this.rules = Set.copyOf(rules);
    }

    Saved saved() {
        return new Saved(
                List.copyOf(known), count, List.copyOf(recent), unmeasured, measured, latest, detector.saved(), worse);
    }

    void restore(Saved saved) {
        known.clear();
        known.addAll(saved.known);
        recent.clear();
        recent.addAll(saved.recent);
        unmeasured = saved.unmeasured;
        measured = List.copyOf(saved.measured);
        latest = saved.latest;
        count = saved.count;
        detector = Detector.of(saved.detector);
        worse = saved.worse;
    }

    /**
     * Errors are measured in shares of what the version's evaluation lets expect: nearly all are below four of them.
     */
    void serving(ModelCard itsCard) {
        card = itsCard;
        Estimate rmse = itsCard.metrics().get(Metric.RMSE.name());
        scale = task != Task.REGRESSION ? 1 : rmse == null ? Double.NaN : SPAN * rmse.value();
    }

    /** Another version serves, whose outcomes are all to come. */
    void clear() {
        waiting.clear();
        known.clear();
        recent.clear();
        unmeasured = 0;
        measured = List.of();
        latest = null;
        count = 0;
        detector.reset();
        worse = null;
    }

    void predicted(UUID id, double output) {
        if (Double.isFinite(output)) {
            waiting.put(id, output);
        }
    }

    /** An outcome came in; it counts if it is that of a prediction of the version that serves. */
    void labelled(UUID id, double label, Instant at) {
        Double output = waiting.remove(id);
        if (output == null) {
            return;
        }
        count++;
        latest = at;
        Outcome outcome = new Outcome(label, output, at);
        known.addLast(outcome);
        if (known.size() > MEASURED) {
            known.removeFirst();
        }
        recent(outcome);
        if (scale > 0 && detector.add(error(label, output)) == Change.DRIFT) {
            worse = worse(at);
        }
    }

    /** The outcome of a prediction that waits was looked at before. */
    void forget(UUID id) {
        waiting.remove(id);
    }

    private void recent(Outcome outcome) {
        if (rules.isEmpty() || card == null) {
            return;
        }
        recent.addLast(outcome);
        if (recent.size() > RECENT) {
            recent.removeFirst();
        }
        unmeasured++;
        if (recent.size() == RECENT && (measured.isEmpty() || unmeasured >= REMEASURE)) {
            unmeasured = 0;
            measured = quality(recent, rules, card).stream()
                    .map(quality -> new Measured(quality, outcome.at))
                    .toList();
        }
    }

    private double error(double label, double output) {
        if (task == Task.MULTICLASS) {
            return label == output ? 0 : 1;
        }
        return Math.min(1, Math.abs(label - output) / scale);
    }

    /** The size is by how much the mean error has grown, as a share of what it was. */
    private Shift worse(Instant at) {
        int last = (int) Math.min(known.size(), Math.max(1, detector.sinceChange()));
        double now = 0;
        double before = 0;
        Instant since = at;
        int place = known.size();
        for (Outcome outcome : known) {
            double error = error(outcome.label, outcome.output);
            if (place == last) {
                since = outcome.at;
            }
            if (place-- <= last) {
                now += error / last;
            } else {
                before += error / (known.size() - last);
            }
        }
        double size = before > 0 ? Math.max(0, now / before - 1) : 1;
        String sentence = String.format(
                Locale.ROOT,
                "errors have grown by %.0f%% since %s, as ADWIN tells on the last %,d outcomes",
                100 * size,
                since,
                detector.values());
        return new Shift(Watcher.ERRORS, "ADWIN", size, since, at, sentence);
    }

    /** {@return what rules go by, as far as there are enough outcomes} */
    List<Measured> measured() {
        return measured;
    }

    /** {@return when the last outcome became known that was looked at; null if none was} */
    @Nullable
    Instant latest() {
        return latest;
    }

    long count() {
        return count;
    }

    /** {@return what the detector said since the last window ended} */
    @Nullable
    Shift worse() {
        return worse;
    }

    /** {@return how many outcomes the quality would be measured on} */
    int measurable() {
        return known.size();
    }

    List<WindowResult.Quality> quality(ModelCard itsCard) {
        return quality(known, Watcher.metrics(task), itsCard);
    }

    private List<WindowResult.Quality> quality(Collection<Outcome> of, Collection<Metric> metrics, ModelCard card) {
        double[] labels = of.stream().mapToDouble(Outcome::label).toArray();
        double[] decided = of.stream().mapToDouble(Outcome::output).toArray();
        double[] outputs = task == Task.MULTICLASS ? certain(labels, decided) : decided;
        List<WindowResult.Quality> found = new ArrayList<>();
        for (Metric metric : metrics) {
            Estimate now = Metrics.estimate(metric, labels, outputs);
            found.add(new WindowResult.Quality(metric, now, before(card, metric), labels.length));
        }
        return found;
    }

    /** {@return probabilities of shape [rows, classes] with which rows are decided as they were} */
    private static double[] certain(double[] labels, double[] decided) {
        double last = DoubleStream.concat(DoubleStream.of(labels), DoubleStream.of(decided))
                .max()
                .orElse(0);
        int classes = Math.max(2, 1 + (int) last);
        double[] certain = new double[labels.length * classes];
        for (int row = 0; row < decided.length; row++) {
            certain[row * classes + (int) decided[row]] = 1;
        }
        return certain;
    }

    WindowResult.@Nullable Calibration calibration() {
        if (task != Task.BINARY) {
            return null;
        }
        CalibrationTable table = new CalibrationTable();
        for (Outcome outcome : known) {
            if (outcome.output >= 0 && outcome.output <= 1) {
                table.add(outcome.output, outcome.label);
            }
        }
        return new WindowResult.Calibration(table.error(), table.pValue(), table.rows());
    }

    /** The window has ended; outcomes that were too few to be measured go on counting. */
    void endWindow(boolean measured) {
        worse = null;
        count = 0;
        if (measured) {
            known.clear();
        }
    }

    static double before(ModelCard card, Metric metric) {
        Estimate estimate = card.metrics().get(metric.name());
        return estimate == null ? Double.NaN : estimate.value();
    }
}
