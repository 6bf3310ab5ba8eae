package dev.flywheel.pipeline;

import com.google.common.base.Throwables;
import com.google.common.primitives.ImmutableDoubleArray;
import dev.flywheel.core.DataException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Evaluation;
import dev.flywheel.pipeline.export.ModelExport;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.source.Source;
import dev.flywheel.pipeline.train.Checkpoint;
import dev.flywheel.pipeline.train.Continuation;
import dev.flywheel.pipeline.train.Finding;
import dev.flywheel.pipeline.train.Search;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.pipeline.train.Trainer;
import dev.flywheel.pipeline.train.TrainingListener;
import dev.flywheel.pipeline.watch.Reference;
import dev.flywheel.serving.Endpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run: from examples to a verdict. Used once, on one thread. */
final class RunExecution<I, L> {

    private static final Logger log = LoggerFactory.getLogger(RunExecution.class);

    /** Puts a registered version into production. */
    interface Promotion {

        /** {@return where it has come} */
        Placement promote(ModelVersion version, String why, List<Verdict> evidence);
    }

    /**
     * Where a version has come that was to be put into production.
     *
     * @param reason why, where it is not champion; empty if it is
     */
    record Placement(Kind kind, String reason) {

        enum Kind {
            CHAMPION,
            ON_TRIAL,
            REFUSED
        }

        /** @param refusal why it is not champion; empty if it is */
        static Placement champion(Optional<String> refusal) {
            return refusal.map(reason -> new Placement(Kind.REFUSED, reason))
                    .orElseGet(() -> new Placement(Kind.CHAMPION, ""));
        }

        /** {@return why it is not in production; empty if it is} */
        Optional<String> refusal() {
            return kind == Kind.REFUSED ? Optional.of(reason) : Optional.empty();
        }
    }

    /** A trained candidate with what it predicts for the test examples. */
    private record Candidate(int number, Path directory, Evaluation evaluation, ImmutableDoubleArray scores) {}

    /**
     * A candidate to be trained.
     *
     * @param from what its training goes on from; empty if it begins anew
     * @param features what it is trained on
     */
    private record Attempt(Trainer trainer, String from, FittedFeatures features, Fit fit) {

        String describe() {
            return RunRecord.describe(trainer, from);
        }
    }

    /** Trains a candidate. */
    private interface Fit {

        TrainedModel run(TrainingListener listener);
    }

    private final Pipeline<I, L, ?> pipeline;
    private final Line line;
    private final Promotion promotion;
    private final BooleanSupplier abandoned;
    private final String trigger;
    private final RunRecord record;
    private final Path directory;
    private final Examiner<I> examiner;
    private final List<Path> stages = new ArrayList<>();

    /** What the source gave, if the champion cannot be served over it: kept once there is another champion. */
    private @Nullable History<I> unkept;

    /** @param abandoned whether nobody wants the run any more; asked now and then */
    RunExecution(Pipeline<I, L, ?> pipeline, Line line, String trigger, BooleanSupplier abandoned) {
        this(
                pipeline,
                line,
                trigger,
                abandoned,
                (version, why, evidence) -> Placement.champion(line.promote(version, why, evidence)));
    }

    RunExecution(
            Pipeline<I, L, ?> pipeline, Line line, String trigger, BooleanSupplier abandoned, Promotion promotion) {
        this.pipeline = pipeline;
        this.line = line;
        this.promotion = promotion;
        this.abandoned = abandoned;
        this.directory = line.newRun();
        this.trigger = trigger;
        this.record = new RunRecord(pipeline, line, directory, trigger);
        this.examiner = new Examiner<>(pipeline, record);
    }

    /** Runs on the source, read anew. */
    Run fromSource() {
        return execute(() -> {
            History<I> history = History.fromSource(pipeline, line, directory);
            if (replacesKept(history)) {
                history.keep(pipeline, line);
            } else {
                unkept = history;
            }
            return history;
        });
    }

    private boolean replacesKept(History<I> history) {
        try {
            return line.champion().isEmpty() || history.replacesKept(line);
        } catch (StoreException e) {
            return true; // what is kept is damaged, so that nothing can be served over it
        }
    }

    /**
     * Runs on what the source gave last time and on the feedback since.
     *
     * @param lastDrift the first time of what was last seen drifted; null if nothing was
     */
    Run fromFeedback(@Nullable Instant lastDrift) {
        return execute(
                () -> History.kept(pipeline, line).withFeedback(pipeline, line, line.work(directory), lastDrift));
    }

    /** {@return why the run failed, if it did} */
    @Nullable
    Throwable failure() {
        return record.failure();
    }

