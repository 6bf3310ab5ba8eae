package dev.flywheel.serving;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.device.Device;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.batch.BatchOptions;
import dev.flywheel.serving.batch.Batcher;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes engines ready to serve: lanes, bound codecs, a proving run, a probe of their batches. Thread-safe. */
final class Models<I, O> {

    /**
     * The rows of a run where they are small: a run of a small network, 1.8 us and 0.026 us a row, then is mostly rows.
     */
    private static final int SMALL_ROWS = 256;

    private static final long SMALL_ELEMENTS = 256;

    /**
     * Batches that overlap on a GPU, where the rows of one travel while another computes and a third is packed. Each
     * has a stream of its own there, with some tens of MiB.
     */
    private static final int GPU_LANES = 3;

    /** A run is measured until it has been run so often, or for so long. */
    private static final int MEASURED_RUNS = 5;

    private static final long MEASURED_NANOS = 200_000_000;

    /** As many of a list as a run of small rows takes, and as are cut into batches of like length together. */
    private static final int PART = 256;

    private static final Logger log = LoggerFactory.getLogger(Models.class);

    private final String name;
    private final Preparation<I, O> preparation;
    private final BatchOptions options;
    private final InstantSource clock;
    private final PredictionIds ids;
    private final Observation<I> observation;
    private final List<I> examples;
    private final BatchProbe.Otherwise otherwise;
    private final @Nullable AnswerStore store;

