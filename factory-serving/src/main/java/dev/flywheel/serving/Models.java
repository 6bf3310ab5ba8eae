package dev.flywheel.serving;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.serving.batch.BatchOptions;
import dev.flywheel.serving.batch.Batcher;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** Makes engines ready to serve: lanes, bound codecs, one proving run. Thread-safe. */
final class Models<I, O> {

    private final String name;
    private final Preparation<I, O> preparation;
    private final BatchOptions options;
    private final InstantSource clock;
    private final PredictionIds ids;
    private final Observation<I> observation;
    private final @Nullable I example;
    private final @Nullable AnswerStore store;

    Models(
            String name,
            Preparation<I, O> preparation,
            BatchOptions options,
            InstantSource clock,
            @Nullable PredictionObserver<? super I> observer,
            @Nullable I example,
            @Nullable AnswerStore store) {
        this.name = name;
        this.preparation = preparation;
        this.options = options;
        this.clock = clock;
        this.ids = new PredictionIds(clock);
        this.observation = new Observation<>(name, observer);
        this.example = example == null && !preparation.examples().isEmpty()
                ? preparation.examples().get(0)
                : example;
        this.store = store;
    }

    String name() {
        return name;
    }

    Instant now() {
        return clock.instant();
    }

    /** {@return whether answers are kept, so that requests must come by {@link Loaded#run} or {@link Loaded#submit}} */
    boolean caches() {
        return store != null;
    }

    Request<I, O> request(I input) {
        return preparation.request(input);
    }

    Request<I, O> request(I input, CallOptions options) {
        return preparation.request(input, options);
    }

    /** {@return the most requests that fit both a batch and the queue} */
    int part() {
        return Math.min(options.maxRows(), options.queueCapacity());
    }

    /** {@return the model, proven and ready; if that fails, its engine is closed} */
    Loaded<I, O> load(ModelSource source, int version) {
        return load(source, source.open(), version);
    }

    /** {@return a model that was loaded before, as {@link #load} does} */
    Loaded<I, O> reload(ModelSource source, int version) {
        return load(source, source.reopen(), version);
    }

    private Loaded<I, O> load(ModelSource source, Engine engine, int version) {
        ModelLane<I, O> first = null;
        try {
            first = lane(engine, version);
            prove(engine, first);
            Batcher<Prediction<O>, Request<I, O>, ModelLane<I, O>> batcher =
                    new Batcher<>(name, options, first, () -> lane(engine, version));
            ResponseCache<I, O> cache = store == null
                    ? null
                    : new ResponseCache<>(
                            name,
                            options,
                            store,
                            batcher,
                            () -> new AnswerReader<>(engine, preparation),
                            ids,
                            observation,
                            version);
            return new Loaded<>(source, engine, batcher, cache, version, clock.instant());
        } catch (RuntimeException | Error e) {
            if (first != null) {
                closeAfter(e, first);
            }
            closeAfter(e, engine);
            throw e;
        }
    }

    private static void closeAfter(Throwable failure, AutoCloseable closed) {
        try {
            closed.close();
        } catch (Exception | Error e) {
            failure.addSuppressed(e);
        }
    }

    private ModelLane<I, O> lane(Engine engine, int version) {
        Lane lane = engine.newLane(options.maxRows());
        try {
            return new ModelLane<>(preparation, lane, version, ids, observation);
        } catch (RuntimeException | Error e) {
            closeAfter(e, lane);
            throw e;
        }
    }

    private void prove(Engine engine, ModelLane<I, O> lane) {
        try {
            lane.warmUp(example);
        } catch (RuntimeException e) {
            throw new ModelFormatException(
                    engine + " cannot serve",
                    "its proving run, on " + (example == null ? "zeros and empty strings" : "an example input")
                            + ", failed (" + (e instanceof FactoryException ? e.getMessage() : e) + ")",
                    "give warmUp(...) an input that the model takes, or export the model again",
                    e);
        }
    }
}