    private Run execute(Supplier<History<I>> examples) {
        try {
            line.report("reading examples", 0);
            line.audit()
                    .append(event(AuditEvent.RUN_STARTED)
                            .with("definition", pipeline.hash())
                            .with("why", trigger));
            line.requireSameTarget(pipeline);
            attempt(examples.get());
        } catch (RuntimeException | Error e) {
            if (expected(e)) {
                log.debug("run {} failed", directory, e);
            } else {
                log.error("run {} failed unexpectedly", directory, e);
            }
            record.failed(e);
        } finally {
            stages.forEach(Line::discard);
            Line.endWork(directory);
            if (!(record.failure() instanceof CancellationException)) {
                line.endSearches(directory);
            }
        }
        line.report("writing the report", 0.95);
        Run run = record.finish();
        tell(run);
        line.report(run.outcome().name().toLowerCase(Locale.ROOT), 1);
        return run;
    }

    private AuditEvent event(String action) {
        return line.event("flywheel", action).with("run", String.valueOf(directory.getFileName()));
    }

    private void tell(Run run) {
        boolean rejected = run.outcome() == Run.Outcome.REJECTED;
        if (rejected && run.version().isEmpty()) {
            line.tell(event(AuditEvent.REJECTED).with("why", run.reason()).with(run.verdicts()));
        }
        AuditEvent ended = event(AuditEvent.RUN_ENDED)
                .with("outcome", run.outcome().name())
                .with("why", run.reason());
        line.tell(
                run.version().isPresent()
                        ? ended.with("version", Integer.toString(run.version().getAsInt()))
                        : ended);
    }

    /** {@return whether the failure explains itself; of others a reader needs the kind and the stack trace, too} */
    static boolean expected(Throwable failure) {
        return failure instanceof FactoryException
                || failure instanceof IllegalArgumentException
                || failure instanceof CancellationException;
    }

    /** Asks both, because native libraries swallow an interrupt now and then. */
    private void stopIfAbandoned() {
        if (abandoned.getAsBoolean() || Thread.currentThread().isInterrupted()) {
            throw new CancellationException("the run was abandoned");
        }
    }

    private void attempt(History<I> history) {
        record.examples(history);
        Path work = line.work(directory);
        Dataset all = history.dataset();
        BitSet testRows = split(all).testRows(all, pipeline.seed());
        Dataset train = Examples.select(all, testRows, false, work);
        Dataset test = Examples.select(all, testRows, true, work);
        record.split(train, test);
        examiner.split(history, testRows);
        double[] labels = Examples.labels(test);
        requireBothOutcomes(labels);

        line.remember(pipeline);

        line.report("fitting features", 0.2);
        FittedFeatures features = pipeline.features().fit(train);
        double[] weights = weights(history, train, testRows);
        FeatureMatrix matrix = weighted(features.matrix(train), weights);
        double[] champion = championScores(history, test);

        List<Attempt> attempts = new ArrayList<>();
        for (int number = 0; number < pipeline.candidates().size(); number++) {
            Path place = line.search(number);
            Trainer trainer = placed(pipeline.candidates().get(number), place);
            attempts.add(new Attempt(
                    trainer,
                    "",
                    features,
                    listener -> Checkpoint.train(
                            place, trainer, matrix, pipeline.source().target(), pipeline.seed(), listener)));
            goingOn(trainer, train, weights).ifPresent(attempts::add);
        }
        judge(best(train(attempts, history, test, labels, champion)), train, test, labels);
    }

    /** A search is judged like the candidates, begins with the champion, and goes on after a crash. */
    private Trainer placed(Trainer trainer, Path place) {
        if (!(trainer instanceof Search<?> search)) {
            return trainer;
        }
        Search<?> judged = search.metric().isPresent()
                ? search
                : search.by(pipeline.gates().get(0).metric());
        return judged.startingWith(championSettings()).journal(place);
    }

    private String championSettings() {
        try {
            return line.champion().map(champion -> champion.card().candidate()).orElse("");
        } catch (FactoryException e) {
            log.warn("the searches of pipeline {} do not begin with the champion", pipeline.name(), e);
            return "";
        }
    }

