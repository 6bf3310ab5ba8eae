package dev.flywheel.serving;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.monitor.EndpointSnapshot;
import dev.flywheel.serving.monitor.ShadowReport;
import dev.flywheel.serving.route.Route;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A model at work in this process; it outlives every version that it serves. Thread-safe. To be closed; one that was
 * forgotten is closed, with a warning in the log, when it is garbage.
 *
 * <p>{@link #predict} runs on the caller's thread whenever a lane is free. When all are taken, requests gather and run
 * together, first come first served; {@link #predictAsync} always lets them gather.
 *
 * <p>One version, the champion, answers everything, until versions are {@linkplain #add added} and a {@linkplain #route
 * route} spreads the requests over them. A request is answered by the version that it began on, whatever changes
 * meanwhile, and its prediction names that version. Codecs and observers run inside of requests and must not call the
 * endpoint.
 *
 * @param <I> the type of an input
 * @param <O> the type of an output
 */
public final class Endpoint<I, O> implements AutoCloseable {

    private static final Cleaner CLEANER = Cleaner.create(task -> {
        Thread thread = new Thread(task, "flywheel-serving-cleaner");
        thread.setDaemon(true);
        return thread;
    });

    private final Models<I, O> models;
    private final Roster<I, O> roster;
    private final Versions<I, O> versions;
    private final Dispatch<I, O> dispatch;
    private final Cleaner.Cleanable cleanable;

    Endpoint(Models<I, O> models, Loaded<I, O> first, @Nullable Function<? super I, @Nullable String> key) {
        this.models = models;
        this.roster = new Roster<>(models, first);
        this.versions = new Versions<>(models, roster);
        this.dispatch = new Dispatch<>(models, roster, key);
        this.cleanable = CLEANER.register(this, versions);
    }

    /**
     * {@return an endpoint for an ONNX file, to be opened} It runs as {@link OnnxEngine} does by default. For threads,
     * execution providers such as CUDA, or a directory of optimised models, open the engine with options of your own
     * and give that to the endpoint: {@code Endpoint.of(OnnxEngine.open(model, options), codec)}.
     */
    public static <I, O> EndpointBuilder<I, O> onnx(Path model, Codec<I, O> codec) {
        return new EndpointBuilder<>("endpoint " + model.getFileName(), ModelSource.of(model), codec);
    }

    /** {@return an endpoint for a sealed model, ONNX or TorchScript, to be opened} */
    public static <I, O> EndpointBuilder<I, O> of(Artifact artifact, Codec<I, O> codec) {
        return new EndpointBuilder<>("endpoint " + artifact.modelFile().getFileName(), ModelSource.of(artifact), codec);
    }

    /**
     * {@return an endpoint for a registered model, ONNX or TorchScript, to be opened; every byte of it is verified
     * then}
     */
    public static <I, O> EndpointBuilder<I, O> of(ModelVersion version, Codec<I, O> codec) {
        return new EndpointBuilder<>("endpoint " + version.directory(), ModelSource.of(version), codec)
                .version(version.number());
    }

    /** {@return an endpoint for a model in an engine of any kind, to be opened; the endpoint closes the engine} */
    public static <I, O> EndpointBuilder<I, O> of(Engine engine, Codec<I, O> codec) {
        return new EndpointBuilder<>("endpoint " + engine, ModelSource.of(engine), codec);
    }

    /**
     * {@return the prediction for an input}
     *
     * @throws OverloadedException if all lanes are taken and the queue is full
     * @throws dev.flywheel.core.DeadlineException if the endpoint has a deadline and it passes before the answer; but
     *     what runs on this thread is answered, late or not
     * @throws dev.flywheel.core.PredictionException if the model fails on this input; what the codec throws comes as it
     *     is
     * @throws ClosedException if this endpoint is closed
     */
    public Prediction<O> predict(I input) {
        return predict(input, CallOptions.none());
    }

    /** {@return the prediction for an input, as {@link #predict(Object)} gives it} */
    public Prediction<O> predict(I input, CallOptions options) {
        try {
            return dispatch.run(models.ask(input), options);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * {@return the future of the prediction for an input} It ends exceptionally with what {@link #predict} would throw.
     * Cancelling it before its turn saves the run. What depends on it runs on the thread that made the prediction, so
     * let long work go elsewhere ({@code thenApplyAsync}).
     */
    public CompletableFuture<Prediction<O>> predictAsync(I input) {
        return predictAsync(input, CallOptions.none());
    }

    /** {@return the future of the prediction for an input, as {@link #predictAsync(Object)} gives it} */
    public CompletableFuture<Prediction<O>> predictAsync(I input, CallOptions options) {
        Request<I, O> request = models.request(models.ask(input), options);
        try {
            dispatch.submit(request);
        } catch (OverloadedException | ClosedException e) {
            request.completeExceptionally(e);
        }
        return request;
    }

    /**
     * {@return the predictions for the inputs, in their order} A list that makes one run, or many short ones, runs on
     * this thread when a lane is free. A longer list of a slower model, and inputs that differ in length such as texts,
     * wait in the queue, up to 256 at a time: there those of like length run together, in all lanes. A swap may come
     * between two such parts.
     *
     * @throws dev.flywheel.core.PredictionException if any input fails; the message says which
     * @throws OverloadedException if all lanes are taken and the queue is full
     * @throws ClosedException if this endpoint is closed
     */
    public List<Prediction<O>> predictAll(List<? extends I> inputs) {
        return predictAll(inputs, CallOptions.none());
    }

    /**
     * {@return the predictions for the inputs, as {@link #predictAll(List)} gives them}
     *
     * @param options a key is that of all inputs; a deadline is for the whole list
     * @throws dev.flywheel.core.DeadlineException if the deadline passes before the last batch begins
     */
    public List<Prediction<O>> predictAll(List<? extends I> inputs, CallOptions options) {
        try {
            return dispatch.runAll(inputs, Objects.requireNonNull(options, "options"));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * {@return the model's numbers for every row of a dataset, in its order: one each, or one for each class} Columns
     * are matched by name; other columns are ignored. All rows are scored by the champion of the moment when the call
     * begins, on this thread and in a lane of its own, so that it holds up nobody; observers and snapshots do not hear
     * of it.
     *
     * @throws dev.flywheel.core.ModelFormatException if the model does not name raw columns, or names one that is not
     *     in the dataset or of another type there, or gives no numbers
     * @throws ClosedException if this endpoint is closed
     */
    public double[] score(Dataset data) {
        Loaded<I, O> version = roster.retainChampion();
        try {
            return DatasetScorer.score(version.engine(), data);
        } finally {
            version.release();
            Reference.reachabilityFence(this);
        }
    }

    /**
     * {@return a version's numbers for each row, in their order: one each, or one for each class} Columns are matched
     * by name; other columns are ignored. As {@link #score(Dataset)}, this runs on this thread and in a lane of its
     * own, and nobody hears of it.
     *
     * @param version the number of a loaded version
     * @param rows rows of one schema; each is read once, in order, before the next is asked for
     * @throws IllegalArgumentException if no version of this number is loaded
     * @throws dev.flywheel.core.ModelFormatException if the model does not name raw columns, or names one that is not
     *     in the rows or of another type there, or gives no numbers
     * @throws ClosedException if this endpoint is closed
     */
    public double[] score(int version, List<? extends RowReader> rows) {
        Loaded<I, O> loaded = roster.retain(version);
        try {
            return RowScorer.score(loaded.engine(), rows);
        } finally {
            loaded.release();
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Serves another ONNX file from now on, and nothing else: a route ends. The file is loaded and proven first; if
     * that fails, nothing changes. Requests that have begun finish on the version that they began on; returns when they
     * have, and the old champion is closed.
     *
     * @param version the number of the new version; that of the champion, or of none that is loaded
     * @throws dev.flywheel.core.ModelFormatException if the model cannot be loaded or run, or does not fit the codec
     * @throws IllegalArgumentException if another version of this number is loaded
     * @throws ClosedException if this endpoint is closed
     */
    public void swap(Path model, int version) {
        versions.swap(ModelSource.of(model), version);
    }

    /** Serves another sealed model from now on, as {@link #swap(Path, int)} does. */
    public void swap(Artifact artifact, int version) {
        versions.swap(ModelSource.of(artifact), version);
    }

    /** Serves another registered model from now on, after verifying it, as {@link #swap(Path, int)} does. */
    public void swap(ModelVersion version) {
        versions.swap(ModelSource.of(version), version.number());
    }

    /** Serves a model in an engine of any kind from now on, as {@link #swap(Path, int)} does; closes the engine. */
    public void swap(Engine engine, int version) {
        versions.swap(ModelSource.of(engine), version);
    }

    /**
     * Loads and proves another ONNX file beside those that are loaded. It takes no requests before a {@link #route} or
     * {@link #promote} says so.
     *
     * @param version the number of the new version
     * @throws dev.flywheel.core.ModelFormatException if the model cannot be loaded or run, or does not fit the codec
     * @throws IllegalArgumentException if a version of this number is loaded
     * @throws ClosedException if this endpoint is closed
     */
    public void add(Path model, int version) {
        versions.add(ModelSource.of(model), version);
    }

    /** Loads another sealed model, as {@link #add(Path, int)} does. */
    public void add(Artifact artifact, int version) {
        versions.add(ModelSource.of(artifact), version);
    }

    /** Loads another registered model, after verifying it, as {@link #add(Path, int)} does. */
    public void add(ModelVersion version) {
        versions.add(ModelSource.of(version), version.number());
    }

    /** Adds a model in an engine of any kind, as {@link #add(Path, int)} does; the endpoint closes the engine. */
    public void add(Engine engine, int version) {
        versions.add(ModelSource.of(engine), version);
    }

    /**
     * Spreads the requests over loaded versions, from the next request on.
     *
     * @throws IllegalArgumentException if the route names a version that is not loaded
     * @throws ClosedException if this endpoint is closed
     */
    public void route(Route route) {
        versions.route(Objects.requireNonNull(route, "route"));
    }

    /**
     * Makes a loaded version the champion, which answers everything from the next request on: a route ends. The old
     * champion stays loaded, so that {@link #rollback} is instantaneous, until it is {@linkplain #remove removed}.
     *
     * @throws IllegalArgumentException if no version of this number is loaded
     * @throws ClosedException if this endpoint is closed
     */
    public void promote(int version) {
        versions.promote(version);
    }

    /** Copies every request of the champion to a loaded version, as {@link #shadow(int, double)} does. */
    public void shadow(int version) {
        shadow(version, 1);
    }

    /**
     * Runs copies of the champion's requests on a loaded version too and compares the answers, which nobody gets; in
     * place of an earlier shadow. When another version becomes champion, its requests are copied from then on and
     * counted anew; when the shadow itself does, it ends.
     *
     * <p>Only spare capacity is used: copies wait in a short queue, and none is made while that is full; one thread
     * runs them, when no requests wait, for a tenth of the time at most on average, a fiftieth with two processors, and
     * for 0.3% while the champion uses every processor. So of many requests only a sample is copied. Answers from the
     * cache are copied too. Inputs that are arrays of numbers are cloned; others must not be changed after the call.
     *
     * @param share of the requests to copy, more than 0, at most 1
     * @throws IllegalArgumentException if no version of this number is loaded, or it is the champion
     * @throws ClosedException if this endpoint is closed
     */
    public void shadow(int version, double share) {
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException("a share must be more than 0 and at most 1, found " + share);
        }
        versions.shadow(version, share);
    }

    /** Stops copying requests; without a shadow, does nothing. */
    public void endShadow() {
        versions.shadows().end();
    }

    /** {@return what the shadow has found so far, or the last one when it ended; empty if there was none} */
    public Optional<ShadowReport> shadowReport() {
        return versions.shadows().report();
    }

    /**
     * Closes a loaded version; returns when the requests that began on it are answered.
     *
     * @throws IllegalArgumentException if no version of this number is loaded
     * @throws IllegalStateException if it is the champion, in the route or the shadow
     * @throws ClosedException if this endpoint is closed
     */
    public void remove(int version) {
        versions.remove(version);
    }

    /**
     * Undoes the last {@link #swap}, {@link #promote} or {@link #route} that was not undone yet: when it returns, the
     * next request is answered as before that. At most 100 changes are undone, by as many calls.
     *
     * <p>Instantaneous where what served before is still loaded. A swap has closed the version that it replaced, for
     * two of a large model may not fit into memory: that version is loaded again from where it came from, which takes
     * as long as it took before, and is verified to be the same (a plain file by size, time and identity). If that
     * fails, nothing changes.
     *
     * @throws IllegalStateException if there is nothing to undo, or the version came as an engine and is closed
     * @throws dev.flywheel.core.ModelFormatException if the version is not there any more, or has changed
     * @throws ClosedException if this endpoint is closed
     */
    public void rollback() {
        versions.rollback();
    }

    /** {@return the number of the champion} */
    public int version() {
        return roster.traffic().champion().version();
    }

    /** {@return the numbers of all loaded versions, in ascending order} */
    public List<Integer> versions() {
        return roster.loaded().stream().map(Loaded::version).toList();
    }

    /** {@return how requests are spread} */
    public Route route() {
        return roster.traffic().route();
    }

    /**
     * {@return what was served since the endpoint opened, and how it is now} For the figures of a time take one before
     * and one after, and subtract: {@code after.since(before)}.
     */
    public EndpointSnapshot snapshot() {
        return roster.snapshot(versions.shadows().report().orElse(null));
    }

    /** Refuses new requests, answers those that wait, and returns when every version is closed. */
    @Override
    public void close() {
        versions.close(null);
        cleanable.clean();
    }

    /**
     * Closes as {@link #close()} does, but is patient for so long only: then what still waits fails with a
     * {@link ClosedException}, and runs that are under way are asked to end.
     */
    public void close(Duration patience) {
        versions.close(Objects.requireNonNull(patience, "patience"));
        cleanable.clean();
    }

    @Override
    public String toString() {
        return models.name() + ", version " + version();
    }
}
