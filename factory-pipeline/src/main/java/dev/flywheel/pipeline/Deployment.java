package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.explain.Explanation;
import dev.flywheel.pipeline.flywheel.Feedback;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.FeedbackLog;
import dev.flywheel.pipeline.flywheel.LabelReport;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.flywheel.PredictionLog;
import dev.flywheel.pipeline.watch.Watched;
import dev.flywheel.serving.CallOptions;
import dev.flywheel.serving.PredictionObserver;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A pipeline at work in a factory: it serves the champion, logs predictions, joins feedback, trains again by its rules
 * in the background, and swaps a candidate in if it passes every gate. Thread-safe. The caller closes it, at the latest
 * by closing the factory.
 *
 * @param <I> the input of a prediction
 * @param <L> the label that feedback brings
 * @param <O> the output of a prediction
 */
public final class Deployment<I, L, O> implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Deployment.class);

    private final Pipeline<I, L, O> pipeline;
    private final Line line;
    private final EventBus<Event> events;
    private final Failures failures;
    private final Consumer<Deployment<?, ?, ?>> onClose;
    private final PredictionLog<I> predictions;
    private final FeedbackLog outcomes;
    private final Trial<I> trial;
    private final Optional<Watching<I>> watching;

    private final Triggers triggers;
    private final Inputs<I> inputs;
    private final Champion<I, O> champion;
    private final Runs runs;
    private final RunThread trainer;
    private final LabelWatch labels;
    private final @Nullable ScheduledFuture<?> tick;

    private final Object closing = new Object();
    private final ReentrantLock saving = new ReentrantLock();
    private volatile boolean closed;

    /**
     * What a deployment gets from its factory.
     *
     * @param trainer where runs are made
     * @param ticker what looks for reasons to make one every second; null where nothing does
     * @param events where listeners are called
     * @param closing whether the factory is being closed
     */
    record Threads(
            RunThread trainer,
            @Nullable ScheduledExecutorService ticker,
            EventBus<Event> events,
            BooleanSupplier closing) {}

    Deployment(Pipeline<I, L, O> pipeline, Line line, Threads threads, Consumer<Deployment<?, ?, ?>> onClose) {
        this.pipeline = pipeline;
        this.line = line;
        this.events = threads.events;
        this.failures = new Failures(line, threads.events);
        this.onClose = onClose;
        line.requireSameTarget(pipeline);
        if (line.champion().isEmpty()) {
            firstRun(threads);
        }
        RowType<I> type = History.kept(pipeline, line).type();
        pipeline.requireLogged(pipeline.features().columns(type.schema()));
        this.inputs = Inputs.ofChampion(pipeline, line, type);
        this.watching = Watching.open(pipeline, line, type, threads.events);
        this.predictions = PredictionLog.open(
                line.directory().predictions(),
                type,
                pipeline.logging(),
                line.clock().instant(),
                watching.<PredictionObserver<I>>map(watch -> watch::predicted)
                        .orElse((id, version, input, output, at) -> {}));
        this.outcomes =
                Closing.onFailure(() -> FeedbackLog.open(line.directory().feedback(), predictions), predictions::close);
        Runnable closeLogs = () -> Closing.all(outcomes::close, predictions::close);
        this.trial = Closing.onFailure(() -> new Trial<>(pipeline, line, threads.events), closeLogs);
        watching.ifPresent(watch -> watch.start(predictions.size(), outcomes.size()));
        Runnable closeAll = () -> Closing.all(() -> watching.ifPresent(Watching::close), closeLogs);
        this.triggers = Closing.onFailure(this::triggers, closeAll);
        this.champion = Closing.onFailure(
                () -> new Champion<>(
                        line,
                        inputs,
                        inputs.codec(pipeline),
                        pipeline.logging().logged(type.schema()),
                        this::observed,
                        this::serving,
                        trial,
                        threads.events),
                closeAll);
        this.trainer = threads.trainer;
        this.runs = new Runs(name(), threads.trainer, events, failures, this::train);
        FeedbackJoin join = new FeedbackJoin(
                line.directory().predictions(),
                line.directory().feedback(),
                type.schema(),
                ChronoUnit.FOREVER.getDuration());
        this.labels = new LabelWatch(line, outcomes, join, threads.trainer, events);
        this.tick = Closing.onFailure(
                () -> threads.ticker == null ? null : Background.everySecond(threads.ticker, this::tick),
                champion::close,
                closeAll);
        line.energy().serve(name(), champion.endpoint()::snapshot);
    }

    /** {@return the name of the pipeline} */
    public String name() {
        return pipeline.name();
    }

    /** {@return the number of the version that serves} */
    public int version() {
        return champion.version();
    }

    /** {@return the prediction for one input, made on the caller's thread} */
    public Prediction<O> predict(I input) {
        return predict(input, CallOptions.none());
    }

    /**
     * {@return the prediction for one input, made on the caller's thread}
     *
     * @param options a deadline, a priority, or the key of whoever asks: while a version is on trial, equal keys are
     *     answered by the same version
     */
    public Prediction<O> predict(I input, CallOptions options) {
        Prediction<O> prediction = champion.endpoint().predict(input, options);
        trial.assigned(prediction.version(), options.key());
        predictions.acknowledge(prediction.id());
        return prediction;
    }

    /** {@return the prediction for one input, batched with those of other callers} */
    public CompletableFuture<Prediction<O>> predictAsync(I input) {
        return predictAsync(input, CallOptions.none());
    }

    /** {@return the prediction for one input, batched with those of other callers; see {@link #predict}} */
    public CompletableFuture<Prediction<O>> predictAsync(I input, CallOptions options) {
        CompletableFuture<Prediction<O>> made = champion.endpoint().predictAsync(input, options);
        var unused = made.thenAccept(prediction -> trial.assigned(prediction.version(), options.key()));
        return pipeline.logging().durability() == Logging.Durability.ACKNOWLEDGED
                ? made.thenCompose(
                        prediction -> predictions.acknowledged(prediction.id()).thenApply(kept -> prediction))
                : made;
    }

    /** {@return the predictions for many inputs, in their order} */
    public List<Prediction<O>> predictAll(List<I> inputs) {
        List<Prediction<O>> made = champion.endpoint().predictAll(inputs);
        made.forEach(prediction -> trial.assigned(prediction.version(), null));
        predictions.acknowledge(made.stream().map(Prediction::id).toList());
        return made;
    }

    /**
     * {@return the raw predictions for the rows of a dataset, in their order, those of all classes row by row; they are
     * not logged}
     */
    public double[] score(Dataset rows) {
        Path scratch = line.scratch();
        try {
            return champion.endpoint().score(inputs.encoded(rows, scratch, done -> {}));
        } finally {
            Line.discard(scratch);
        }
    }

    /**
     * {@return what each raw column adds to the champion's prediction for an input: Shapley values against 100 of the
     * rows that the version learned from} They are kept beside it when it is registered, if they came from the source
     * and the pipeline logs every column that the model takes. The prediction explained is the raw one, as
     * {@link #score} gives it; nothing is logged.
     *
     * @throws dev.flywheel.core.StoreException if no such rows are kept, or the file is damaged
     * @throws ClosedException if the deployment is closed
     */
    public Explanation explain(I input) {
        return champion.explain(input);
    }

    /** {@return what was served since the deployment started, and how it is now, version by version} */
    public EndpointSnapshot snapshot() {
        return champion.endpoint().snapshot();
    }

    /**
     * {@return what the predictions of each version have taken since the deployment started, by its number} A window of
     * about a second is divided by the rows that each version of the factory's deployments ran in it; a window of a run
     * is the run's. Where the factory does not tick, a window ends with each call and each run. Versions that nothing
     * is known of are not there.
     */
    public Map<Integer, EnergyUse> energy() {
        requireOpen();
        return line.energy().served(name());
    }

    /** {@return what the watch of inputs, predictions and outcomes sees now; empty where it is off} */
    public Optional<Watched> watched() {
        settle();
        return watching.map(Watching::watched);
    }

    /**
     * Takes the outcome of a prediction. When this returns the outcome is on disk. It may come late, twice, revised
     * (the last one counts), or for a prediction made by another process over the same home.
     *
     * @param id the id of the prediction
     * @param outcome what really happened
     * @throws dev.flywheel.core.DataException if the outcome is not finite, or has no logarithm on a log scale
     * @throws dev.flywheel.core.StoreException if it cannot be written
     * @throws ClosedException if the deployment is closed
     */
    public void feedback(UUID id, L outcome) {
        requireOpen();
        Objects.requireNonNull(id, "id");
        double label = pipeline.source().target().encode(outcome);
        Instant at = line.clock().instant();
        outcomes.feedback(id, label, at);
        accepted(Map.of(id, label), at);
    }

    /**
     * Takes the outcomes of many predictions; much cheaper than one by one.
     *
     * @param byId what really happened, by the id of the prediction
     * @throws dev.flywheel.core.DataException if an outcome is not finite, or has no logarithm on a log scale; then
     *     none is taken
     * @throws dev.flywheel.core.StoreException if they cannot be written
     * @throws ClosedException if the deployment is closed
     */
    public void feedback(Map<UUID, L> byId) {
        requireOpen();
        Map<UUID, Double> labels = new LinkedHashMap<>();
        byId.forEach((id, outcome) -> labels.put(
                Objects.requireNonNull(id, "id"), pipeline.source().target().encode(outcome)));
        if (!labels.isEmpty()) {
            Instant at = line.clock().instant();
            outcomes.feedback(labels, at);
            accepted(labels, at);
        }
    }

    /**
     * Takes feedback of any kind: a correction, partial credit, satisfaction. When this returns it is on disk. It may
     * come late, twice, revised, or for a prediction made by another process over the same home.
     *
     * @param id the id of the prediction
     * @param feedback what really happened, or what somebody thought of the prediction
     * @throws dev.flywheel.core.DataException if the outcome is not finite, or has no logarithm on a log scale
     * @throws dev.flywheel.core.StoreException if it cannot be written
     * @throws ClosedException if the deployment is closed
     */
    public void feedback(UUID id, Feedback<L> feedback) {
        requireOpen();
        Objects.requireNonNull(id, "id");
        Feedback<Double> encoded = feedback.map(pipeline.source().target()::encode);
        Instant at = line.clock().instant();
        outcomes.feedback(id, encoded, at);
        encoded.outcome().ifPresent(label -> accepted(Map.of(id, label), at));
    }

    private void accepted(Map<UUID, Double> labels, Instant at) {
        labels.forEach((id, label) -> {
            trial.labelled(id, label);
            watching.ifPresent(watch -> watch.labelled(id, label, at));
        });
        long total = triggers.labelled(labels.size());
        events.publish(new Event.FeedbackAccepted(labels.size(), total));
        startRunIfDue();
    }

    /**
     * Takes a metric of the business that came of a prediction: revenue, minutes, an error as 1 and none as 0. It
     * counts while the version that made the prediction is on trial, or is the champion beside one that is, if a
     * measure or goal of the plan has this name; the first report for each prediction under each name.
     *
     * @param name the name of the measure or goal
     * @param id the id of the prediction
     * @param value finite
     * @throws IllegalArgumentException if the value is not finite, or the goal of this name is a ratio
     */
    public void metric(String name, UUID id, double value) {
        requireOpen();
        requireFinite(name, value);
        trial.reported(Objects.requireNonNull(name, "name"), Objects.requireNonNull(id, "id"), value);
        startRunIfDue();
    }

    /**
     * Takes a metric of the business that is a ratio; see {@link dev.flywheel.pipeline.prove.Goal#per}.
     *
     * @throws IllegalArgumentException if a number is not finite, or the goal of this name is no ratio
     * @see #metric(String, UUID, double)
     */
    public void metric(String name, UUID id, double numerator, double denominator) {
        requireOpen();
        requireFinite(name, numerator);
        requireFinite(name, denominator);
        trial.reported(Objects.requireNonNull(name, "name"), Objects.requireNonNull(id, "id"), numerator, denominator);
        startRunIfDue();
    }

    private static void requireFinite(String name, double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("metric \"" + name + "\" must be finite, found " + value);
        }
    }

    /**
     * {@return the version in traffic beside the champion and what came of it so far, or the last one that was; empty
     * if there was none} This survives a restart.
     */
    public Optional<TrialReport> trial() {
        return trial.report();
    }

    /**
     * Lets a canary go on to its next step, or to its promotion, that its plan has held.
     *
     * @param who the person
     * @throws IllegalStateException if none is held by its plan, or promotions are frozen
     * @throws ClosedException if the deployment is closed
     */
    public void proceed(String who) {
        champion.proceed(Objects.requireNonNull(who, "who"));
    }

    /**
     * Tries the version of the last trial again. A canary that its plan has held begins its step anew, without the
     * readings so far; the trial of a version that was not promoted begins anew, as it began the first time.
     *
     * @param who the person
     * @throws IllegalStateException if the trial goes on by itself or has ended with a promotion, if there was none, if
     *     the gates compared the version with another champion than there is now, or if promotions are frozen or paused
     * @throws dev.flywheel.core.ModelFormatException if the version is damaged
     * @throws ClosedException if the deployment is closed
     */
    public void tryAgain(String who) {
        champion.tryAgain(Objects.requireNonNull(who, "who"));
    }

    /**
     * Takes the version on trial out of traffic; the champion answers alone from the next request on.
     *
     * @param who the person
     * @param why the reason
     * @throws IllegalStateException if there is none
     * @throws ClosedException if the deployment is closed
     */
    public void endTrial(String who, String why) {
        champion.endTrial(Objects.requireNonNull(who, "who"), Objects.requireNonNull(why, "why"));
    }

    /** Calls the listener after a version was put on trial, and after each decision on it. */
    public Deployment<I, L, O> onTrial(Consumer<Event.TrialChanged> listener) {
        events.subscribe(Event.TrialChanged.class, listener);
        return this;
    }

    /** Calls the listener after every run, however it ended. */
    public Deployment<I, L, O> onRun(Consumer<Event.RunFinished> listener) {
        events.subscribe(Event.RunFinished.class, listener);
        return this;
    }

    /** Calls the listener after another version has begun to serve. */
    public Deployment<I, L, O> onPromotion(Consumer<Event.Promoted> listener) {
        events.subscribe(Event.Promoted.class, listener);
        return this;
    }

    /** Calls the listener after a candidate was refused. */
    public Deployment<I, L, O> onRejected(Consumer<Event.Rejected> listener) {
        events.subscribe(Event.Rejected.class, listener);
        return this;
    }

    /** Calls the listener after outcomes were accepted. */
    public Deployment<I, L, O> onFeedback(Consumer<Event.FeedbackAccepted> listener) {
        events.subscribe(Event.FeedbackAccepted.class, listener);
        return this;
    }

    /**
     * Calls the listener after it was decided to retrain or not to, otherwise or for other reasons than before: not
     * each time that a number in the reason has changed.
     */
    public Deployment<I, L, O> onDecision(Consumer<Event.Decided> listener) {
        events.subscribe(Event.Decided.class, listener);
        return this;
    }

    /** Calls the listener after outcomes have become rare. */
    public Deployment<I, L, O> onLabelsFell(Consumer<Event.LabelsFell> listener) {
        events.subscribe(Event.LabelsFell.class, listener);
        return this;
    }

    /**
     * Calls the listener after it was seen that inputs, predictions or errors are no longer as they were when the
     * version learned.
     */
    public Deployment<I, L, O> onDrift(Consumer<Event.Drifted> listener) {
        events.subscribe(Event.Drifted.class, listener);
        return this;
    }

    /** Calls the listener after something failed in the background. */
    public Deployment<I, L, O> onError(Consumer<Event.Failed> listener) {
        events.subscribe(Event.Failed.class, listener);
        return this;
    }

    /**
     * Starts a run now, whatever the rules say; it learns from what the source gave last and the feedback so far. While
     * a rollback has paused retraining, or another version is on trial, its candidate is registered, but does not
     * serve.
     *
     * @return the run to come; the one in progress if there is one, also where that rests. It ends exceptionally only
     *     if the run could not begin or was abandoned before. What depends on it runs on the thread that trains: let
     *     long work go elsewhere ({@code thenApplyAsync})
     * @throws ClosedException if the deployment is closed
     */
    public CompletableFuture<Run> retrain() {
        return runs.start("asked for by the host").copy();
    }

    /**
     * Starts a run if the rules ask for one, and blocks until the run that is waiting or in progress, if there is one,
     * has ended, or rests until power is cheaper.
     */
    public void awaitRun() {
        settle();
        startRunIfDue();
        CheapTime cheap = triggers.cheap();
        runs.await(cheap == null ? new CompletableFuture<>() : cheap.rests());
    }

    /**
     * Puts the previous champion back, from the next request on, and pauses retraining until {@link #resume()}:
     * whatever made the new version bad would make the next one bad, too. Calling it again goes back one version
     * further. A damaged version is passed over. A trial ends; where no version was champion before, that is all.
     *
     * @return the version that serves now
     * @throws dev.flywheel.core.StoreException if there is no earlier champion
     * @throws dev.flywheel.core.ModelFormatException if no earlier champion is whole; the one that serves goes on
     * @throws ClosedException if the deployment is closed
     */
    public int rollback() {
        return champion.rollback();
    }

    /**
     * {@return why retraining is paused, if it is: after a rollback, or because candidates were refused again and again
     * ({@link Retrain#untilRefused})} This survives a restart.
     */
    public Optional<String> paused() {
        return champion.paused().or(triggers::stopped);
    }

    /**
     * Lets the rules start runs again after a {@link #rollback()} or after many refusals.
     *
     * @throws ClosedException if the deployment is closed
     */
    public void resume() {
        champion.resume();
        triggers.resume();
        startRunIfDue();
    }

    /** {@return whether it retrains now, and why or why not, with the numbers of this moment} */
    public Decision decision() {
        Instant now = line.clock().instant();
        triggers.lookForPower(now, champion.holding());
        return triggers.decision(now, champion.holding());
    }

    /**
     * {@return the last 100 decisions, the oldest first, over restarts} Each differs from the one before by more than
     * its numbers.
     */
    public List<Decision> decisions() {
        return triggers.decisions();
    }

    /**
     * {@return the report of this pipeline over time, written anew}
     *
     * @see Factory#report
     */
    public Path report() {
        requireOpen();
        return Chronicle.write(line);
    }

    /**
     * {@return how long outcomes take to come, and how many predictions have one} As of the last run or, where the
     * factory ticks, of an hour ago at most; empty before.
     */
    public Optional<LabelReport> labels() {
        return labels.report();
    }

    /**
     * Abandons a run in progress, answers the requests that were accepted, writes the logs out and stops. Further calls
     * do nothing.
     */
    @Override
    public void close() {
        synchronized (closing) {
            if (closed) {
                return;
            }
            closed = true;
            if (tick != null) {
                tick.cancel(false);
            }
            Closing.all(
                    runs::close,
                    () -> line.energy().stop(name()),
                    champion::close,
                    predictions::awaitTold,
                    () -> watching.ifPresent(Watching::close),
                    outcomes::close,
                    labels::close,
                    predictions::close,
                    this::saveLast,
                    () -> onClose.accept(this));
        }
    }

    private void firstRun(Threads threads) {
        line.promoteApproved();
        if (line.champion().isPresent()) {
            return;
        }
        requireNobodyWaits();
        RunExecution<I, L> execution = new RunExecution<>(pipeline, line, "there is no champion yet", threads.closing);
        Run run = Background.await(threads.trainer, execution::fromSource);
        if (line.champion().isEmpty()) {
            requireNobodyWaits();
            throw nothingToServe(
                    run.reason().replaceFirst("\\.$", ""),
                    "read " + run.report() + ", then mend the data, the candidates or the gates",
                    execution.failure());
        }
    }

    /** Another candidate would overtake one that a person has yet to look at. */
    private void requireNobodyWaits() {
        List<ApprovalRequest> waiting = line.approvals().waiting();
        if (pipeline.approval() != null && !waiting.isEmpty()) {
            ApprovalRequest request = waiting.get(0);
            throw nothingToServe(
                    "version " + request.version() + " passed every gate and waits until " + request.expiresAt()
                            + " for a person to approve it",
                    "approve " + request.artifact() + " with Factory.approve, then start the pipeline again",
                    null);
        }
    }

    private TrainingException nothingToServe(String why, String fix, @Nullable Throwable cause) {
        return new TrainingException("pipeline \"" + name() + "\" has nothing to serve", why, fix, cause);
    }

    private Triggers triggers() {
        long known = outcomes.outcomes();
        return new Triggers(
                pipeline.retrain(),
                watching.isPresent() ? watching.get() : Signals.NONE,
                TriggerState.read(line, known),
                line.lastRun(),
                known,
                decision -> events.publish(new Event.Decided(decision)));
    }

    /** The watch has seen all that has happened. */
    private void settle() {
        watching.ifPresent(watch -> {
            predictions.awaitTold();
            watch.settle(line.clock().instant());
        });
    }

    private void observed(UUID id, int version, I input, double output, Instant at) {
        predictions.append(id, version, input, output, at);
        trial.predicted(id, version, output, at);
        triggers.predicted();
    }

    private void serving(int version, ModelCard card) {
        watching.ifPresent(watch -> watch.serving(version, card, line.clock().instant()));
        triggers.serving(version);
    }

    /** What happens every second: all that the passing of time brings about. */
    void tick() {
        if (closed) {
            return;
        }
        events.check();
        startRunIfDue();
        expire();
        labels.lookIfDue();
    }

    /** Deletes what the logs hold for too long. */
    private void expire() {
        try {
            Instant now = line.clock().instant();
            predictions.expire(now);
            outcomes.expire(now);
        } catch (RuntimeException e) {
            failures.tell("deleting old records of pipeline " + name(), e);
        }
    }

    /** Called on threads of the host, too, whose business it is not if this fails. */
    private void startRunIfDue() {
        try {
            Instant now = line.clock().instant();
            champion.look(now);
            triggers.lookForPower(now, champion.holding());
            runs.startIfDue(() -> triggers.due(now, champion.holding()));
            save();
        } catch (ClosedException e) {
            log.debug("no run starts any more", e);
        } catch (RuntimeException | Error e) {
            failures.tell("looking for a reason to retrain pipeline " + name(), e);
        }
    }

    /** One at a time, so that the newest is written last; who comes meanwhile leaves it to the next second. */
    private void save() {
        if (!saving.tryLock()) {
            return;
        }
        try {
            if (!closed) {
                triggers.toSave(Duration.ofNanos(System.nanoTime())).ifPresent(state -> state.write(line));
            }
        } catch (StoreException e) {
            triggers.unsaved();
            failures.tell("keeping what the rules of pipeline " + name() + " remember", e);
        } finally {
            saving.unlock();
        }
    }

    /** After it nobody else of this deployment writes: the file may belong to the next one. */
    private void saveLast() {
        saving.lock();
        try {
            triggers.state().write(line);
        } finally {
            saving.unlock();
        }
    }

    private Runs.Ended train(String trigger) {
        Instant now = line.clock().instant();
        triggers.runStarted(now, trigger);
        boolean ended = false;
        try {
            save();
            predictions.flush();
            RunExecution<I, L> execution =
                    new RunExecution<>(pipeline, line, trigger, () -> closed, champion::promote, rests());
            long start = System.nanoTime();
            Run run = execution.fromFeedback(triggers.lastDrift().orElse(null));
            // a factory that is closed interrupts its runs before it closes its deployments
            if (!closed && !(execution.failure() instanceof CancellationException)) {
                Duration took = Duration.ofNanos(System.nanoTime() - start).minus(execution.rested());
                triggers.runEnded(
                        line.clock().instant(), run.outcome(), run.version().isPresent(), took);
                ended = true;
                save();
                labels.look();
            }
            return new Runs.Ended(run, news(run, trigger, execution.failure()));
        } finally {
            if (!ended) {
                triggers.runAbandoned();
            }
        }
    }

    private RunExecution.Rests rests() {
        CheapTime cheap = triggers.cheap();
        return cheap == null
                ? RunExecution.Rests.NEVER
                : new RunExecution.Rests() {
                    @Override
                    public boolean due() {
                        return cheap.mustRest(line.clock().instant());
                    }

                    @Override
                    public void rest() {
                        Instant now = line.clock().instant();
                        if (cheap.rest(now)) {
                            triggers.runRests(now, cheap.sentence());
                            save();
                            trainer.aside(cheap::await);
                            triggers.runGoesOn(line.clock().instant());
                        }
                    }
                };
    }

    private static List<Event> news(Run run, String trigger, @Nullable Throwable failure) {
        List<Event> news = new ArrayList<>();
        news.add(new Event.RunFinished(run, trigger));
        if (run.outcome() == Run.Outcome.REJECTED) {
            List<Verdict> reasons = run.verdicts().stream()
                    .filter(v -> v.outcome() != Verdict.Outcome.PASS)
                    .toList();
            news.add(new Event.Rejected(run, reasons));
        } else if (failure != null) {
            news.add(new Event.Failed("run " + run.id(), failure));
        }
        return news;
    }

    private void requireOpen() {
        if (closed) {
            throw new ClosedException("deployment \"" + name() + "\"", "it was closed", "start the pipeline again");
        }
    }
}
