package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.pipeline.flywheel.FeedbackLog;
import dev.flywheel.pipeline.flywheel.PredictionLog;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
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
    private static final String PAUSED = "paused";

    private final Pipeline<I, L, O> pipeline;
    private final Line line;
    private final ExecutorService trainer;
    private final EventBus events;
    private final Consumer<Deployment<?, ?, ?>> onClose;
    private final Triggers triggers;
    private final PredictionLog<I> predictions;
    private final FeedbackLog outcomes;
    private final Endpoint<I, O> endpoint;
    private final ScheduledFuture<?> tick;

    /** Held while a run executes, so that close() can wait for it. */
    private final ReentrantLock running = new ReentrantLock();

    /** Held while the champion changes, so that the alias and the endpoint agree. */
    private final Object championLock = new Object();

    private final Object pendingLock = new Object();
    private @Nullable CompletableFuture<Run> pending;
    private @Nullable Future<?> pendingTask;
    private volatile boolean closed;

    Deployment(
            Pipeline<I, L, O> pipeline,
            Line line,
            ExecutorService trainer,
            ScheduledExecutorService ticker,
            EventBus events,
            Consumer<Deployment<?, ?, ?>> onClose) {
        this.pipeline = pipeline;
        this.line = line;
        this.trainer = trainer;
        this.events = events;
        this.onClose = onClose;
        if (line.champion().isEmpty()) {
            firstRun();
        }
        RowType<I> type = History.kept(pipeline, line).type();
        this.triggers = new Triggers(pipeline.retrain(), line.lastRun());
        this.predictions = PredictionLog.open(line.directory().predictions(), type);
        try {
            this.outcomes = FeedbackLog.open(line.directory().feedback(), predictions);
        } catch (RuntimeException | Error e) {
            predictions.close();
            throw e;
        }
        try {
            this.endpoint = open(type);
        } catch (RuntimeException | Error e) {
            outcomes.close();
            predictions.close();
            throw e;
        }
        this.tick = ticker.scheduleWithFixedDelay(this::startRunIfDue, 1, 1, TimeUnit.SECONDS);
    }

    /** {@return the name of the pipeline} */
    public String name() {
        return pipeline.name();
    }

    /** {@return the number of the version that serves} */
    public int version() {
        return endpoint.version();
    }

    /** {@return the prediction for one input, made on the caller's thread} */
    public Prediction<O> predict(I input) {
        return endpoint.predict(input);
    }

    /** {@return the prediction for one input, batched with those of other callers} */
    public CompletableFuture<Prediction<O>> predictAsync(I input) {
        return endpoint.predictAsync(input);
    }

    /** {@return the predictions for many inputs, in their order} */
    public List<Prediction<O>> predictAll(List<I> inputs) {
        return endpoint.predictAll(inputs);
    }

    /** {@return the raw predictions for the rows of a dataset, in their order; they are not logged} */
    public double[] score(Dataset rows) {
        return endpoint.score(rows);
    }

    /**
     * Takes the outcome of a prediction. When this returns the outcome is on disk. It may come late, twice, revised
     * (the last one counts), or for a prediction made by another process over the same home.
     *
     * @param id the id of the prediction
     * @param outcome what really happened
     * @throws dev.flywheel.core.StoreException if it cannot be written
     */
    public void feedback(UUID id, L outcome) {
        feedback(Map.of(id, outcome));
    }

    /**
     * Takes the outcomes of many predictions; much cheaper than one by one.
     *
     * @param byId what really happened, by the id of the prediction
     * @throws dev.flywheel.core.StoreException if they cannot be written
     */
    public void feedback(Map<UUID, L> byId) {
        requireOpen();
        if (byId.isEmpty()) {
            return;
        }
        Map<UUID, Double> labels = new LinkedHashMap<>();
        byId.forEach((id, outcome) -> labels.put(id, pipeline.source().target().encode(outcome)));
        outcomes.feedback(labels, line.clock().instant());
        long total = triggers.labelled(labels);
        events.publish(new Event.FeedbackAccepted(byId.size(), total));
        startRunIfDue();
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

    /** Calls the listener after something failed in the background. */
    public Deployment<I, L, O> onError(Consumer<Event.Failed> listener) {
        events.subscribe(Event.Failed.class, listener);
        return this;
    }

    /**
     * Starts a run now, whatever the rules say; it learns from all history and the feedback so far.
     *
     * @return the run to come; the one in progress if there is one
     */
    public CompletableFuture<Run> retrain() {
        requireOpen();
        return startRun("asked for by the host").copy();
    }

    /**
     * Starts the run that is due by the rules now, if one is, and blocks until it, or the one in progress, has ended.
     */
    public void awaitRun() {
        startRunIfDue();
        CompletableFuture<Run> run;
        synchronized (pendingLock) {
            run = pending;
        }
        if (run != null) {
            run.handle((done, failure) -> done).join();
        }
    }

    /**
     * Puts the previous champion back, from the next request on, and pauses retraining until {@link #resume()}:
     * whatever made the new version bad would make the next one bad, too. Calling it again goes back one version
     * further.
     *
     * @return the version that serves now
     * @throws dev.flywheel.core.StoreException if there is no earlier champion
     */
    public int rollback() {
        requireOpen();
        synchronized (championLock) {
            int from = version();
            AliasMove move = line.registry().rollback(Factory.CHAMPION, "host", "rollback asked for by the host");
            line.mark(
                    PAUSED,
                    "rolled back from version " + from + " at " + line.clock().instant());
            int to = move.to().orElseThrow();
            serve(line.registry().version(to));
            events.publish(new Event.Promoted(to, OptionalInt.of(from), "rolled back; retraining is paused"));
            return to;
        }
    }

    /** {@return why retraining is paused, if it is; this survives a restart} */
    public Optional<String> paused() {
        return line.marked(PAUSED);
    }

    /** Lets the rules start runs again after a {@link #rollback()}. */
    public void resume() {
        requireOpen();
        line.unmark(PAUSED);
        startRunIfDue();
    }

    /** Abandons a run in progress, answers the requests that were accepted, writes the logs out and stops. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        tick.cancel(false);
        CompletableFuture<Run> abandoned;
        synchronized (pendingLock) {
            abandoned = pending;
            if (pendingTask != null) {
                pendingTask.cancel(true);
            }
        }
        running.lock();
        try {
            endpoint.close();
            predictions.close();
            outcomes.close();
        } finally {
            running.unlock();
            if (abandoned != null) {
                abandoned.completeExceptionally(
                        new ClosedException("a run", "its deployment was closed", "start it again"));
            }
            onClose.accept(this);
        }
    }

    private void firstRun() {
        RunExecution<I, L> execution = new RunExecution<>(pipeline, line, "there is no champion yet");
        Run run = Background.await(trainer.submit(execution::fromSource));
        if (run.outcome() != Run.Outcome.PROMOTED) {
            throw new TrainingException(
                    "pipeline \"" + name() + "\" has nothing to serve",
                    run.reason().replaceFirst("\\.$", ""),
                    "read " + run.report() + ", then mend the data, the candidates or the gates",
                    execution.failure());
        }
    }

    /** A damaged champion must not keep the application from its predictions: the newest whole one before it serves. */
    private Endpoint<I, O> open(RowType<I> type) {
        FactoryException first = null;
        for (ModelVersion version : line.champions()) {
            try {
                Endpoint<I, O> opened = Endpoint.of(version, Codec.rows(type, pipeline.response()))
                        .clock(line.clock())
                        .observer(this::observed)
                        .open();
                triggers.serving(version);
                if (first != null) {
                    log.warn("pipeline {} serves version {}: {}", name(), version.number(), first.getMessage());
                    line.registry()
                            .move(
                                    Factory.CHAMPION,
                                    version.number(),
                                    "flywheel",
                                    String.valueOf(first.getMessage()),
                                    List.of());
                }
                return opened;
            } catch (ModelFormatException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
        throw new AssertionError("a deployment is opened only where there is a champion");
    }

    private void observed(UUID id, int version, I input, double output, Instant at) {
        predictions.append(id, version, input, output, at);
        if (triggers.remembersOutputs()) {
            triggers.predicted(id, version, output);
        }
    }

    private void startRunIfDue() {
        if (closed || paused().isPresent()) {
            return;
        }
        synchronized (pendingLock) {
            if (pending == null) {
                Optional<String> due = triggers.due(line.clock().instant());
                if (due.isPresent()) {
                    CompletableFuture<Run> unused = startRun(due.get());
                }
            }
        }
    }

    private CompletableFuture<Run> startRun(String trigger) {
        synchronized (pendingLock) {
            if (pending == null) {
                CompletableFuture<Run> run = new CompletableFuture<>();
                pending = run;
                triggers.runStarted(line.clock().instant());
                pendingTask = trainer.submit(() -> execute(trigger, run));
            }
            return pending;
        }
    }

    private void execute(String trigger, CompletableFuture<Run> result) {
        running.lock();
        try {
            requireOpen();
            predictions.flush();
            RunExecution<I, L> execution = new RunExecution<>(pipeline, line, trigger, this::promote);
            Run run = execution.fromFeedback();
            finished(result);
            events.publish(new Event.RunFinished(run, trigger));
            if (run.outcome() == Run.Outcome.REJECTED) {
                List<Verdict> reasons = run.verdicts().stream()
                        .filter(v -> v.outcome() != Verdict.Outcome.PASS)
                        .toList();
                events.publish(new Event.Rejected(run, reasons));
            } else if (execution.failure() != null) {
                events.publish(new Event.Failed("run " + run.id(), execution.failure()));
            }
            result.complete(run);
        } catch (RuntimeException | Error e) {
            finished(result);
            events.publish(new Event.Failed("a run of pipeline " + name(), e));
            result.completeExceptionally(e);
        } finally {
            running.unlock();
        }
    }

    private void finished(CompletableFuture<Run> run) {
        synchronized (pendingLock) {
            if (pending == run) {
                pending = null;
                pendingTask = null;
            }
        }
    }

    /** {@return whether the version became champion; not while a rollback has paused retraining} */
    private boolean promote(ModelVersion candidate, String why, List<Verdict> evidence) {
        synchronized (championLock) {
            if (paused().isPresent()) {
                return false;
            }
            int previous = version();
            line.registry().move(Factory.CHAMPION, candidate.number(), "flywheel", why, evidence);
            try {
                serve(candidate);
            } catch (RuntimeException | Error e) {
                line.registry()
                        .move(
                                Factory.CHAMPION,
                                previous,
                                "flywheel",
                                "version does not load: " + e.getMessage(),
                                List.of());
                throw e;
            }
            events.publish(new Event.Promoted(candidate.number(), OptionalInt.of(previous), why));
            return true;
        }
    }

    private void serve(ModelVersion version) {
        endpoint.swap(version);
        triggers.serving(version);
        log.info("pipeline {} serves version {}", name(), version.number());
    }

    private void requireOpen() {
        if (closed) {
            throw new ClosedException("deployment \"" + name() + "\"", "it was closed", "start the pipeline again");
        }
    }
}
