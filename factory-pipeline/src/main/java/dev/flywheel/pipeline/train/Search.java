package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.search.Sobol;
import dev.flywheel.pipeline.source.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks for good settings of a trainer, and trains with the best. Immutable.
 *
 * <pre>{@code
 * Trainers.search(Trainers.mlp(64, 32))
 *         .vary(MlpTrainer::learningRate, Range.log(1e-4, 1e-1))
 *         .vary(MlpTrainer::dropout, Range.of(0, 0.5))
 *         .trials(40)
 *         .within(Duration.ofMinutes(2))
 * }</pre>
 *
 * <p>A fifth of the training rows is held back to judge by: the newest by event time, or random ones where there is no
 * time; or several parts, one after the other ({@link #over}). The features of a trial have learned from no row that it
 * is judged by. The champion's settings, if they are of this search, and those of the trainer itself are tried first,
 * then points that fill the space evenly. A network begins with a ninth of its epochs; the best third goes on from
 * where it stopped to a third of them, and the best third of those to the end
 * ({@link dev.flywheel.pipeline.search.Asha}). The winner is then trained on all rows. A trial that fails is counted
 * and left behind.
 *
 * @param <T> the trainer whose settings are varied
 */
public final class Search<T extends Trainer> extends Described {

    private static final long serialVersionUID = 1L;

    /** The name of the journal's file in its directory: one line of JSON for each thing that was tried. */
    public static final String JOURNAL = "journal.jsonl";

    enum Sampling {
        EVEN,
        RANDOM
    }

    enum Length {
        HALVED,
        IN_FULL
    }

    private final T base;
    private List<Dial<T, ?>> dials = List.of();
    private int trials = 40;
    private @Nullable Duration within;
    private @Nullable Metric metric;
    private @Nullable Folds folds;
    private Sampling sampling = Sampling.EVEN;
    private Length length = Length.HALVED;
    private String directory = "";
    private String champion = "";

    private Search(T base) {
        this.base = base;
    }

    static <T extends Trainer> Search<T> of(T base) {
        if (base instanceof Search<?>) {
            throw new IllegalArgumentException("Trainers.search is invalid: found a search, expected what it varies");
        }
        if (base instanceof MlpTrainer mlp && mlp.startsWarm()) {
            throw new IllegalArgumentException("Trainers.search is invalid: " + mlp.describe()
                    + " goes on from the champion, and each trial begins anew; leave warmStart() out");
        }
        return new Search<>(base);
    }

    private Search<T> with(Consumer<Search<T>> change) {
        Search<T> copy = new Search<>(base);
        copy.dials = dials;
        copy.trials = trials;
        copy.within = within;
        copy.metric = metric;
        copy.folds = folds;
        copy.sampling = sampling;
        copy.length = length;
        copy.directory = directory;
        copy.champion = champion;
        change.accept(copy);
        return copy;
    }

    /**
     * {@return the same with one more setting that is varied; at most 21 are}
     *
     * @param knob the setting, such as {@code MlpTrainer::dropout}, or a lambda that turns several at once
     * @param range the values to try
     * @throws IllegalArgumentException if the trainer refuses one of the values or an end of the range, none of its
     *     settings differs by them, or one is varied already
     */
    public <V> Search<T> vary(Knob<T, V> knob, Range<V> range) {
        Dial<T, V> dial = Dial.of(base, knob, range);
        for (Dial<T, ?> other : dials) {
            if (other.name().equals(dial.name())) {
                throw new IllegalArgumentException(dial.name() + " is varied already: " + other.range());
            }
        }
        List<Dial<T, ?>> more = new ArrayList<>(dials);
        more.add(dial);
        if (more.size() > Sobol.MOST_DIMENSIONS) {
            throw new IllegalArgumentException(
                    "a search varies at most " + Sobol.MOST_DIMENSIONS + " settings, found one more: " + dial.name());
        }
        return with(copy -> copy.dials = List.copyOf(more));
    }

    /** {@return the same with this many different settings to try, at least 1; by default 40} */
    public Search<T> trials(int most) {
        int checked = Settings.atLeastOne("trials", most);
        return with(copy -> copy.trials = checked);
    }

    /**
     * {@return the same with a limit on the time, by default none: no trial goes on when what is left is needed to
     * train the best one on all rows} The first trial that does not fail, and that last training, take the time they
     * need.
     *
     * @param time above zero; what a process that was killed has used counts
     */
    public Search<T> within(Duration time) {
        if (Objects.requireNonNull(time, "time").isNegative() || time.isZero()) {
            throw new IllegalArgumentException("within must be above zero, found " + time);
        }
        return with(copy -> copy.within = time);
    }

    /**
     * {@return the same, judged by this metric; by default the one of the pipeline's first gate, and outside of a
     * pipeline ROC AUC or RMSE}
     */
    public Search<T> by(Metric chosen) {
        Objects.requireNonNull(chosen, "metric");
        return with(copy -> copy.metric = chosen);
    }

    /**
     * {@return the same, each trial judged by its mean over folds in the order of time} That takes longer: a trial is
     * trained once for each fold. The rows need an event time.
     */
    public Search<T> over(Folds chosen) {
        Objects.requireNonNull(chosen, "folds");
        return with(copy -> copy.folds = chosen);
    }

    /** {@return the same with points at random, instead of ones that fill the space evenly} */
    public Search<T> random() {
        return with(copy -> copy.sampling = Sampling.RANDOM);
    }

    /** {@return the same with every trial trained to its end, instead of the best alone} */
    public Search<T> inFull() {
        return with(copy -> copy.length = Length.IN_FULL);
    }

    /**
     * {@return the same with a journal: after a crash or an interrupt, a search for the same on the same rows goes on
     * with the same decisions; the search of a pipeline has one}
     *
     * @param chosen a directory of its own, created if it is missing
     */
    public Search<T> journal(Path chosen) {
        return with(copy -> copy.directory = chosen.toString());
    }

    /**
     * {@return the same with the settings of an earlier winner tried first, if they are of this search}
     *
     * @param described the winner, as it describes itself; the search of a pipeline begins with the champion
     */
    public Search<T> startingWith(String described) {
        return with(copy -> copy.champion = described);
    }

    /** {@return what the trials are judged by, if that was said} */
    public Optional<Metric> metric() {
        return Optional.ofNullable(metric);
    }

    T base() {
        return base;
    }

    List<Dial<T, ?>> dials() {
        return dials;
    }

    int trials() {
        return trials;
    }

    @Nullable
    Duration limit() {
        return within;
    }

    @Nullable
    Folds folds() {
        return folds;
    }

    Sampling sampling() {
        return sampling;
    }

    Length length() {
        return length;
    }

    Optional<Path> directory() {
        return directory.isEmpty() ? Optional.empty() : Optional.of(Path.of(directory));
    }

    /** The trainer with the champion's settings, if they can be had by turning the dials. */
    Optional<T> champion() {
        T found = base;
        for (Dial<T, ?> dial : dials) {
            Optional<T> turned = dial.like(found, champion);
            if (turned.isEmpty()) {
                return Optional.empty();
            }
            found = turned.get();
        }
        return champion.equals(found.describe()) ? Optional.of(found) : Optional.empty();
    }

    @Override
    public String name() {
        return "search";
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("of", base.describe());
        dials.forEach(dial -> all.put(dial.name(), dial.range().describe()));
        if (metric != null) {
            all.put("by", metric.name());
        }
        if (folds != null) {
            all.put("folds", folds.describe());
        }
        all.put("points", sampling == Sampling.EVEN ? "even" : "random");
        if (length == Length.IN_FULL) {
            all.put("halving", "off");
        }
        all.put("trials", Integer.toString(trials));
        if (within != null) {
            all.put("within", within.toString());
        }
        return all;
    }

    @Override
    public void requireTask(Task task) {
        if (dials.isEmpty()) {
            throw new IllegalArgumentException("the search of " + base.describe()
                    + " varies nothing; say what, as with vary(MlpTrainer::dropout, Range.of(0, 0.5))");
        }
        if (metric != null && !metric.judges(task)) {
            throw new IllegalArgumentException("the search of " + base.describe() + " is judged by " + metric
                    + ", which is not a metric of a " + task + " target");
        }
        base.requireTask(task);
    }

    @Override
    public TrainedModel train(FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        requireTask(target.task());
        return new SearchRun<>(this, matrix, target, seed, listener).run();
    }
}
