package dev.flywheel.serving;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.batch.BatcherStatistics;
import dev.flywheel.serving.batch.Tally;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.OnnxEngine;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model at work in this process; it outlives every version that it serves. Thread-safe. To be closed; one that was
 * forgotten is closed, with a warning in the log, when it is garbage.
 *
 * <p>{@link #predict} runs on the caller's thread whenever a lane is free. When all are taken, requests gather and run
 * together, first come first served; {@link #predictAsync} always lets them gather.
 *
 * @param <I> the type of an input
 * @param <O> the type of an output
 */
public final class Endpoint<I, O> implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Endpoint.class);

    private static final Cleaner CLEANER = Cleaner.create(task -> {
        Thread thread = new Thread(task, "flywheel-serving-cleaner");
        thread.setDaemon(true);
        return thread;
    });

    private final Models<I, O> models;
    private final State<I, O> state;
    private final Cleaner.Cleanable cleanable;

    Endpoint(Models<I, O> models, Models.Loaded<I, O> first) {
        this.models = models;
        this.state = new State<>(models.name(), first);
        this.cleanable = CLEANER.register(this, state);
    }

    /** {@return an endpoint for an ONNX file, to be opened} */
    public static <I, O> EndpointBuilder<I, O> onnx(Path model, Codec<I, O> codec) {
        return new EndpointBuilder<>("endpoint " + model.getFileName(), () -> OnnxEngine.open(model), codec);
    }

    /** {@return an endpoint for a sealed ONNX model, to be opened} */
    public static <I, O> EndpointBuilder<I, O> of(Artifact artifact, Codec<I, O> codec) {
        return new EndpointBuilder<>(
                "endpoint " + artifact.modelFile().getFileName(), () -> OnnxEngine.open(artifact), codec);
    }

    /** {@return an endpoint for a registered ONNX model, to be opened; every byte of it is verified then} */
    public static <I, O> EndpointBuilder<I, O> of(ModelVersion version, Codec<I, O> codec) {
        return new EndpointBuilder<>(
                        "endpoint " + version.directory(), () -> OnnxEngine.open(version.artifact()), codec)
                .version(version.number());
    }

    /** {@return an endpoint for a model in an engine of any kind, to be opened; the endpoint closes the engine} */
    public static <I, O> EndpointBuilder<I, O> of(Engine engine, Codec<I, O> codec) {
        return new EndpointBuilder<>("endpoint " + engine, () -> engine, codec);
    }

    /**
     * {@return the prediction for an input}
     *
     * @throws OverloadedException if all lanes are taken and the queue is full
     * @throws dev.flywheel.core.PredictionException if the model fails on this input; what the codec throws comes as it
     *     is
     * @throws ClosedException if this endpoint is closed
     */
    public Prediction<O> predict(I input) {
        Request<I, O> request = models.request(input);
        try {
            while (true) {
                Models.Loaded<I, O> model = state.current;
                try {
                    return model.batcher().run(request);
                } catch (ClosedException e) {
                    state.rethrowUnlessSwapped(model, e);
                }
            }
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
        Request<I, O> request = models.request(input);
        try {
            submit(request);
        } catch (OverloadedException | ClosedException e) {
            request.completeExceptionally(e);
        }
        return request;
    }

    private void submit(Request<I, O> request) {
        while (true) {
            Models.Loaded<I, O> model = state.current;
            try {
                model.batcher().submit(request);
                return;
            } catch (ClosedException e) {
                state.rethrowUnlessSwapped(model, e);
            }
        }
    }

    /**
     * {@return the predictions for the inputs, in their order} They run in full batches on this thread when a lane is
     * free, and wait with the others when none is. A swap may come between two batches.
     *
     * @throws dev.flywheel.core.PredictionException if any input fails; the message says which
     * @throws OverloadedException if all lanes are taken and the queue is full
     * @throws ClosedException if this endpoint is closed
     */
    public List<Prediction<O>> predictAll(List<? extends I> inputs) {
        List<Prediction<O>> answers = new ArrayList<>(inputs.size());
        int part = models.part();
        try {
            for (int from = 0; from < inputs.size(); from += part) {
                answerPart(inputs.subList(from, Math.min(inputs.size(), from + part)), from, answers);
            }
            return answers;
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void answerPart(List<? extends I> inputs, int first, List<Prediction<O>> answers) {
        while (true) {
            Models.Loaded<I, O> model = state.current;
            try {
                if (!model.batcher().runHere(inputs.size(), lane -> lane.answerAll(inputs, first, answers))) {
                    queueAll(model, inputs, first, answers);
                }
                return;
            } catch (ClosedException e) {
                state.rethrowUnlessSwapped(model, e);
            }
        }
    }

    private void queueAll(Models.Loaded<I, O> model, List<? extends I> inputs, int first, List<Prediction<O>> answers) {
        List<Request<I, O>> requests = new ArrayList<>(inputs.size());
        for (I input : inputs) {
            requests.add(models.request(input));
        }
        model.batcher().runAll(requests);
        for (int i = 0; i < requests.size(); i++) {
            try {
                answers.add(requests.get(i).await());
            } catch (RuntimeException e) {
                throw ModelLane.rejected(first + i, e);
            }
        }
    }

    /**
     * {@return the model's number for every row of a dataset, in its order} Columns are matched by name; other columns
     * are ignored. All rows are scored by the version that serves when the call begins, on this thread and in a lane of
     * its own, so that it holds up nobody; observers and statistics do not hear of it.
     *
     * @throws dev.flywheel.core.ModelFormatException if the model does not name raw columns, or names one that is not
     *     in the dataset or of another type there, or does not give one number for each row
     * @throws ClosedException if this endpoint is closed
     */
    public double[] score(Dataset data) {
        Models.Loaded<I, O> model = state.retain();
        try {
            return DatasetScorer.score(model.engine(), data);
        } finally {
            model.release();
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Serves another ONNX file from now on. It is loaded and proven first; if that fails, nothing changes. Requests
     * that have begun finish on the version that they began on; returns when they have, and the old version is closed.
     *
     * @param version the number of the new version
     * @throws dev.flywheel.core.ModelFormatException if the model cannot be loaded or run, or does not fit the codec
     * @throws ClosedException if this endpoint is closed
     */
    public void swap(Path model, int version) {
        swap(() -> OnnxEngine.open(model), version);
    }

    /** Serves another sealed ONNX model from now on, as {@link #swap(Path, int)} does. */
    public void swap(Artifact artifact, int version) {
        swap(() -> OnnxEngine.open(artifact), version);
    }

    /** Serves another registered ONNX model from now on, after verifying it, as {@link #swap(Path, int)} does. */
    public void swap(ModelVersion version) {
        swap(() -> OnnxEngine.open(version.artifact()), version.number());
    }

    /** Serves a model in an engine of any kind from now on, as {@link #swap(Path, int)} does; closes the engine. */
    public void swap(Engine engine, int version) {
        swap(() -> engine, version);
    }

    private void swap(Supplier<? extends Engine> engine, int version) {
        Models.Loaded<I, O> fresh = models.load(engine, version);
        state.swap(fresh);
        log.debug("{} now serves version {}", models.name(), version);
    }

    /** {@return the number of the version that serves new requests} */
    public int version() {
        return state.current.version();
    }

    /** {@return what was served since the endpoint opened} */
    public BatcherStatistics statistics() {
        return state.statistics();
    }

    /** Refuses new requests, answers those that wait, and returns when the model is closed. */
    @Override
    public void close() {
        state.owned = true;
        cleanable.clean();
    }

    @Override
    public String toString() {
        return models.name() + ", version " + version();
    }

    /** What has to be closed; it does not know the endpoint, so that a forgotten endpoint becomes garbage. */
    private static final class State<I, O> implements Runnable {

        private final String name;
        private final Tally ended = new Tally();
        volatile Models.Loaded<I, O> current;
        private Models.@Nullable Loaded<I, O> ending;
        private volatile boolean closed;
        volatile boolean owned;

        State(String name, Models.Loaded<I, O> first) {
            this.name = name;
            this.current = first;
        }

        /** Returns where the version that refused a request is no longer the current one. */
        void rethrowUnlessSwapped(Models.Loaded<I, O> refused, ClosedException e) {
            if (refused == current || !refused.batcher().isClosed()) {
                throw e;
            }
        }

        BatcherStatistics statistics() {
            Tally total = new Tally();
            synchronized (ended) {
                total.add(ended);
                if (ending != null) {
                    ending.batcher().count(total);
                }
                current.batcher().count(total);
                return total.statistics(current.batcher().queued());
            }
        }

        Models.Loaded<I, O> retain() {
            while (true) {
                Models.Loaded<I, O> loaded = current;
                if (loaded.retain()) {
                    return loaded;
                }
                if (loaded == current) {
                    throw new ClosedException(
                            name + " refused to score a dataset", "it is closed", "keep it open until then");
                }
            }
        }

        synchronized void swap(Models.Loaded<I, O> fresh) {
            if (closed) {
                fresh.close();
                throw new ClosedException(name + " refused a new version", "it is closed", "keep it open until then");
            }
            Models.Loaded<I, O> old = current;
            synchronized (ended) {
                ending = old;
                current = fresh;
            }
            old.close();
            synchronized (ended) {
                ending = null;
                old.batcher().count(ended);
            }
        }

        @Override
        public synchronized void run() {
            if (!owned) {
                log.warn("{} was forgotten and is closed now. Fix: close it, best in a try-with-resources", name);
            }
            closed = true;
            current.close();
        }
    }
}
