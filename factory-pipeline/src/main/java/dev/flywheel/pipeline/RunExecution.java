package dev.flywheel.pipeline;

import com.google.common.base.Throwables;
import com.google.common.primitives.ImmutableDoubleArray;
import dev.flywheel.core.DataException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.evaluate.Evaluation;
import dev.flywheel.pipeline.evaluate.Gate;
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
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run: from examples to a verdict. Used once, on one thread. */
final class RunExecution<I, L> {

    private static final Logger log = LoggerFactory.getLogger(RunExecution.class);
    private static final String ABANDONED = "the run was abandoned";

    /** Puts a registered version into production. */
    interface Promotion {

        /** {@return where it has come} */
        Placement promote(ModelVersion version, String why, List<Verdict> evidence);
    }

    /** Lets a run rest. */
    interface Rests {

        /** That of a run that never does. */
        Rests NEVER = new Rests() {
            @Override
            public boolean due() {
                return false;
            }

            @Override
            public void rest() {}
        };

        /** {@return whether it is to rest now} */
        boolean due();

        /** Returns when it may go on. */
        void rest();
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

    /**
     * A candidate to be trained.
     *
     * @param number its place in the record; -1 if it has none yet
     * @param from where its training goes on; null if it begins anew
     * @param fromVersion the version that this is of, in words; empty if it begins anew
     * @param place where what a crash must not lose is kept
     */
    private record Attempt(
            int number, Trainer trainer, @Nullable Continuation from, String fromVersion, Path place) {

        String describe() {
            return RunRecord.describe(trainer, fromVersion);
        }
    }

    /** What candidates are trained on. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Lesson(Dataset rows, FittedFeatures features, FeatureMatrix matrix, double @Nullable [] weights) {}

    /** A candidate with the seconds that its training took. */
    private record Trained<I>(Attempt attempt, Contender<I> contender, double seconds) {}

    private final Pipeline<I, L, ?> pipeline;
    private final Line line;
    private final Promotion promotion;
    private final BooleanSupplier abandoned;
    private final Rests rests;
    private final String trigger;
    private final RunRecord record;
    private final Path directory;
    private final Examiner examiner;
    private final List<Path> stages = new ArrayList<>();

    /**
     * What the source gave, until it is kept: if the champion cannot be served over it once there is another champion,
     * and of a run that fails never, because the next would fail of it, too. Without a champion it is kept at once.
     */
    private @Nullable History<I> unkept;

    private EnergyLedger.@Nullable Work energy;
    private long nanosRested;

    /** What models see of the examples. */
    private @Nullable Inputs<I> inputs;

    /** Why the champion could not be scored; empty if it could, or there is none. */
    private String unscored = "";

    /** @param abandoned whether nobody wants the run any more; asked now and then */
    RunExecution(Pipeline<I, L, ?> pipeline, Line line, String trigger, BooleanSupplier abandoned) {
        this(
                pipeline,
                line,
                trigger,
                abandoned,
                (version, why, evidence) -> Placement.champion(line.promote(version, why, evidence)),
                Rests.NEVER);
    }

    RunExecution(
            Pipeline<I, L, ?> pipeline,
            Line line,
            String trigger,
            BooleanSupplier abandoned,
            Promotion promotion,
            Rests rests) {
        this.pipeline = pipeline;
        this.line = line;
        this.promotion = promotion;
        this.abandoned = abandoned;
        this.rests = rests;
        this.directory = line.newRun();
        this.trigger = trigger;
        this.record = new RunRecord(pipeline, line, directory, trigger);
        this.examiner = new Examiner(pipeline, record);
    }

    /** Runs on the source, read anew. */
    Run fromSource() {
        return execute(() -> {
            History<I> history = History.fromSource(pipeline, line, directory);
            if (line.champion().isEmpty()) {
                history.keep(pipeline, line);
            } else {
                unkept = history;
            }
            return history;
        });
    }