    /** {@return the candidates that could be trained} A failure is that of one; if all fail the run does. */
    private List<Candidate> train(
            List<Attempt> attempts, History<I> history, Dataset test, double[] labels, double @Nullable [] champion) {
        List<Candidate> candidates = new ArrayList<>();
        Throwable first = null;
        for (Attempt attempt : attempts) {
            stopIfAbandoned();
            long start = System.nanoTime();
            try {
                candidates.add(train(attempt, attempts.size(), history, test, labels, champion));
            } catch (CancellationException e) {
                throw e;
            } catch (RuntimeException | Error e) {
                stopIfAbandoned();
                first = first == null ? e : first;
                log.warn("{} of pipeline {} could not be trained", attempt.describe(), pipeline.name(), e);
                record.candidateFailed(attempt.trainer, attempt.from, (System.nanoTime() - start) / 1e9, e);
            }
        }
        if (candidates.isEmpty() && first != null) {
            Throwables.throwIfUnchecked(first);
        }
        return candidates;
    }

    /** {@return the candidate that goes on from the champion, if the trainer and the champion are such} */
    private Optional<Attempt> goingOn(Trainer trainer, Dataset train, double @Nullable [] weights) {
        Optional<ModelVersion> champion = line.champion();
        if (champion.isEmpty()) {
            return Optional.empty();
        }
        try {
            String definition = pipeline.features().describe();
            Path directory = champion.get().artifact().directory();
            String from = "version " + champion.get().number();
            return Continuation.find(trainer, definition, directory)
                    .map(found -> new Attempt(trainer, from, found.features(), listener -> {
                        FeatureMatrix matrix = weighted(found.features().matrix(train), weights);
                        return found.train(matrix, pipeline.source().target(), pipeline.seed(), listener);
                    }));
        } catch (FactoryException e) {
            log.warn("no candidate of pipeline {} goes on from the champion", pipeline.name(), e);
            record.note("No candidate goes on from the champion: " + e.getMessage());
            return Optional.empty();
        }
    }

    private static FeatureMatrix weighted(FeatureMatrix matrix, double @Nullable [] weights) {
        return weights == null ? matrix : matrix.weighted(weights);
    }

    /** {@return by age, if that is wanted, and by credit: an old example of half credit weighs the product of both} */
    private double @Nullable [] weights(History<I> history, Dataset train, BitSet testRows) {
        double[] credit = history.credit();
        double[] weights = null;
        if (credit != null) {
            weights = IntStream.range(0, credit.length)
                    .filter(row -> !testRows.get(row))
                    .mapToDouble(row -> credit[row])
                    .toArray();
            record.fact("credit", Selection.describe(weights));
        }
        Duration halfLife = pipeline.retrain().lessons.halfLife();
        if (halfLife != null) {
            History.requireTimes(pipeline, train, "from examples that weigh by their age");
            double[] decayed = Selection.weights(Examples.times(train), halfLife);
            record.fact("weights", Selection.describe(decayed, halfLife));
            weights = weights == null ? decayed : product(weights, decayed);
        }
        return weights;
    }

