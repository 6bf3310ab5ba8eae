package dev.flywheel.pipeline.train;

import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.search.Asha;
import dev.flywheel.pipeline.search.Asha.Place;
import dev.flywheel.pipeline.search.Sobol;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One search at work. Used once, on one thread. */
final class SearchRun<T extends Trainer> {

    private static final Logger log = LoggerFactory.getLogger(SearchRun.class);
    private static final int FACTOR = 3;
    private static final int MOST_RUNGS = 3;

    /** How many points in a row may be settings that were tried, before it is said that there are no others. */
    private static final int MOST_REPEATS = 1_000;

    /** There is no time to train on. */
    private static final class OutOfTime extends RuntimeException {

        private static final long serialVersionUID = 1L;

        OutOfTime() {
            super("out of time", null, false, false);
        }
    }

    /** A trial. */
    private static final class Trial<T> {

        final T trainer;
        double seconds;
        double share;
        double value = Double.NaN;

        Trial(T trainer) {
            this.trainer = trainer;
        }
    }

    private final Search<T> search;
    private final FeatureMatrix matrix;
    private final Target<?> target;
    private final long seed;
    private final TrainingListener listener;
    private final Metric metric;
    private final Holdout holdout;
    private final double[] heldLabels;
    private final int rungs;
    private final Asha asha;
    private final List<T> first = new ArrayList<>();
    private final List<Trial<T>> trials = new ArrayList<>();
    private final Set<String> tried = new HashSet<>();
    /** Where in the cube of all settings a trial is. */
    private final IntFunction<double[]> points;

    private final Set<String> problems = new HashSet<>();
    private final List<RuntimeException> causes = new ArrayList<>();
    private int point;
    private int failed;
    private int full;

    SearchRun(Search<T> search, FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        this.search = search;
        this.matrix = matrix;
        this.target = target;
        this.seed = seed;
        this.listener = listener;
        this.metric = search.metric().orElse(Metric.of(target.task()).get(0));
        this.holdout = Holdout.of(matrix, target.task(), seed);
        this.heldLabels = holdout.held().labels();
        this.rungs = rungs();
        this.asha = new Asha(rungs, FACTOR);
        this.points = points();
        search.champion().ifPresent(first::add);
        if (!first.contains(search.base())) {
            first.add(search.base());
        }
    }

    private int rungs() {
        if (search.length() == Search.Length.IN_FULL || !(search.base() instanceof Pausable pausable)) {
            return 1;
        }
        int epochs = pausable.epochsFor(holdout.learned().rows());
        return epochs >= FACTOR * FACTOR ? MOST_RUNGS : epochs >= FACTOR ? 2 : 1;
    }

    private IntFunction<double[]> points() {
        int dimensions = search.dials().size();
        if (search.sampling() == Search.Sampling.EVEN) {
            return Sobol.scrambled(dimensions, seed)::point;
        }
        SplittableRandom random = new SplittableRandom(seed);
        return index -> random.doubles(dimensions).toArray();
    }

    /** Searches, and trains the winner on all rows. */
    TrainedModel run() {
        Optional<Path> chosen = search.directory();
        if (chosen.isPresent()) {
            return run(chosen.get());
        }
        Path directory = temporary();
        try {
            return run(directory);
        } finally {
            Durable.delete(directory);
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempDirectory("flywheel-search");
        } catch (IOException e) {
            throw new StoreException(
                    "a search found no place for its journal",
                    "the folder for temporary files refuses: " + e,
                    "make room there, or name another folder with -Djava.io.tmpdir",
                    e);
        }
    }

    private TrainedModel run(Path directory) {
        List<String> begin = first.stream().map(Trainer::describe).toList();
        SearchJournal.Head head = new SearchJournal.Head(search.describe(), begin, metric, seed, fingerprint());
        try (SearchJournal journal = SearchJournal.open(directory, head)) {
            search(journal);
            TrainedModel best = best(journal.elapsed());
            journal.forget(trials.size());
            return best;
        }
    }