    private boolean replacesKept(History<I> history) {
        try {
            return history.replacesKept(line);
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
        EnergyLedger.Work work = line.energy().begin();
        energy = work;
        try {
            line.report("reading examples", 0);
            line.audit()
                    .append(event(AuditEvent.RUN_STARTED)
                            .with("definition", pipeline.hash())
                            .with("why", trigger));
            line.requireSameTarget(pipeline);
            attempt(examples.get());
        } catch (RuntimeException | Error e) {
            // an interrupt closes the files that are read, which is no fault of theirs
            Throwable cause = isAbandoned() ? new CancellationException(ABANDONED).initCause(e) : e;
            if (expected(cause)) {
                log.debug("run {} failed", directory, cause);
            } else {
                log.error("run {} failed unexpectedly", directory, cause);
            }
            record.failed(cause);
        } finally {
            record.energy(work.rest());
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
    private boolean isAbandoned() {
        return abandoned.getAsBoolean() || Thread.currentThread().isInterrupted();
    }

    private void stopIfAbandoned() {
        if (isAbandoned()) {
            throw new CancellationException(ABANDONED);
        }
    }

    /** {@return how long it has rested} */
    Duration rested() {
        return Duration.ofNanos(nanosRested);
    }

    private void rest(double done) {
        stopIfAbandoned();
        line.report("resting until power is cheaper", done);
        EnergyLedger.Work work = Objects.requireNonNull(energy);
        log.debug("run {} rests after {}", directory, work.rest());
        long start = System.nanoTime();
        try {
            rests.rest();
        } finally {
            nanosRested += System.nanoTime() - start;
            work.goOn();
        }
    }

    private void attempt(History<I> history) {
        record.examples(history);
        Path work = line.work(directory);
        Inputs<I> seen = Inputs.ofRun(pipeline, line, history.type());
        inputs = seen;
        seen.own().forEach(text -> record.fact("encoder of " + text.column(), text.describe()));
        Dataset all = seen.encoded(history.dataset(), work, this::encoded);
        BitSet testRows = split(all).testRows(all, pipeline.seed());
        Dataset train = Examples.select(all, testRows, false, work);
        Dataset test = Examples.select(all, testRows, true, work);
        record.split(train, test);
        examiner.split(history, testRows);
        double[] labels = Examples.labels(test);
        requireBothOutcomes(labels);

        line.remember(pipeline);

        double[] weights = weights(history, train, testRows);
        double[] champion = championScores(test);
        List<Attempt> attempts = attempts();
        double share = 0.7;
        if (attempts.size() > 1) {
            share /= attempts.size() + 1;
            attempts = compared(attempts, history, train, weights, share);
        }
        Lesson lesson = lesson(train, weights);
        lesson.features
                .notes()
                .forEach(note -> record.note(Character.toUpperCase(note.charAt(0)) + note.substring(1) + "."));
        Contender<I> best = first(attempts, lesson, history, test, champion, share);
        judge(best, train, test, labels);
    }

    private void encoded(long rows) {
        stopIfAbandoned();
        line.report(String.format(Locale.ROOT, "encoding texts, %,d so far", rows), 0.15);
    }

    private Inputs<I> inputs() {
        return Objects.requireNonNull(inputs);
    }

    private Lesson lesson(Dataset rows, double @Nullable [] weights) {
        line.report("fitting features", 0.2);
        FittedFeatures features = inputs().features().fit(rows);
        return new Lesson(rows, features, weighted(features.matrix(rows), weights), weights);
    }

    private List<Attempt> attempts() {
        List<Attempt> attempts = new ArrayList<>();
        for (int number = 0; number < pipeline.candidates().size(); number++) {
            Path place = line.search(number);
            Trainer trainer = placed(pipeline.candidates().get(number), place);
            attempts.add(new Attempt(-1, trainer, null, "", place));
            goingOn(trainer, place).ifPresent(attempts::add);
        }
        return attempts;
    }

    /**
     * {@return the candidates, the best first, compared on training rows that were held back from them} Comparing them
     * on the test rows would let the luckiest win there, and the gates would take its luck for skill. The winner is
     * then trained on all training rows: those held back are the newest where there are event times, and the gates
     * judge what has come of it on rows that had no part in the choice.
     */
    private List<Attempt> compared(
            List<Attempt> attempts, History<I> history, Dataset train, double @Nullable [] weights, double share) {
        BitSet held = split(train).validationRows(train, labelsByClass(train), pipeline.seed());
        if (held.isEmpty()) {
            record.note("There are too few training examples to compare the candidates on some of them, so the first"
                    + " that could be trained was judged.");
            return attempts;
        }
        Path work = line.work(directory);
        Dataset validation = Examples.select(train, held, true, work);
        record.validation(validation);
        double[] kept = weights == null
                ? null
                : IntStream.range(0, weights.length)
                        .filter(row -> !held.get(row))
                        .mapToDouble(row -> weights[row])
                        .toArray();
        Lesson lesson = lesson(Examples.select(train, held, false, work), kept);
        List<Trained<I>> all = new ArrayList<>();
        Throwable first = null;
        for (Attempt attempt : attempts) {
            double from = 0.25 + share * record.candidates();
            try {
                Trained<I> trained = train(attempt, lesson, history, validation, null, from, share);
                Attempt made = trained.attempt;
                int number = record.compared(
                        made.trainer, made.fromVersion, trained.seconds, trained.contender.evaluation());
                discard(trained.contender);
                Attempt placed =
                        new Attempt(number, made.trainer, made.from, made.fromVersion, made.place.resolve("whole"));
                all.add(new Trained<>(placed, trained.contender, trained.seconds));
            } catch (CancellationException e) {
                throw e;
            } catch (RuntimeException | Error e) {
                first = first == null ? e : first;
                failed(attempt, e);
            }
        }
        if (all.isEmpty() && first != null) {
            Throwables.throwIfUnchecked(first);
        }
        return ranked(all);
    }

    private void discard(Contender<I> contender) {
        stages.remove(contender.directory());
        Line.discard(contender.directory());
    }

    /** {@return the classes of the rows; all the same where there are none} */
    private double[] labelsByClass(Dataset rows) {
        return pipeline.task() == Task.REGRESSION ? new double[(int) rows.rows()] : Examples.labels(rows);
    }

    /** Those of which the metric cannot be told come last, and equal ones stay in the pipeline's order. */
    private List<Attempt> ranked(List<Trained<I>> candidates) {
        Metric metric = pipeline.mainMetric();
        return candidates.stream()
                .sorted(Comparator.comparingDouble(candidate -> -metric.oriented(Objects.requireNonNull(
                                candidate.contender.evaluation().metrics().get(metric))
                        .value())))
                .map(Trained::attempt)
                .toList();
    }

    /** {@return the first candidate that can be trained} A failure is that of one; if all fail the run does. */
    private Contender<I> first(
            List<Attempt> attempts,
            Lesson lesson,
            History<I> history,
            Dataset test,
            double @Nullable [] champion,
            double share) {
        Throwable first = null;
        for (Attempt attempt : attempts) {
            try {
                Trained<I> trained = train(attempt, lesson, history, test, champion, 0.95 - share, share);
                Attempt made = trained.attempt;
                record.winner(
                        made.number, made.trainer, made.fromVersion, trained.seconds, trained.contender.evaluation());
                return trained.contender;
            } catch (CancellationException e) {
                throw e;
            } catch (RuntimeException | Error e) {
                first = first == null ? e : first;
                failed(attempt, e);
            }
        }
        Throwables.throwIfUnchecked(Objects.requireNonNull(first));
        throw new IllegalStateException(first);
    }

    private void failed(Attempt attempt, Throwable cause) {
        stopIfAbandoned();
        log.warn("{} of pipeline {} could not be trained", attempt.describe(), pipeline.name(), cause);
        record.candidateFailed(attempt.number, attempt.trainer, attempt.fromVersion, cause);
    }

    /** A search is judged like the candidates, begins with the champion, and goes on after a crash. */
    private Trainer placed(Trainer trainer, Path place) {
        if (!(trainer instanceof Search<?> search)) {
            return trainer;
        }
        Search<?> judged = search.metric().isPresent()
                ? search
                : search.by(pipeline.gates().stream()
                        .flatMap(gate -> gate.metric().stream())
                        .findFirst()
                        .orElse(pipeline.mainMetric()));
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

    /** {@return the candidate that goes on from the champion, if the trainer and the champion are such} */
    private Optional<Attempt> goingOn(Trainer trainer, Path place) {
        Optional<ModelVersion> champion = line.champion();
        if (champion.isEmpty()) {
            return Optional.empty();
        }
        try {
            String definition = pipeline.features().describe();
            Path directory = champion.get().artifact().directory();
            String from = "version " + champion.get().number();
            return Continuation.find(trainer, definition, directory)
                    .map(found -> new Attempt(-1, trainer, found, from, place));
        } catch (FactoryException e) {
            log.warn("no candidate of pipeline {} goes on from the champion", pipeline.name(), e);
            record.note("No candidate goes on from the champion: " + e.getMessage());
            return Optional.empty();
        }
    }

    private static FeatureMatrix weighted(FeatureMatrix matrix, double @Nullable [] weights) {
        return weights == null ? matrix : matrix.weighted(weights);
    }

    /**
     * {@return by age, if that is wanted, by credit, and by outcome: an old example of half credit weighs the product
     * of both}
     */
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
        Optional<double[]> worth = pipeline.source().target().weights(Examples.labels(train));
        return worth.isEmpty() ? weights : weights == null ? worth.get() : product(weights, worth.get());
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
                    (labels.length == 1 ? "the only one has" : "all " + labels.length + " have") + " the label "
                            + pipeline.source().target().decode(labels[0]),
                    "bring more examples, or hold back more or others with a split");
        }
    }

    private Trained<I> train(
            Attempt attempt,
            Lesson lesson,
            History<I> history,
            Dataset examples,
            double @Nullable [] champion,
            double from,
            double share) {
        stopIfAbandoned();
        if (rests.due()) {
            rest(from);
        }
        line.report("training " + attempt.describe(), from);
        long start = System.nanoTime() - nanosRested;
        TrainingListener listener = listener(attempt, from, share);
        Continuation goesOn = attempt.from;
        FittedFeatures features = goesOn == null ? lesson.features : goesOn.features();
        TrainedModel model = goesOn == null
                ? Checkpoint.train(
                        attempt.place,
                        attempt.trainer,
                        lesson.matrix,
                        pipeline.source().target(),
                        pipeline.seed(),
                        listener)
                : goesOn.train(
                        weighted(features.matrix(lesson.rows), lesson.weights),
                        pipeline.source().target(),
                        pipeline.seed(),
                        listener);
        double seconds = (System.nanoTime() - nanosRested - start) / 1e9;
        Path candidate = line.registry().stage();
        stages.add(candidate);
        TrainedModel.Whole file = ModelExport.into(candidate, features, model);
        Trainer made = model.finding().map(Finding::trainer).orElse(attempt.trainer);
        model.finding()
                .ifPresent(found -> record.fact("search of candidate " + (record.candidates() + 1), found.summary()));
        Continuation.keep(made, model, pipeline.features().describe(), candidate);
        Encoders.keep(inputs().own(), candidate);
        Artifact artifact = Artifact.seal(candidate, file.name(), file.signature(), file.facts());
        record.fact("trained on", model.trainedOn().orElse("another machine, or it is not known"));
        double[] scores = Contender.score(
                artifact, inputs().codec(pipeline), examples, device -> record.fact("judged on", device.name()));
        Evaluation evaluation = Evaluation.of(pipeline.task(), Examples.labels(examples), scores);
        if (model.isWhole()) {
            requirePossible(made, evaluation);
        }
        Contender<I> contender = new Contender<>(
                artifact,
                features,
                model,
                history.type(),
                inputs().codec(pipeline),
                examples,
                ImmutableDoubleArray.copyOf(scores),
                beside(champion, evaluation),
                pipeline.seed());
        return new Trained<>(
                new Attempt(attempt.number, made, goesOn, attempt.fromVersion, attempt.place), contender, seconds);
    }

    private Evaluation beside(double @Nullable [] champion, Evaluation evaluation) {
        if (champion != null) {
            return evaluation.against(champion);
        }
        return unscored.isEmpty() ? evaluation : evaluation.withUnscoredChampion(unscored);
    }

    /** What was trained here and predicts nonsense is judged, and refused; what was brought is to be mended. */
    private static void requirePossible(Trainer trainer, Evaluation evaluation) {
        evaluation.fault().ifPresent(fault -> {
            throw new ModelFormatException(
                    trainer.describe() + " does not predict what it is asked",
                    fault + ", expected " + (evaluation.task() == Task.REGRESSION ? "a number" : "probabilities"),
                    "end the model with a sigmoid or a softmax if it gives logits; let it replace missing values, which"
                            + " come as NaN, or drop such rows by a check");
        });
    }

    private TrainingListener listener(Attempt attempt, double from, double share) {
        return new TrainingListener() {
            @Override
            public void epochEnded(Epoch epoch) {
                line.report("training " + attempt.describe(), from + share * epoch.done());
            }

            @Override
            public boolean mustRest() {
                return rests.due();
            }

            @Override
            public void rest() {
                RunExecution.this.rest(from);
            }

            @Override
            public void tried(Tried tried) {
                line.report(RunRecord.describe(tried), from + share * tried.done());
            }

            @Override
            public String owner() {
                return pipeline.name() + "/training";
            }
        };
    }

    private double @Nullable [] championScores(Dataset test) {
        Optional<ModelVersion> champion = line.champion();
        if (champion.isEmpty()) {
            return null;
        }
        line.report("scoring the champion", 0.24);
        try {
            return Contender.score(champion.get().artifact(), inputs().codec(pipeline), test, device -> {});
        } catch (FactoryException e) {
            log.warn("the champion of pipeline {} cannot be compared with", pipeline.name(), e);
            record.note(
                    "The champion, version " + champion.get().number() + ", could not be scored: " + e.getMessage());
            unscored = "version " + champion.get().number() + ", the champion, could not be scored: " + e.getMessage()
                    + " To begin anew without it, give the pipeline another name";
            return null;
        }
    }

    private void judge(Contender<I> best, Dataset train, Dataset test, double[] labels) {
        line.report("judging the best candidate", 0.94);
        List<Verdict> verdicts = Stream.concat(pipeline.gates().stream(), Stream.of(Gate.parity()))
                .distinct()
                .map(gate -> gate.judge(best))
                .toList();
        record.judged(best.evaluation(), verdicts, test);
        List<Verdict> refused = verdicts.stream()
                .filter(verdict -> verdict.outcome() != Verdict.Outcome.PASS)
                .toList();
        best.artifact().attributes().forEach(record::fact);
        examiner.examine(best);
        if (!refused.isEmpty()) {
            if (unkept != null && replacesKept(unkept)) {
                unkept.keep(pipeline, line);
            }
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
            proof.keepOffline(best.evaluation(), directory);
        }
        describe(best, train, test, labels);
        ModelVersion version = line.registry().register(best.directory(), record.card(best.evaluation()));
        stages.remove(best.directory());
        String why = record.passed(best.evaluation());
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
    private void describe(Contender<I> best, Dataset train, Dataset test, double[] labels) {
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
                    best.scores().toArray(),
                    Examples.hasTimes(train) ? Source.TIME : null);
            Reference.write(best.directory(), origin, pipeline.watch());
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
        return Split.byDefault(Examples.hasTimes(examples));
    }
}
