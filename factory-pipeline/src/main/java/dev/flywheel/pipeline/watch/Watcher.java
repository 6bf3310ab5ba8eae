package dev.flywheel.pipeline.watch;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.registry.PipelineDirectory;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.Comparison;
import dev.flywheel.core.stat.drift.Profile;
import dev.flywheel.core.stat.stream.Calibration;
import dev.flywheel.core.stat.stream.ExpectedQuality;
import dev.flywheel.pipeline.watch.WindowResult.Alarm;
import dev.flywheel.pipeline.watch.WindowResult.Feature;
import dev.flywheel.pipeline.watch.WindowResult.Quality;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The monitors of a pipeline at work: fed with predictions and outcomes in the order of time, it compares each window
 * with what the serving version knows. Its memory does not grow. Thread-safe: one thread feeds it at a time, others
 * wait; questions wait for nobody.
 *
 * <p>What a window has seen so far is kept in {@code watch.json} when a window ends and when {@link #save} is called; a
 * process that is killed between forgets that part of a window. Predictions whose outcome is to come are forgotten with
 * the process.
 */
public final class Watcher {

    /** The name of what the detector on the stream of errors tells. */
    public static final String ERRORS = "$errors";

    private static final Logger log = LoggerFactory.getLogger(Watcher.class);
    private static final String PREDICTION = "$prediction";
    private static final double THRESHOLD = 0.5;

    private final Watch watch;
    private final Task task;
    private final Schema inputs;
    private final PipelineDirectory directory;
    private final Consumer<WindowResult> listener;
    private final WatchHistory history;
    private final Periods periods;
    private final Outcomes outcomes;
    private final Alarms alarms;

    private volatile int version;
    private @Nullable ModelCard card;
    private @Nullable Reference reference;
    private @Nullable Profile profile;
    private ExpectedQuality expected = ExpectedQuality.atThreshold(THRESHOLD);
    private Set<Integer> months = new HashSet<>();
    private @Nullable Instant start;
    private @Nullable Instant latest;
    private long rows;

    private volatile List<Shift> shifts = List.of();
    private volatile @Nullable WindowResult last;
    private volatile List<Quality> quality = List.of();
    private volatile @Nullable Instant qualityAt;

    /**
     * Opens the watch of a pipeline as it was left.
     *
     * @param watch what to watch, not off
     * @param task what is predicted
     * @param inputs the columns of the input
     * @param directory where the state and the history are kept
     * @param listener hears of every window that has ended, on the feeding thread
     * @throws StoreException if the history cannot be read
     */
    public Watcher(
            Watch watch, Task task, Schema inputs, PipelineDirectory directory, Consumer<WindowResult> listener) {
        if (watch.time == null) {
            throw new IllegalArgumentException("the watch is off");
        }
        this.watch = watch;
        this.task = task;
        this.inputs = inputs;
        this.directory = directory;
        this.listener = listener;
        this.history = WatchHistory.open(directory);
        this.periods = new Periods(watch.time, watch.season);
        this.outcomes = new Outcomes(task);
        this.alarms = new Alarms(watch);
        WatchState.read(directory).ifPresent(this::restore);
    }

    private void restore(WatchState state) {
        try {
            profile = state.profile() == null ? null : state.readProfile();
            expected = ExpectedQuality.of(state.expected());
            outcomes.restore(state.outcomes());
            alarms.restore(state.streaks());
            version = state.version();
            start = state.start();
            latest = state.latest();
            rows = state.rows();
            months = new HashSet<>(state.months());
            shifts = List.copyOf(state.shifts());
            last = state.last();
            remember(last);
        } catch (StoreException | IllegalArgumentException | NullPointerException e) {
            log.warn("what the watch of pipeline {} had seen is lost; it begins anew", directory.name(), e);
            clear();
        }
    }

    /**
     * A version serves; if it is another one than before, a new window begins.
     *
     * @param path the version's directory
     */
    public synchronized void serving(int number, ModelCard itsCard, Path path) {
        card = itsCard;
        outcomes.serving(itsCard);
        Reference found = reference(number, path);
        if (number != version
                || found == null
                || (profile != null && !profile.schema().equals(found.schema()))) {
            if (number != version && latest != null) {
                end(latest);
            }
            clear();
        }
        version = number;
        reference = found;
        if (profile == null && found != null) {
            profile = found.window();
        }
    }

    private @Nullable Reference reference(int number, Path path) {
        try {
            Reference found = Reference.read(path).orElse(null);
            if (found == null) {
                log.info(
                        "pipeline {}: version {} has no reference, so no drift is looked for",
                        directory.name(),
                        number);
            } else if (!found.schema().equals(inputs)) {
                log.warn(
                        "pipeline {}: version {} knows other columns than the input has, so no drift is looked for",
                        directory.name(),
                        number);
                return null;
            }
            return found;
        } catch (StoreException e) {
            log.warn("pipeline {}: no drift is looked for", directory.name(), e);
            return null;
        }
    }

    /**
     * A prediction was made.
     *
     * @param madeBy the version; those of others than the one that serves are passed over
     * @param row the input
     */
    public synchronized void predicted(UUID id, int madeBy, RowReader row, double output, Instant at) {
        if (madeBy != version) {
            return;
        }
        passed(at);
        if (start == null) {
            start = at;
        }
        latest = at;
        rows++;
        outcomes.predicted(id, output);
        if (profile != null) {
            profile.add(row, output, Periods.micros(at));
            months.add(Periods.month(Periods.micros(at)));
        }
        Calibration calibration = reference == null ? null : reference.calibration();
        if (calibration != null && output >= 0 && output <= 1) {
            expected.add(output, calibration.applyAsDouble(output));
        }
        if (watch.rows > 0 && rows >= watch.rows) {
            end(at);
        }
    }

    /** An outcome became known. */
    public synchronized void labelled(UUID id, double label, Instant at) {
        passed(at);
        Shift before = outcomes.worse();
        outcomes.labelled(id, label, at);
        Shift worse = outcomes.worse();
        if (worse != null && !worse.equals(before)) {
            raise(worse);
        }
    }

    /** Ends the window that is open, if its time has come. */
    public synchronized void passed(Instant now) {
        if (start == null || rows < watch.limits.leastRows()) {
            return;
        }
        Instant end = periods.end(periods.of(Periods.micros(start)));
        if (!now.isBefore(end)) {
            // rows that came too slowly have made it longer
            Instant reached =
                    latest == null || latest.isBefore(end) ? end : periods.end(periods.of(Periods.micros(latest)));
            if (!now.isBefore(reached)) {
                end(reached);
            }
        }
    }

    private void end(Instant end) {
        if (start == null || rows < watch.limits.leastRows() || card == null) {
            return;
        }
        WindowResult result = result(start, end, card);
        List<Shift> seen = new ArrayList<>();
        result.features().forEach(feature -> shift(feature, end).ifPresent(seen::add));
        Optional.ofNullable(result.prediction())
                .flatMap(feature -> shift(feature, end))
                .ifPresent(seen::add);
        Optional.ofNullable(outcomes.worse()).ifPresent(seen::add);
        shifts = List.copyOf(seen);
        last = result;
        remember(result);
        outcomes.endWindow(!result.quality().isEmpty());
        nextWindow();
        keep(result);
        listener.accept(result);
    }

    private void remember(@Nullable WindowResult result) {
        if (result != null && !result.quality().isEmpty()) {
            quality = result.quality();
            qualityAt = result.end();
        }
    }

    private void keep(WindowResult result) {
        try {
            history.add(result);
            save();
        } catch (StoreException e) {
            log.error("a window of pipeline {} was not kept", directory.name(), e);
        }
    }

    private static Optional<Shift> shift(Feature feature, Instant at) {
        Instant since = feature.since();
        if (feature.alarm() == Alarm.NONE || since == null) {
            return Optional.empty();
        }
        boolean byDistance = feature.wasserstein() > feature.psi();
        return Optional.of(new Shift(
                feature.name(), byDistance ? "distance" : "PSI", feature.size(), since, at, feature.sentence()));
    }

    private void raise(Shift shift) {
        List<Shift> all = new ArrayList<>(shifts);
        all.removeIf(other -> other.name().equals(shift.name()));
        all.add(shift);
        shifts = List.copyOf(all);
    }

    private WindowResult result(Instant from, Instant end, ModelCard itsCard) {
        List<Feature> features = new ArrayList<>();
        Feature prediction = null;
        String compared = "";
        if (reference != null && profile != null) {
            Profile known = reference.of(months);
            compared = reference.describe(known);
            features.addAll(alarms.judge(Comparison.of(known, profile, watch.limits), reference, from));
            int at = features.size() - 1;
            if (at >= 0 && features.get(at).name().equals(PREDICTION)) {
                prediction = features.remove(at);
            }
        }
        boolean measurable = outcomes.measurable() >= watch.limits.leastRows();
        Shift worse = outcomes.worse();
        return new WindowResult(
                from,
                end,
                version,
                rows,
                compared,
                features,
                prediction,
                outcomes.count(),
                measurable ? outcomes.quality(itsCard) : List.of(),
                estimated(itsCard),
                measurable ? outcomes.calibration() : null,
                worse == null ? null : worse.since());
    }

    private List<Quality> estimated(ModelCard itsCard) {
        List<Quality> estimates = new ArrayList<>();
        if (task == Task.BINARY && expected.rows() > 0) {
            for (Metric metric : Metric.of(task)) {
                if (metric != Metric.PR_AUC && metric != Metric.ECE) {
                    Estimate now = expected.estimate(metric);
                    estimates.add(new Quality(metric, now, Outcomes.before(itsCard, metric), expected.rows()));
                }
            }
        }
        return estimates;
    }

    private void nextWindow() {
        profile = reference == null ? null : reference.window();
        expected = ExpectedQuality.atThreshold(THRESHOLD);
        months = new HashSet<>();
        start = null;
        latest = null;
        rows = 0;
    }

    /** Nothing that was seen of another version says anything of this one. */
    private void clear() {
        nextWindow();
        profile = null;
        outcomes.clear();
        alarms.clear();
        shifts = List.of();
        quality = List.of();
        qualityAt = null;
    }

    /**
     * Keeps what the open window has seen so far.
     *
     * @throws StoreException if it cannot be written
     */
    public synchronized void save() {
        Profile seen = profile;
        WatchState.write(
                directory,
                version,
                start,
                latest,
                rows,
                List.copyOf(months),
                seen == null ? null : seen.toJson(),
                expected.saved(),
                outcomes.saved(),
                alarms.saved(),
                shifts,
                last);
    }

    /** {@return the version that is watched; 0 if none is} */
    public int version() {
        return version;
    }

    /** {@return what has changed beyond chance} */
    public List<Shift> shifts() {
        return shifts;
    }

    /** {@return the version's quality on the outcomes of the last window that had enough of them} */
    public Optional<Quality> quality(Metric metric) {
        return find(quality, metric);
    }

    /** {@return when that was measured} */
    public Instant qualityAt() {
        Instant at = qualityAt;
        return at == null ? Instant.MIN : at;
    }

    /** {@return the quality of the serving version that its last window lets expect, without outcomes} */
    public Optional<Quality> estimated(Metric metric) {
        WindowResult result = last;
        return result == null || result.version() != version ? Optional.empty() : find(result.estimated(), metric);
    }

    /** {@return the last window that has ended} */
    public Optional<WindowResult> last() {
        return Optional.ofNullable(last);
    }

    /**
     * {@return what the watch sees now}
     *
     * @param skipped the predictions that it was not fed
     */
    public synchronized Watched watched(long skipped) {
        return new Watched(
                version, reference != null, start, rows, outcomes.count(), skipped, shifts, Optional.ofNullable(last));
    }

    private static Optional<Quality> find(List<Quality> measured, Metric metric) {
        return measured.stream()
                .filter(q -> q.metric() == metric && !Double.isNaN(q.now().value()))
                .findFirst();
    }
}