    private static double[] product(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).toArray();
    }

    /** Without both, candidates cannot be ranked, and gates would have nothing to go by. */
    private void requireBothOutcomes(double[] labels) {
        if (pipeline.task() != Task.REGRESSION
                && Arrays.stream(labels).distinct().count() < 2) {
            throw new DataException(
                    "the test examples of pipeline \"" + pipeline.name() + "\" are of one class",
                    "all " + labels.length + " have the label "
                            + pipeline.source().target().decode(labels[0]),
                    "bring more examples, or hold back more or others with a split");
        }
    }

    private Candidate train(
            Attempt attempt,
            int attempts,
            History<I> history,
            Dataset test,
            double[] labels,
            double @Nullable [] champion) {
        int number = record.candidates();
        double share = 0.7 / attempts;
        double from = 0.25 + share * number;
        line.report("training " + attempt.describe(), from);
        long start = System.nanoTime();
        TrainedModel model = attempt.fit.run(listener(attempt, from, share));
        double seconds = (System.nanoTime() - start) / 1e9;
        Path candidate = line.registry().stage();
        stages.add(candidate);
        Signature signature = ModelExport.write(attempt.features, model, candidate.resolve("model.onnx"));
        Trainer made = model.finding().map(Finding::trainer).orElse(attempt.trainer);
        model.finding().ifPresent(found -> record.fact("search of candidate " + (number + 1), found.summary()));
        Continuation.keep(made, model, pipeline.features().describe(), candidate);
        examiner.trained(candidate, model);
        Artifact artifact = Artifact.seal(candidate, "model.onnx", signature);
        double[] scores = score(artifact, history, test);
        Evaluation evaluation = Evaluation.of(pipeline.task(), labels, scores);
        evaluation = champion == null ? evaluation : evaluation.against(champion);
        record.candidate(made, attempt.from, seconds, evaluation);
        return new Candidate(number, candidate, evaluation, ImmutableDoubleArray.copyOf(scores));
    }

    private TrainingListener listener(Attempt attempt, double from, double share) {
        return new TrainingListener() {
            @Override
            public void epochEnded(Epoch epoch) {
                line.report("training " + attempt.describe(), from + share * epoch.done());
            }

            @Override
            public void tried(Tried tried) {
                line.report(RunRecord.describe(tried), from + share * tried.done());
            }
        };
    }

    private double @Nullable [] championScores(History<I> history, Dataset test) {
        Optional<ModelVersion> champion = line.champion();
        if (champion.isEmpty()) {
            return null;
        }
        line.report("scoring the champion", 0.24);
        try {
            return score(champion.get().artifact(), history, test);
        } catch (FactoryException e) {
            log.warn("the champion of pipeline {} cannot be compared with", pipeline.name(), e);
            record.note(
                    "The champion, version " + champion.get().number() + ", could not be scored: " + e.getMessage());
            return null;
        }
    }

    private double[] score(Artifact artifact, History<I> history, Dataset test) {
        try (Endpoint<I, ?> endpoint =
                Endpoint.of(artifact, pipeline.codec(history.type())).open()) {
            return endpoint.score(test);
        }
    }

    private Candidate best(List<Candidate> candidates) {
        Metric metric = pipeline.mainMetric();
        Candidate best = candidates.get(0);
        for (Candidate candidate : candidates) {
            double ahead = metric.oriented(value(candidate, metric) - value(best, metric));
            if (ahead > 0 || Double.isNaN(value(best, metric))) {
                best = candidate;
            }
        }
        return best;
    }

    private static double value(Candidate candidate, Metric metric) {
        return Objects.requireNonNull(candidate.evaluation.metrics().get(metric))
                .value();
    }

    private void judge(Candidate best, Dataset train, Dataset test, double[] labels) {
        line.report("judging the best candidate", 0.94);
        List<Verdict> verdicts = pipeline.gates().stream()
                .map(gate -> gate.judge(best.evaluation))
                .toList();
        record.judged(best.number, best.evaluation, verdicts, test);
        List<Verdict> refused = verdicts.stream()
                .filter(verdict -> verdict.outcome() != Verdict.Outcome.PASS)
                .toList();
        examiner.examine(best.directory(), test, labels);
        if (!refused.isEmpty()) {
            record.rejected(RunRecord.sentence(refused));
            return;
        }
        stopIfAbandoned();
        if (unkept != null) {
            unkept.keep(pipeline, line);
        }
        examiner.keepBackground(best.directory(), train);
        Proof proof = pipeline.proof();
        if (proof != null) {
            proof.keepOffline(best.evaluation, directory);
        }
        describe(best, train, test, labels);
        ModelVersion version = line.registry().register(best.directory, record.card(best.evaluation));
        stages.remove(best.directory);
        String why = record.passed(best.evaluation);
        Approval approval = pipeline.approval();
        if (approval != null) {
            ask(approval, version, why, verdicts);
            return;
        }
        Placement placed = promotion.promote(version, why, verdicts);
        switch (placed.kind) {
            case CHAMPION -> record.promoted(version.number(), why);
            case ON_TRIAL -> record.onTrial(version.number(), "it passed every gate and " + placed.reason);
            case REFUSED -> record.registeredOnly(version.number(), "it passed every gate, but " + placed.reason);
        }
    }

    /** What the version knows, beside its model. A version without it serves all the same. */
    private void describe(Candidate best, Dataset train, Dataset test, double[] labels) {
        if (!pipeline.watch().isOn()) {
            return;
        }
        try {
            Reference.Origin origin = new Reference.Origin(
                    pipeline.task(),
                    Examples.inputs(train.schema()),
                    train,
                    test,
                    labels,
                    best.scores.toArray(),
                    Examples.hasTimes(train) ? Source.TIME : null);
            Reference.write(best.directory, origin, pipeline.watch());
        } catch (RuntimeException e) {
            log.warn("the next version of pipeline {} cannot be watched for drift", pipeline.name(), e);
            record.note("No drift can be seen of this version: " + e.getMessage());
        }
    }

    private void ask(Approval approval, ModelVersion version, String why, List<Verdict> verdicts) {
        ApprovalRequest request = line.approvals().ask(version, record.champion(), why, verdicts, approval);
        record.registeredOnly(
                version.number(),
                "it passed every gate and waits until " + request.expiresAt() + " for a person to approve "
                        + request.artifact());
        approval.tell(request);
    }

    private Split split(Dataset examples) {
        Split chosen = pipeline.split();
        if (chosen != null) {
            return chosen;
        }
        return Examples.hasTimes(examples) ? Split.newest(0.2) : Split.random(0.2);
    }
}
