package dev.flywheel.pipeline.train;

import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.search.Asha;
import dev.flywheel.pipeline.search.Asha.Place;
import dev.flywheel.pipeline.source.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One search at work. Used once, on one thread. */
final class SearchRun<T extends Trainer> {

    private static final Logger log = LoggerFactory.getLogger(SearchRun.class);
    private static final int FACTOR = 3;
    private static final int MOST_RUNGS = 3;

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
    private final List<Holdout> holdouts;
    private final int learnedRows;
    private final int rungs;
    private final Asha asha;
    private final Proposals<T> proposals;
    private final List<Trial<T>> trials = new ArrayList<>();
    private final Set<String> problems = new HashSet<>();
    private final List<RuntimeException> causes = new ArrayList<>();
    private int failed;
    private int full;

    SearchRun(Search<T> search, FeatureMatrix matrix, Target<?> target, long seed, TrainingListener listener) {
        this.search = search;
        this.matrix = matrix;
        this.target = target;
        this.seed = seed;
        this.listener = listener;
        this.metric = search.metric().orElse(Metric.of(target.task()).get(0));
        this.holdouts = Holdout.apart(matrix, target.task(), seed, search.folds());
        this.learnedRows = rows(Holdout::learned);
        this.rungs = rungs();
        this.asha = new Asha(rungs, FACTOR);
        this.proposals = new Proposals<>(search, seed);
    }

    private int rows(Function<Holdout, FeatureMatrix> part) {
        return holdouts.stream().mapToInt(each -> part.apply(each).rows()).sum();
    }

    private int rungs() {
        if (search.length() == Search.Length.IN_FULL || !(search.base() instanceof Pausable pausable)) {
            return 1;
        }
        int epochs = holdouts.stream()
                .mapToInt(each -> pausable.epochsFor(each.learned().rows()))
                .min()
                .orElseThrow();
        return epochs >= FACTOR * FACTOR ? MOST_RUNGS : epochs >= FACTOR ? 2 : 1;
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
        SearchJournal.Head head =
                new SearchJournal.Head(search.describe(), proposals.first(), metric, seed, matrix.fingerprint());
        try (SearchJournal journal = SearchJournal.open(directory, head)) {
            search(journal);
            TrainedModel best = best(directory, journal.elapsed());
            journal.forget();
            return best;
        }
    }

    private void search(SearchJournal journal) {
        for (Optional<Place> next = next(); next.isPresent(); next = next()) {
            stopIfInterrupted();
            if (listener.mustRest()) { // the journal holds all trials
                long start = System.nanoTime();
                listener.rest();
                journal.rested(System.nanoTime() - start);
            }
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
            Optional<T> other = proposals.next();
            if (other.isPresent()) {
                trials.add(new Trial<>(other.get()));
                return Optional.of(new Place(trials.size(), 0));
            }
        }
        return promoted.isPresent() ? promoted : asha.promoteLast();
    }

    /** Whether the time that is left is what the last training takes, as far as can be told. */
    private boolean late(SearchJournal journal) {
        List<Place> ranking = asha.ranking();
        Duration limit = search.limit();
        if (limit == null || ranking.isEmpty()) {
            return false;
        }
        Trial<T> best = trials.get(ranking.get(0).trial() - 1);
        double last = best.seconds / best.share * matrix.rows() / learnedRows;
        return journal.elapsed() + last >= limit.toNanos() / 1e9;
    }

    /** Null if there was no time to end it. */
    private SearchJournal.@Nullable Entry train(Place place, Trial<T> trial, SearchJournal journal) {
        double start = journal.elapsed();
        double value = Double.NaN;
        String problem = "";
        try {
            value = value(place, trial.trainer, journal);
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

    /** The mean over the parts that are held back. */
    private double value(Place place, T trainer, SearchJournal journal) {
        double sum = 0;
        for (int part = 0; part < holdouts.size(); part++) {
            FeatureMatrix held = holdouts.get(part).held();
            double[] scores = trained(place, part, trainer, journal).predict(held);
            sum += Metrics.estimate(metric, held.labels(), scores).value();
        }
        return sum / holdouts.size();
    }

    private TrainedModel trained(Place place, int part, T trainer, SearchJournal journal) {
        TrainingListener watch = new TrainingListener() {
            @Override
            public void epochEnded(Epoch epoch) {
                journal.atWork();
                if (late(journal)) {
                    throw new OutOfTime();
                }
            }

            @Override
            public String owner() {
                return listener.owner();
            }
        };
        FeatureMatrix learned = holdouts.get(part).learned();
        if (rungs == 1 || !(trainer instanceof Pausable pausable)) {
            return trainer.train(learned, target, seed, watch);
        }
        int until = epochs(pausable, learned.rows(), place.rung());
        Paused from = journal.kept(place.trial(), part, until);
        Pausable.Part trained = pausable.trainTo(until, Checkpoint.at(from), learned, target, seed, watch);
        journal.keep(place.trial(), part, trained.paused());
        return trained.model();
    }

    /** How many epochs a trial has had at the end of a rung. */
    private int epochs(Pausable trainer, int rows, int rung) {
        double part = Math.pow(FACTOR, rungs - 1.0 - rung);
        return Math.max(1, (int) Math.round(trainer.epochsFor(rows) / part));
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
    private TrainedModel best(Path directory, double elapsed) {
        for (Place place : asha.ranking()) {
            Trial<T> trial = trials.get(place.trial() - 1);
            try {
                TrainedModel model = Checkpoint.train(directory, trial.trainer, matrix, target, seed, listener);
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
                rows(Holdout::held),
                holdouts.get(0).how());
    }

    private void stopIfInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("training of " + search.describe() + " was interrupted");
        }
    }
}
