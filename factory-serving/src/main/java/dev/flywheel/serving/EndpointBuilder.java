package dev.flywheel.serving;

import dev.flywheel.serving.batch.BatchOptions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The options of an {@link Endpoint} before it opens; each has a default and is set at most once. Not thread-safe.
 *
 * @param <I> the type of an input
 * @param <O> the type of an output
 */
public final class EndpointBuilder<I, O> {

    private final String name;
    private final ModelSource source;
    private final Preparation<I, O> preparation;
    private BatchOptions batching = BatchOptions.defaults();
    private @Nullable Integer lanes;
    private @Nullable Integer maxBatch;
    private @Nullable Integer queueCapacity;
    private @Nullable Integer version;
    private @Nullable InstantSource clock;
    private @Nullable PredictionObserver<? super I> observer;
    private @Nullable I example;
    private AnswerStore.@Nullable Limits cache;
    private @Nullable Function<? super I, @Nullable String> key;
    private @Nullable Integer maxTokens;
    private @Nullable Duration maxDelay;
    private @Nullable Duration deadline;
    private @Nullable Duration runTimeout;

    EndpointBuilder(String name, ModelSource source, Codec<I, O> codec) {
        this.name = name;
        this.source = source;
        this.preparation = new Preparation<>(codec);
    }

    /**
     * Sets how many runs go on at a time; at least 1. By default the number of processors, but at least 2, and several
     * times that where a run is measured to be shorter than the waking of a thread.
     */
    public EndpointBuilder<I, O> lanes(int count) {
        BatchOptions changed = batching.lanes(count);
        lanes = once("lanes", lanes, count);
        batching = changed;
        return this;
    }

    /**
     * Sets the most rows of one run; at least 1. By default 64, or 256 where a row is fixed in size and has at most 256
     * elements; but 1 for models whose rows are measured to depend on each other when they are loaded, as those of
     * dynamically quantised models do; setting it batches those too.
     */
    public EndpointBuilder<I, O> maxBatch(int rows) {
        if (rows < 1) {
            throw new IllegalArgumentException("option maxBatch is invalid: found " + rows + ", expected at least 1");
        }
        maxBatch = once("maxBatch", maxBatch, rows);
        batching = batching.maxRows(rows);
        return this;
    }

    /** Sets the most requests that wait; more are refused. At least 1, by default 4096. */
    public EndpointBuilder<I, O> queueCapacity(int requests) {
        BatchOptions changed = batching.queueCapacity(requests);
        queueCapacity = once("queueCapacity", queueCapacity, requests);
        batching = changed;
        return this;
    }

    /**
     * Sets the most tokens of one run, padding included, for models whose rows have a length of their own: rows times
     * the longest of them. At least 1; a single row that is longer runs alone. By default what is measured to pay.
     */
    public EndpointBuilder<I, O> maxTokens(int tokens) {
        BatchOptions changed = batching.maxTokens(tokens);
        maxTokens = once("maxTokens", maxTokens, tokens);
        batching = changed;
        return this;
    }

    /**
     * Sets for how long a lone request waits for company although the model is idle; 0 to 1 hour, by default 0, which
     * is best unless a run of one row costs nearly what a full batch does, as on a GPU.
     */
    public EndpointBuilder<I, O> maxDelay(Duration longest) {
        BatchOptions changed = batching.maxDelay(longest);
        maxDelay = once("maxDelay", maxDelay, longest);
        batching = changed;
        return this;
    }

    /**
     * Sets the deadline of requests that have none of their own. Positive; by default none.
     *
     * <p>A request that still waits then is not run, and fails with a {@link dev.flywheel.core.DeadlineException}. One
     * that a worker runs by then, alone or with others, fails too, but its run goes on. One that runs on its caller's
     * own thread, because a lane was free when it came, is answered however long that takes: a deadline ends no run,
     * which is what {@link #runTimeout} is for.
     */
    public EndpointBuilder<I, O> deadline(Duration fromCall) {
        BatchOptions changed = batching.deadline(fromCall);
        deadline = once("deadline", deadline, fromCall);
        batching = changed;
        return this;
    }

    /**
     * Sets after which time a run counts as hung: it is told to end, and given up if it does not. Positive; by default
     * 1 minute.
     */
    public EndpointBuilder<I, O> runTimeout(Duration longest) {
        BatchOptions changed = batching.runTimeout(longest);
        runTimeout = once("runTimeout", runTimeout, longest);
        batching = changed;
        return this;
    }

    /**
     * Sets what tells whose request an input is, such as a user's id; {@linkplain dev.flywheel.serving.route.Route
     * routes} send equal keys to the same version. By default inputs have no key. Asked only while a route is set, on
     * the caller's thread, unless the call's options have a key; may give null.
     */
    public EndpointBuilder<I, O> key(Function<? super I, @Nullable String> ofInput) {
        key = once("key", key, ofInput);
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
     * Sets the input of the run that proves each model before it serves, and of the first of the runs that measure
     * whether its rows depend on each other. By default the codec's examples, and where it has none, zeros and empty
     * strings, which some models refuse; nothing at all where the model leaves more than the number of rows free.
     */
    public EndpointBuilder<I, O> warmUp(I input) {
        example = once("warmUp", example, input);
        return this;
    }

    /**
     * Sets that answers are kept in a bounded memory, and given again for inputs that are the same to the bit, in shape
     * and in what the codec writes, by the same version; by default they are not. Requests for what is being run wait
     * for that run. Each is still a prediction of its own, which is counted and observed.
     *
     * <p>It pays where a run costs much more than some microseconds and inputs come again. Only for models whose answer
     * depends on nothing but the input.
     *
     * @param maxBytes the most memory for what is kept, of all versions together; at least 1 MiB
     */
    public EndpointBuilder<I, O> cache(long maxBytes) {
        cache = once("cache", cache, AnswerStore.Limits.of(maxBytes, null));
        return this;
    }

    /**
     * Sets that answers are kept, as {@link #cache(long)} does, and for how long they are good.
     *
     * @param expiry counted from the run; more than 0
     */
    public EndpointBuilder<I, O> cache(long maxBytes, Duration expiry) {
        Objects.requireNonNull(expiry, "expiry");
        cache = once("cache", cache, AnswerStore.Limits.of(maxBytes, expiry));
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
                name,
                preparation,
                batching,
                clock == null ? InstantSource.system() : clock,
                observer,
                example,
                cache == null ? null : AnswerStore.of(cache),
                maxBatch == null ? BatchProbe.Otherwise.ROW_BY_ROW : BatchProbe.Otherwise.BATCHES);
        int number = version == null ? 0 : version;
        return new Endpoint<>(models, models.load(source, number), key);
    }

    private static <T> T once(String option, @Nullable T before, T now) {
        Objects.requireNonNull(now, option);
        if (before != null) {
            throw new IllegalStateException("option " + option + " is already set, to " + before);
        }
        return now;
    }
}