    Models(
            String name,
            Preparation<I, O> preparation,
            BatchOptions options,
            InstantSource clock,
            @Nullable PredictionObserver<? super I> observer,
            @Nullable I example,
            @Nullable AnswerStore store,
            BatchProbe.Otherwise otherwise) {
        this.name = name;
        this.preparation = preparation;
        this.options = options;
        this.clock = clock;
        this.ids = new PredictionIds(clock);
        this.observation = new Observation<>(name, observer);
        List<I> inputs = new ArrayList<>(preparation.examples());
        if (example != null) {
            inputs.add(0, example);
        }
        this.examples = List.copyOf(inputs);
        this.otherwise = otherwise;
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

    /** {@return what the caller asks, ready to be written} */
    Ask<I> ask(I input) {
        return preparation.ask(input);
    }

    /** {@return what the caller asks, prepared together; empty if inputs are prepared one by one} */
    List<Ask<I>> together(List<? extends I> inputs) {
        return preparation.together(inputs);
    }

    /** {@return what waits for the answer to what is asked} */
    Request<I, O> request(Ask<I> ask, CallOptions options) {
        return caches() ? new CachedRequest<>(ask, options) : new Request<>(ask, options);
    }

    /** {@return the most requests of a list that are looked at together: they fit the queue} */
    int part() {
        return Math.min(Math.max(PART, options.maxRows()), options.queueCapacity());
    }

    /** {@return the model, proven and ready; if that fails, its engine is closed} */
    Loaded<I, O> load(ModelSource source, int version) {
        return load(source, source.open(), version);
    }

    /** {@return a model that was loaded before, as {@link #load} does} */
    Loaded<I, O> reload(ModelSource source, int version) {
        return load(source, source.reopen(), version);
    }

    /** How many requests wait for a version, for its lanes, which are there before its queue. Thread-safe. */
    private static final class Waiting implements IntSupplier {

        volatile IntSupplier counted = () -> 0;

        @Override
        public int getAsInt() {
            return counted.getAsInt();
        }
    }

    private Loaded<I, O> load(ModelSource source, Engine engine, int version) {
        Waiting waiting = new Waiting();
        ShadowHook<I, O> hook = new ShadowHook<>();
        ModelLane<I, O> first = null;
        AnswerReaders<O> readers = null;
        try {
            BatchOptions roomy = roomy(engine, version);
            first = lane(engine, version, roomy, waiting, hook);
            prove(engine, first);
            BatchOptions used = batching(engine, first, version, roomy);
            if (used != roomy) {
                ModelLane<I, O> wide = first;
                first = null;
                wide.close();
                first = lane(engine, version, used, waiting, hook);
            }
            int rows = first.maxRows();
            readers = store == null ? null : new AnswerReaders<>(() -> new AnswerReader<>(engine, preparation));
            Batcher<Prediction<O>, Request<I, O>, ModelLane<I, O>> batcher =
                    new Batcher<>(name, used, first, () -> lane(engine, version, used, waiting, hook));
            waiting.counted = batcher::queued;
            ResponseCache<I, O> cache = store == null || readers == null
                    ? null
                    : new ResponseCache<>(name, used, store, batcher, readers, ids, observation, hook, version);
            return new Loaded<>(name, source, engine, batcher, cache, version, rows, hook, clock.instant());
        } catch (RuntimeException | Error e) {
            if (readers != null) {
                closeAfter(e, readers);
            }
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

    /** {@return the options for a model, by what company does to its rows} */
    private BatchOptions batching(Engine engine, ModelLane<I, O> lane, int version, BatchOptions roomy) {
        BatchProbe<I, O> probe = lane.probe(examples);
        OptionalDouble deviation = probe.measure();
        boolean alone = otherwise == BatchProbe.Otherwise.ROW_BY_ROW;
        double limit = onGpu(engine) ? BatchProbe.GPU_LIMIT : BatchProbe.LIMIT;
        if (deviation.isEmpty() || deviation.getAsDouble() <= limit) {
            return roomy;
        }
        log.warn(
                "{}, version {}: {} answers an input differently when others run with it: in a batch of {} rows its "
                        + "numbers differ by up to {} of the largest (at most {} is noise), as those of dynamically "
                        + "quantised models do. {}",
                name,
                version,
                engine,
                probe.rows(),
                String.format(Locale.ROOT, "%.2g", deviation.getAsDouble()),
                limit,
                alone
                        ? "It is served row by row. Set maxBatch(...) to run it in batches all the same"
                        : "It is served in batches because maxBatch(...) is set, so answers depend on the load");
        return alone ? options.maxRows(1) : roomy;
    }

    private BatchOptions roomy(Engine engine, int version) {
        boolean unset = otherwise == BatchProbe.Otherwise.ROW_BY_ROW;
        if (onGpu(engine)) {
            BatchOptions overlapping = options.lanes() > 0 ? options : options.lanes(GPU_LANES);
            long elements = elements(engine.signature(), BatchSize.ELEMENTS);
            // What rows of a free size take is known only when they are there.
            boolean sized = elements <= BatchSize.ELEMENTS;
            return unset && sized ? overlapping.maxRows(gpuRows(engine, version, elements)) : overlapping;
        }
        return unset && elements(engine.signature(), SMALL_ELEMENTS) <= SMALL_ELEMENTS
                ? options.maxRows(SMALL_ROWS)
                : options;
    }

    private static boolean onGpu(Engine engine) {
        return engine.device().kind() == Device.Kind.CUDA;
    }

    private int gpuRows(Engine engine, int version, long elements) {
        long memory = Runtime.getRuntime().maxMemory(); // lanes lie beside the heap, where Java allows as much again
        int most = BatchSize.most(elements, memory / GPU_LANES);
        int rows = BatchSize.best(most, tried -> runNanos(engine, version, tried));
        log.debug("{}, version {}: runs of up to {} rows pay on {}", name, version, rows, engine.device());
        return rows;
    }

    /** {@return the least time of a run of so many rows; 0 if the model takes no such run} */
    private long runNanos(Engine engine, int version, int rows) {
        try (ModelLane<I, O> lane = lane(engine, version, options.maxRows(rows), () -> 0, new ShadowHook<>())) {
            if (lane.maxRows() != rows || lane.rehearse(rows) == 0) {
                return 0;
            }
            long best = Long.MAX_VALUE;
            long began = System.nanoTime();
            long ended = began;
            for (int runs = 0; runs < MEASURED_RUNS && ended - began < MEASURED_NANOS; runs++) {
                long started = System.nanoTime();
                int unused = lane.rehearse(rows);
                ended = System.nanoTime();
                best = Math.min(best, Math.max(1, ended - started));
            }
            return best;
        } catch (FactoryException e) {
            log.debug("{}, version {}: no run of {} rows", name, version, rows, e);
            return 0;
        }
    }

    /** {@return the elements of a row and its answer; more than {@code most} where a row has no fixed size} */
    private static long elements(Signature signature, long most) {
        long elements = 0;
        for (List<TensorSpec> tensors : List.of(signature.inputs(), signature.outputs())) {
            for (TensorSpec tensor : tensors) {
                long size = 1;
                for (int i = 1; i < tensor.shape().size(); i++) {
                    long dimension = tensor.shape().get(i);
                    size = dimension < 1 ? most + 1 : size * Math.min(dimension, most + 1);
                }
                elements += Math.min(size, most + 1);
            }
        }
        return elements;
    }

    /** {@return a shadow that takes copies of the champion's requests to the target, to be started} */
    Shadow<I, O> shadow(Loaded<I, O> champion, Loaded<I, O> target, double share) {
        if (!target.retain()) {
            throw new IllegalStateException(
                    "version " + target.version() + " of " + name + " is closed and cannot be a shadow");
        }
        try {
            BatchOptions single = options.maxRows(1);
            ModelLane<I, O> lane = lane(target.engine(), target.version(), single, () -> 0, new ShadowHook<>());
            return new Shadow<>(name, champion, target, lane, share);
        } catch (RuntimeException | Error e) {
            target.release();
            throw e;
        }
    }

    private ModelLane<I, O> lane(
            Engine engine, int version, BatchOptions used, IntSupplier queued, ShadowHook<I, O> hook) {
        Lane lane = engine.newLane(used.maxRows());
        try {
            return new ModelLane<>(preparation, lane, version, ids, observation, queued, hook);
        } catch (RuntimeException | Error e) {
            closeAfter(e, lane);
            throw e;
        }
    }

    private void prove(Engine engine, ModelLane<I, O> lane) {
        try {
            lane.warmUp(examples.isEmpty() ? null : examples.get(0));
        } catch (RuntimeException e) {
            throw new ModelFormatException(
                    engine + " cannot serve",
                    "its proving run, on " + (examples.isEmpty() ? "zeros and empty strings" : "an example input")
                            + ", failed (" + (e instanceof FactoryException ? e.getMessage() : e) + ")",
                    "give warmUp(...) an input that the model takes, or export the model again",
                    e);
        }
    }
}
