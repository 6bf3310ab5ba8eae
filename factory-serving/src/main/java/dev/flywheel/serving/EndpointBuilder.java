package dev.flywheel.serving;

import dev.flywheel.serving.batch.BatchOptions;
import dev.flywheel.serving.engine.Engine;
import java.time.InstantSource;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The options of an {@link Endpoint} before it opens; each has a default and is set at most once. Not thread-safe.
 *
 * @param <I> the type of an input
 * @param <O> the type of an output
 */
public final class EndpointBuilder<I, O> {

    private final String name;
    private final Supplier<? extends Engine> engine;
    private final Preparation<I, O> preparation;
    private @Nullable Integer lanes;
    private @Nullable Integer maxBatch;
    private @Nullable Integer queueCapacity;
    private @Nullable Integer version;
    private @Nullable InstantSource clock;
    private @Nullable PredictionObserver<? super I> observer;
    private @Nullable I example;

    EndpointBuilder(String name, Supplier<? extends Engine> engine, Codec<I, O> codec) {
        this.name = name;
        this.engine = engine;
        this.preparation = new Preparation<>(codec);
    }

    /** Sets how many runs go on at a time; at least 1, by default the number of processors, but at least 2. */
    public EndpointBuilder<I, O> lanes(int count) {
        lanes = once("lanes", lanes, atLeastOne("lanes", count));
        return this;
    }

    /** Sets the most rows of one run; at least 1, by default 64. */
    public EndpointBuilder<I, O> maxBatch(int rows) {
        maxBatch = once("maxBatch", maxBatch, atLeastOne("maxBatch", rows));
        return this;
    }

    /** Sets the most requests that wait; more are refused. At least 1, by default 4096. */
    public EndpointBuilder<I, O> queueCapacity(int requests) {
        queueCapacity = once("queueCapacity", queueCapacity, atLeastOne("queueCapacity", requests));
        return this;
    }

    /** Sets the number of the model's version; by default that of the registered version, else 0. */
    public EndpointBuilder<I, O> version(int number) {
        version = once("version", version, number);
        return this;
    }

    /** Sets the clock that stamps predictions; by default the system's. */
    public EndpointBuilder<I, O> clock(InstantSource source) {
        clock = once("clock", clock, source);
        return this;
    }

    /** Sets who is told of every prediction; by default nobody. */
    public EndpointBuilder<I, O> observer(PredictionObserver<? super I> told) {
        observer = once("observer", observer, told);
        return this;
    }

    /**
     * Sets the input of the run that proves each model before it serves. By default the codec's first example, and
     * where it has none, zeros and empty strings, which some models refuse.
     */
    public EndpointBuilder<I, O> warmUp(I input) {
        example = once("warmUp", example, input);
        return this;
    }

    /**
     * {@return the endpoint, serving; to be closed}
     *
     * @throws dev.flywheel.core.ModelFormatException if the model cannot be loaded or run, or does not fit the codec
     * @throws dev.flywheel.core.MissingEngineException if the engine is not there or does not load
     */
    public Endpoint<I, O> open() {
        Models<I, O> models = new Models<>(
                name, preparation, batching(), clock == null ? InstantSource.system() : clock, observer, example);
        int number = version == null ? 0 : version;
        return new Endpoint<>(models, models.load(engine, number));
    }

    private BatchOptions batching() {
        BatchOptions options = BatchOptions.defaults();
        options = lanes == null ? options : options.lanes(lanes);
        options = maxBatch == null ? options : options.maxRows(maxBatch);
        return queueCapacity == null ? options : options.queueCapacity(queueCapacity);
    }

    private static int atLeastOne(String option, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(
                    "option " + option + " is invalid: found " + value + ", expected at least 1");
        }
        return value;
    }

    private static <T> T once(String option, @Nullable T before, T now) {
        Objects.requireNonNull(now, option);
        if (before != null) {
            throw new IllegalStateException("option " + option + " is already set, to " + before);
        }
        return now;
    }
}
