package dev.flywheel.pipeline;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.PredictionObserver;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.DoubleFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The version that a deployment serves: the alias in the registry, the endpoint and the pause after a rollback, which
 * agree whatever fails. Thread-safe; whoever opened it closes it.
 */
final class Champion<I, O> implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Champion.class);

    /** Hears which version serves. */
    interface Listener {

        void serving(int version, ModelCard card);
    }

    private final Line line;
    private final EventBus<Event> events;
    private final Listener listener;
    private final Endpoint<I, O> endpoint;
    private final Object lock = new Object();
    /** How a candidate that a person has approved becomes champion while this serves. */
    private final RunExecution.Promotion promotion = this::promote;
    /** Why no other version may serve; changes under the lock. */
    private final Pause pause;

    private boolean closed;

    /**
     * Serves the champion. A damaged one must not keep the application from its predictions: the newest whole one
     * before it takes its place.
     *
     * @throws ModelFormatException if none is whole or fits the type
     * @throws StoreException if the card of none can be read
     */
    Champion(
            Line line,
            RowType<I> type,
            DoubleFunction<O> response,
            PredictionObserver<I> observer,
            Listener listener,
            EventBus<Event> events) {
        this.line = line;
        this.events = events;
        this.listener = listener;
        this.pause = new Pause(line);
        this.endpoint = open(line, Codec.rows(type, response), observer, listener);
        line.serving().set(promotion);
    }

    private static <I, O> Endpoint<I, O> open(
            Line line, Codec<I, O> codec, PredictionObserver<I> observer, Listener listener) {
        FactoryException first = null;
        int steps = 0;
        for (ModelVersion version : line.champions()) {
            try {
                ModelCard card = version.card();
                Endpoint<I, O> opened = Endpoint.of(version, codec)
                        .clock(line.clock())
                        .observer(observer)
                        .open();
                if (first != null) {
                    String why = String.valueOf(first.getMessage());
                    log.warn("pipeline {} serves version {}: {}", line.name(), version.number(), why);
                    int back = steps;
                    Closing.onFailure(() -> line.rollBack(back, "flywheel", why), opened::close);
                }
                listener.serving(version.number(), card);
                return opened;
            } catch (ModelFormatException | StoreException e) {
                first = first == null ? e : first;
                steps++;
            }
        }
        if (first == null) {
            throw new AssertionError("a deployment is opened only where there is a champion");
        }
        throw first;
    }

    Endpoint<I, O> endpoint() {
        return endpoint;
    }

    int version() {
        return endpoint.version();
    }

    /** {@return why no other version may serve, if a rollback is the reason} */
    Optional<String> paused() {
        return pause.reason();
    }

    /**
     * Makes a version champion and serves it; not while a rollback has paused retraining or promotions are frozen.
     *
     * @return why not; empty if it serves
     */
    Optional<String> promote(ModelVersion candidate, String why, List<Verdict> evidence) {
        synchronized (lock) {
            requireOpen();
            int previous = version();
            Optional<String> refusal = pause.reason().isPresent()
                    ? Optional.of("a rollback has paused promotions")
                    : line.promote(candidate, why, evidence);
            if (refusal.isPresent()) {
                return refusal;
            }
            Closing.onFailure(
                    () -> serve(candidate),
                    () -> line.rollBack(1, "flywheel", "version " + candidate.number() + " does not load"));
            events.publish(new Event.Promoted(candidate.number(), OptionalInt.of(previous), why));
            return Optional.empty();
        }
    }

    /** Serves the last whole version before, and pauses; {@return its number}. */
    int rollback() {
        synchronized (lock) {
            requireOpen();
            int from = version();
            int steps = stepsToWhole();
            String before = pause.reason().orElse(null);
            pause.set("rolled back from version " + from + " at " + line.clock().instant());
            ModelVersion previous = Closing.onFailure(() -> rollBack(steps, from), () -> pause.set(before));
            events.publish(
                    new Event.Promoted(previous.number(), OptionalInt.of(from), "rolled back; retraining is paused"));
            return previous.number();
        }
    }

    /** Ends the pause after a rollback. */
    void resume() {
        synchronized (lock) {
            requireOpen();
            pause.set(null);
        }
    }

    /** Refuses new requests, answers those that wait, and returns when the model is closed. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            line.serving().compareAndSet(promotion, null);
            endpoint.close();
        }
    }

    private ModelVersion rollBack(int steps, int from) {
        ModelVersion previous = line.rollBack(steps, "host", "rollback asked for by the host");
        String why = "version " + previous.number() + " does not load";
        return Closing.onFailure(
                () -> serve(previous), () -> line.registry().move(Factory.CHAMPION, from, "flywheel", why, List.of()));
    }

    /** {@return how many versions to go back to the first whole one; 1 if there is none to go back to} */
    private int stepsToWhole() {
        FactoryException first = null;
        int steps = 0;
        for (ModelVersion version : line.registry().rollbackPath(Factory.CHAMPION)) {
            steps++;
            try {
                version.artifact();
                return steps;
            } catch (ModelFormatException | StoreException e) {
                log.warn("pipeline {} passes over version {}", line.name(), version.number(), e);
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
        return 1;
    }

    private ModelVersion serve(ModelVersion champion) {
        // first, because it may be damaged
        ModelCard card = champion.card();
        endpoint.swap(champion);
        listener.serving(champion.number(), card);
        log.info("pipeline {} serves version {}", line.name(), champion.number());
        return champion;
    }

    private void requireOpen() {
        if (closed) {
            throw new ClosedException(
                    "deployment \"" + line.name() + "\"", "it was closed", "start the pipeline again");
        }
    }
}
