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
import dev.flywheel.core.stat.stream.ExpectedQuality;
import dev.flywheel.pipeline.flywheel.LoggedPredictions;
import dev.flywheel.pipeline.watch.WindowResult.Alarm;
import dev.flywheel.pipeline.watch.WindowResult.Feature;
import dev.flywheel.pipeline.watch.WindowResult.Quality;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
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
 * process that is killed between forgets which inputs and predictions that part of a window had. Outcomes, and
 * predictions whose outcome is to come, are read from the logs again: see {@link #recall}.
 */
public final class Watcher {

    /** The name of what the detector on the stream of errors tells. */
    public static final String ERRORS = "$errors";

    private static final Logger log = LoggerFactory.getLogger(Watcher.class);
    private static final String PREDICTION = "$prediction";

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
    private @Nullable Instant since;
    private @Nullable ModelCard card;
    private @Nullable Reference reference;
    private Window window = Window.empty(null);

    private volatile List<Shift> shifts = List.of();
    private volatile @Nullable WindowResult last;
    /** On the last outcomes. */
    private volatile List<Measured> recent = List.of();
    /** On those of the last window that had enough of them. */
    private volatile List<Measured> ofWindow = List.of();

    /**
     * Opens the watch of a pipeline as it was left.
     *
     * @param watch what to watch, not off
     * @param task what is predicted
     * @param inputs the columns of the input
     * @param rules the metrics that are measured now and then, not only window by window, because rules go by them
     * @param directory where the state and the history are kept
     * @param listener hears of every window that has ended, on the feeding thread
     * @throws StoreException if the history cannot be read
     */
    public Watcher(
            Watch watch,
            Task task,
            Schema inputs,
            Set<Metric> rules,
            PipelineDirectory directory,
            Consumer<WindowResult> listener) {
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
        this.outcomes = new Outcomes(task, rules);
        this.alarms = new Alarms(watch);
        WatchState.read(directory).ifPresent(this::restore);
    }

    /**
     * {@return the metrics that outcomes tell, the most telling first} Of several classes the most probable one is
     * logged, which tells neither their calibration nor the loss of their probabilities; nor can the quality of such
     * decisions be expected before outcomes come.
     */
    public static List<Metric> metrics(Task task) {
        return task == Task.MULTICLASS ? List.of(Metric.ACCURACY, Metric.MACRO_F1) : Metric.of(task);
    }

    private void restore(WatchState state) {
        try {
            window = Window.of(state.window());
            outcomes.restore(state.outcomes());
            alarms.restore(state.streaks());
            version = state.version();
            since = state.since();
            shifts = List.copyOf(state.shifts());
            last = state.last();
            remember(last);
            recent = outcomes.measured();
        } catch (StoreException | IllegalArgumentException | NullPointerException e) {
            log.warn("what the watch of pipeline {} had seen is lost; it begins anew", directory.name(), e);
            clear();
        }
    }

    /**
     * A version serves; if it is another one than before, a new window begins.
     *
     * @param path the version's directory
     * @param at since when
     */
    public synchronized void serving(int number, ModelCard itsCard, Path path, Instant at) {
        Reference found = reference(number, path);
        if (number != version) {
            Instant latest = window.latest();
            if (latest != null) {
                end(latest);
            }
            since = version == 0 ? null : at.truncatedTo(ChronoUnit.MILLIS); // as predictions are
            clear();
        }
        card = itsCard;
        outcomes.serving(itsCard);
        version = number;
        reference = found;
        Profile profile = window.profile();
        if (profile != null && (found == null || !profile.schema().equals(found.schema()))) {
            nextWindow();
        } else if (found != null) {
            window.profile(found);
        }
    }

    private @Nullable Reference reference(int number, Path path) {
        try {
            Reference found = Reference.read(path).orElse(null);
            if (found == null) {
                if (number != version) {
                    log.info(
                            "pipeline {}: version {} has no reference, so no drift is looked for",
                            directory.name(),
                            number);
                }
            } else if (!found.schema().equals(Profile.profiled(inputs))) {
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
        outcomes.predicted(id, output);
        window.add(row, output, at, reference == null ? null : reference.calibration());
        if (watch.rows > 0 && window.rows() >= watch.rows) {
            end(at);
        }
    }

    /**
     * Goes on after a restart with the predictions whose outcome is to come, and with the outcomes that came since the
     * watch was kept last. To be called once, after it is known which version serves.
     *
     * @param predictions the directory of the log of predictions
     * @param made how many of its records are not handed in
     * @param feedback the directory of the log of feedback
     * @param known how many of its records are not handed in
     * @throws StoreException if a log is damaged or cannot be read
     */
    public synchronized void recall(Path predictions, long made, Path feedback, long known) {
        Instant seen = outcomes.latest();
        LoggedPredictions.relive(predictions, made, feedback, known, new LoggedPredictions.Witness() {
            @Override
            public void prediction(UUID id, int madeBy, double output, Instant at) {
                if (madeBy == version && (since == null || !at.isBefore(since))) {
                    outcomes.predicted(id, output);
                }
            }

            @Override
            public void outcome(UUID id, double label, Instant at) {
                if (seen == null || at.isAfter(seen)) {
                    labelled(id, label, at);
                } else {
                    outcomes.forget(id);
                }
            }
        });
    }

    /** An outcome became known. */
    public synchronized void labelled(UUID id, double label, Instant at) {
        passed(at);
        Shift before = outcomes.worse();
        outcomes.labelled(id, label, at);
        recent = outcomes.measured();
        Shift worse = outcomes.worse();
        if (worse != null && !worse.equals(before)) {
            raise(worse);
        }
    }

    /** Ends the window that is open, if its time has come. */
    public synchronized void passed(Instant now) {
        Instant start = window.start();
        if (start == null || window.rows() < watch.limits.leastRows()) {
            return;
        }
        Instant latest = window.latest();
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
        Instant start = window.start();
        if (start == null || window.rows() < watch.limits.leastRows() || card == null) {
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
        if (result != null && result.version() == version && !result.quality().isEmpty()) {
            ofWindow = measured(result.quality(), result.end());
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
        Profile profile = window.profile();
        if (reference != null && profile != null) {
            Profile known = reference.of(window.months());
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
                window.rows(),
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
        ExpectedQuality expected = window.expected();
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
        window = Window.empty(reference);
    }

    /** Nothing that was seen of another version says anything of this one. */
    private void clear() {
        window = Window.empty(null);
        outcomes.clear();
        alarms.clear();
        shifts = List.of();
        recent = List.of();
        ofWindow = List.of();
    }

    /**
     * Keeps what the open window has seen so far.
     *
     * @throws StoreException if it cannot be written
     */
    public synchronized void save() {
        new WatchState(version, since, window.saved(), outcomes.saved(), alarms.saved(), shifts, last).write(directory);
    }

    /** {@return the version that is watched; 0 if none is} */
    public int version() {
        return version;
    }

    /** {@return what has changed beyond chance} */
    public List<Shift> shifts() {
        return shifts;
    }

    /**
     * {@return the version's quality: on its last 1,000 outcomes, measured anew after each 100, if rules go by the
     * metric and it has had so many; otherwise, if the watch is not the default one, on those of the last window that
     * had enough of them}
     */
    public Optional<Measured> quality(Metric metric) {
        // windows that nobody has chosen may hold too few outcomes to start a training
        return find(recent, metric)
                .or(() -> watch.equals(Watch.defaults()) ? Optional.empty() : find(ofWindow, metric));
    }

    /** {@return the quality of the serving version that its last window lets expect, without outcomes} */
    public Optional<Measured> estimated(Metric metric) {
        WindowResult result = last;
        return result == null || result.version() != version
                ? Optional.empty()
                : find(measured(result.estimated(), result.end()), metric);
    }

    /**
     * {@return what the watch sees now}
     *
     * @param skipped the predictions that it was not fed
     */
    public synchronized Watched watched(long skipped) {
        return new Watched(
                version,
                reference != null,
                window.start(),
                window.rows(),
                outcomes.count(),
                skipped,
                shifts,
                Optional.ofNullable(last));
    }

    private static List<Measured> measured(List<Quality> found, Instant at) {
        return found.stream().map(quality -> new Measured(quality, at)).toList();
    }

    private static Optional<Measured> find(List<Measured> measured, Metric metric) {
        return measured.stream()
                .filter(m -> m.quality().metric() == metric
                        && !Double.isNaN(m.quality().now().value()))
                .findFirst();
    }
}
