package dev.flywheel.pipeline;

import com.google.common.primitives.Longs;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.flywheel.FeedbackLog;
import dev.flywheel.pipeline.flywheel.PredictionLog;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
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
    private static final String LABELS = "labels";

    private final Pipeline<I, L, O> pipeline;
    private final Line line;
    private final EventBus events;
    private final Consumer<Deployment<?, ?, ?>> onClose;
    private final PredictionLog<I> predictions;
    private final FeedbackLog outcomes;
    private final Triggers triggers;
    private final Champion<I, O> champion;
    private final Runs runs;
    private final ScheduledFuture<?> tick;

    private final Object closing = new Object();
    private volatile boolean closed;

    /**
     * What a deployment gets from its factory.
     *
     * @param trainer where runs are made
     * @param ticker what looks for reasons to make one
     * @param events where listeners are called
     * @param closing whether the factory is being closed
     */
    record Threads(
            ExecutorService trainer, ScheduledExecutorService ticker, EventBus events, BooleanSupplier closing) {}

    Deployment(Pipeline<I, L, O> pipeline, Line line, Threads threads, Consumer<Deployment<?, ?, ?>> onClose) {
        this.pipeline = pipeline;
        this.line = line;
        this.events = threads.events;
        this.onClose = onClose;
        line.requireSameTarget(pipeline);
        if (line.champion().isEmpty()) {
            firstRun(threads);
        }
        RowType<I> type = History.kept(pipeline, line).type();
        this.predictions = PredictionLog.open(line.directory().predictions(), type);
        this.outcomes =
                Closing.onFailure(() -> FeedbackLog.open(line.directory().feedback(), predictions), predictions::close);
        Runnable closeLogs = () -> Closing.all(outcomes::close, predictions::close);
        this.triggers = Closing.onFailure(this::triggers, closeLogs);
        this.champion = Closing.onFailure(
                () -> new Champion<>(
                        line, type, pipeline.response(), this::observed, triggers::serving, threads.events),
                closeLogs);
        this.runs = new Runs(name(), threads.trainer, events, this::train);
        this.tick = Closing.onFailure(
                () -> Background.everySecond(threads.ticker, this::startRunIfDue), champion::close, closeLogs);
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
        return champion.endpoint().predict(input);
    }

    /** {@return the prediction for one input, batched with those of other callers} */
    public CompletableFuture<Prediction<O>> predictAsync(I input) {
        return champion.endpoint().predictAsync(input);
    }

    /** {@return the predictions for many inputs, in their order} */
    public List<Prediction<O>> predictAll(List<I> inputs) {
        return champion.endpoint().predictAll(inputs);
    }

    /** {@return the raw predictions for the rows of a dataset, in their order; they are not logged} */
    public double[] score(Dataset rows) {
        return champion.endpoint().score(rows);
    }

    /** {@return what was served since the deployment started, and how it is now, version by version} */
    public EndpointSnapshot snapshot() {
        return champion.endpoint().snapshot();
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
        outcomes.feedback(id, label, line.clock().instant());
        accepted(Map.of(id, label));
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
            outcomes.feedback(labels, line.clock().instant());
            accepted(labels);
        }
    }

    private void accepted(Map<UUID, Double> labels) {
        long total = triggers.labelled(labels);
        events.publish(new Event.FeedbackAccepted(labels.size(), total));
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
     * Starts a run now, whatever the rules say; it learns from what the source gave last and the feedback so far. While
     * a rollback has paused retraining, its candidate is registered, but does not serve.
     *
     * @return the run to come; the one in progress if there is one. It ends exceptionally only if the run could not
     *     begin or was abandoned before. What depends on it runs on the thread that trains: let long work go elsewhere
     *     ({@code thenApplyAsync})
     * @throws ClosedException if the deployment is closed
     */
    public CompletableFuture<Run> retrain() {
        return runs.start("asked for by the host").copy();
    }

    /**
     * Starts a run if the rules ask for one, and blocks until the run that is waiting or in progress, if there is one,
     * has ended.
     */
    public void awaitRun() {
        startRunIfDue();
        runs.await();
    }

    /**
     * Puts the previous champion back, from the next request on, and pauses retraining until {@link #resume()}:
     * whatever made the new version bad would make the next one bad, too. Calling it again goes back one version
     * further. A damaged version is passed over.
     *
     * @return the version that serves now
     * @throws dev.flywheel.core.StoreException if there is no earlier champion
     * @throws dev.flywheel.core.ModelFormatException if no earlier champion is whole; the one that serves goes on
     * @throws ClosedException if the deployment is closed
     */
    public int rollback() {
        return champion.rollback();
    }

    /** {@return why retraining is paused, if it is; this survives a restart} */
    public Optional<String> paused() {
        return champion.paused();
    }

    /**
     * Lets the rules start runs again after a {@link #rollback()}.
     *
     * @throws ClosedException if the deployment is closed
     */
    public void resume() {
        champion.resume();
        startRunIfDue();
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
            tick.cancel(false);
            Closing.all(runs::close, champion::close, outcomes::close, predictions::close, () -> onClose.accept(this));
        }
    }

    private void firstRun(Threads threads) {
        RunExecution<I, L> execution = new RunExecution<>(pipeline, line, "there is no champion yet", threads.closing);
        Run run = Background.await(threads.trainer, execution::fromSource);
        if (line.champion().isEmpty()) {
            throw new TrainingException(
                    "pipeline \"" + name() + "\" has nothing to serve",
                    run.reason().replaceFirst("\\.$", ""),
                    "read " + run.report() + ", then mend the data, the candidates or the gates",
                    execution.failure());
        }
    }

    private Triggers triggers() {
        long used = line.marked(LABELS).map(Longs::tryParse).orElse(0L);
        return new Triggers(pipeline.retrain(), line.lastRun(), Math.max(0, outcomes.size() - used));
    }

    private void observed(UUID id, int version, I input, double output, Instant at) {
        predictions.append(id, version, input, output, at);
        triggers.predicted(id, version, output);
    }

    /** Called on threads of the host, too, whose business it is not if this fails. */
    private void startRunIfDue() {
        try {
            if (champion.paused().isEmpty()) {
                runs.startIfDue(() -> triggers.due(line.clock().instant()));
            }
        } catch (ClosedException e) {
            log.debug("no run starts any more", e);
        } catch (RuntimeException | Error e) {
            events.publish(new Event.Failed("looking for a reason to retrain pipeline " + name(), e));
        }
    }

    private Runs.Ended train(String trigger) {
        triggers.runStarted(line.clock().instant());
        long labels = outcomes.size();
        predictions.flush();
        RunExecution<I, L> execution = new RunExecution<>(pipeline, line, trigger, () -> closed, champion::promote);
        Run run = execution.fromFeedback();
        List<Event> news = new ArrayList<>();
        if (!closed) {
            use(labels, news);
        }
        news.add(new Event.RunFinished(run, trigger));
        if (run.outcome() == Run.Outcome.REJECTED) {
            List<Verdict> reasons = run.verdicts().stream()
                    .filter(v -> v.outcome() != Verdict.Outcome.PASS)
                    .toList();
            news.add(new Event.Rejected(run, reasons));
        } else if (execution.failure() != null) {
            news.add(new Event.Failed("run " + run.id(), execution.failure()));
        }
        return new Runs.Ended(run, news);
    }

    /** Labels that a run has seen do not start another one; those of a run that was cut short still do. */
    private void use(long labels, List<Event> news) {
        try {
            line.mark(LABELS, Long.toString(labels));
        } catch (StoreException e) {
            news.add(new Event.Failed("noting that " + labels + " labels were used", e));
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new ClosedException("deployment \"" + name() + "\"", "it was closed", "start the pipeline again");
        }
    }
}