    private String fingerprint() {
        MessageDigest sum = Json.sha256();
        sum.update(matrix.numbers());
        sum.update(matrix.ids());
        sum.update(bytes(matrix.labels()));
        sum.update(bytes(matrix.weights()));
        sum.update(matrix.features().describe().getBytes(StandardCharsets.UTF_8));
        if (matrix.hasTimes()) {
            long[] times = matrix.times();
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * times.length);
            bytes.asLongBuffer().put(times);
            sum.update(bytes);
        }
        return HexFormat.of().formatHex(sum.digest());
    }

    private static ByteBuffer bytes(double[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(Double.BYTES * values.length);
        bytes.asDoubleBuffer().put(values);
        return bytes;
    }

    private void search(SearchJournal journal) {
        for (Optional<Place> next = next(); next.isPresent(); next = next()) {
            stopIfInterrupted();
            if (journal.ranOut()) {
                return;
            }
            if (journal.isNew() && late(journal)) {
                journal.outOfTime();
                return;
            }
            Place place = next.get();
            Trial<T> trial = trials.get(place.trial() - 1);
            SearchJournal.Entry entry = journal.known(place.trial(), place.rung(), trial.trainer.describe())
                    .orElse(null);
            if (entry == null) {
                entry = train(place, trial, journal);
                if (entry == null) {
                    journal.outOfTime();
                    return;
                }
                journal.tried(entry);
            }
            take(place, trial, entry, journal.elapsed());
        }
    }

    /** What to do next: go on with a trial, or begin another; empty if all is done. */
    private Optional<Place> next() {
        Optional<Place> promoted = asha.promote();
        if (promoted.isEmpty() && trials.size() < search.trials()) {
            Optional<T> other = another();
            if (other.isPresent()) {
                trials.add(new Trial<>(other.get()));
                return Optional.of(new Place(trials.size(), 0));
            }
        }
        return promoted.isPresent() ? promoted : asha.promoteLast();
    }

    /** Settings that were not tried; empty if there are no more. */
    private Optional<T> another() {
        for (int repeat = 0; repeat < MOST_REPEATS; repeat++) {
            T trainer =
                    trials.size() < first.size() && repeat == 0 ? first.get(trials.size()) : at(points.apply(point++));
            if (tried.add(trainer.describe())) {
                return Optional.of(trainer);
            }
        }
        return Optional.empty();
    }

    private T at(double[] place) {
        T trainer = search.base();
        for (int i = 0; i < place.length; i++) {
            trainer = search.dials().get(i).turn(trainer, place[i]);
        }
        return trainer;
    }

    /** Whether the time that is left is what the last training takes, as far as can be told. */
    private boolean late(SearchJournal journal) {
        List<Place> ranking = asha.ranking();
        Duration limit = search.limit();
        if (limit == null || ranking.isEmpty()) {
            return false;
        }
        Trial<T> best = trials.get(ranking.get(0).trial() - 1);
        double last =
                best.seconds / best.share * matrix.rows() / holdout.learned().rows();
        return journal.elapsed() + last >= limit.toNanos() / 1e9;
    }

    /** Null if there was no time to end it. */
    private SearchJournal.@Nullable Entry train(Place place, Trial<T> trial, SearchJournal journal) {
        double start = journal.elapsed();
        double value = Double.NaN;
        String problem = "";
        try {
            double[] scores = scores(place, trial.trainer, journal);
            value = Metrics.estimate(metric, heldLabels, scores).value();
            problem = Double.isNaN(value) ? "its " + metric.label() + " is undefined on the rows held back" : "";
        } catch (OutOfTime e) {
            return null;
        } catch (RuntimeException e) {
            rethrowIfNoTrialCanHelp(e);
            log.debug("trial {} of the search failed", place.trial(), e);
            causes.add(e);
            problem = e instanceof TrainingException ? String.valueOf(e.getMessage()) : e.toString();
        }
        double end = journal.elapsed();
        return new SearchJournal.Entry(
                SearchJournal.What.TRIED,
                place.trial(),
                place.rung(),
                trial.trainer.describe(),
                value,
                problem,
                end - start,
                end);
    }

    private static void rethrowIfNoTrialCanHelp(RuntimeException e) {
        if (e instanceof CancellationException || e instanceof StoreException || e instanceof MissingEngineException) {
            throw e;
        }
    }

    private double[] scores(Place place, T trainer, SearchJournal journal) {
        TrainingListener watch = epoch -> {
            journal.atWork();
            if (late(journal)) {
                throw new OutOfTime();
            }
        };
        TrainedModel model;
        if (rungs > 1 && trainer instanceof Pausable pausable) {
            int until = epochs(pausable, place.rung());
            Paused from = journal.kept(place.trial(), until);
            Pausable.Part part = pausable.trainTo(until, from, holdout.learned(), target, seed, watch);
            journal.keep(place.trial(), part.paused());
            model = part.model();
        } else {
            model = trainer.train(holdout.learned(), target, seed, watch);
        }
        return model.predict(holdout.held());
    }

    /** How many epochs a trial has had at the end of a rung. */
    private int epochs(Pausable trainer, int rung) {
        double part = Math.pow(FACTOR, rungs - 1.0 - rung);
        return Math.max(1, (int) Math.round(trainer.epochsFor(holdout.learned().rows()) / part));
    }

    private void take(Place place, Trial<T> trial, SearchJournal.Entry entry, double elapsed) {
        trial.seconds += entry.seconds();
        trial.share = Math.pow(FACTOR, place.rung() + 1.0 - rungs);
        trial.value = entry.value();
        asha.report(place, metric.oriented(entry.value()));
        if (!entry.problem().isEmpty()) {
            failed++;
            problems.add(entry.problem());
        } else if (place.rung() == rungs - 1) {
            full++;
        }
        Optional<Trial<T>> best = asha.ranking().stream().findFirst().map(at -> trials.get(at.trial() - 1));
        double share = (double) trials.size() / search.trials();
        Duration limit = search.limit();
        double time = limit == null ? 0 : elapsed / (limit.toNanos() / 1e9);
        listener.tried(new TrainingListener.Tried(
                place.trial(),
                search.trials(),
                entry.trainer(),
                entry.value(),
                best.map(found -> found.trainer.describe()).orElse(""),
                best.map(found -> found.value).orElse(Double.NaN),
                metric,
                Math.min(1, Math.max(share, time))));
    }

    /** The best trial's trainer, trained on all rows; the next best one's if that fails. */
    private TrainedModel best(double elapsed) {
        for (Place place : asha.ranking()) {
            Trial<T> trial = trials.get(place.trial() - 1);
            try {
                TrainedModel model = trial.trainer.train(matrix, target, seed, listener);
                return new FoundModel(model, new Finding(trial.trainer, summary(trial, elapsed)));
            } catch (RuntimeException e) {
                rethrowIfNoTrialCanHelp(e);
                log.warn("{} was found, and failed on all rows", trial.trainer.describe(), e);
                problems.add(String.valueOf(e.getMessage()));
                causes.add(e);
            }
        }
        TrainingException none = new TrainingException(
                "the search of " + search.base().describe() + " found nothing",
                "all " + trials.size() + " trials failed: "
                        + String.join("; ", problems.stream().sorted().limit(3).toList()),
                "narrow the ranges, or look for absurd values in the features and the label",
                causes.isEmpty() ? null : causes.get(0));
        causes.stream().skip(1).limit(4).forEach(none::addSuppressed);
        throw none;
    }

    private String summary(Trial<T> best, double elapsed) {
        return String.format(
                Locale.ROOT,
                "%d trials in %.1f s, %d in full, %d failed; the best has a %s of %.4f on %,d rows held back, %s",
                trials.size(),
                elapsed,
                full,
                failed,
                metric.label(),
                best.value,
                heldLabels.length,
                holdout.how());
    }

    private void stopIfInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("training of " + search.describe() + " was interrupted");
        }
    }
}
