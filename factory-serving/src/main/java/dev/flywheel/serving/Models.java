package dev.flywheel.serving;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Makes engines ready to serve: lanes, bound codecs, one proving run. Thread-safe. */
final class Models<I, O> {

    private final String name;
    private final Codec<I, O> codec;
    private final int lanes;
    private final int maxBatch;
    private final PredictionIds ids;
    private final Observation<I> observation;
    private final @Nullable I example;

    Models(
            String name,
            Codec<I, O> codec,
            int lanes,
            int maxBatch,
            InstantSource clock,
            @Nullable PredictionObserver<? super I> observer,
            @Nullable I example) {
        this.name = name;
        this.codec = codec;
        this.lanes = lanes;
        this.maxBatch = maxBatch;
        this.ids = new PredictionIds(clock);
        this.observation = new Observation<>(name, observer);
        this.example = example;
    }

    String name() {
        return name;
    }

    int maxBatch() {
        return maxBatch;
    }

    /** {@return the engine's model, proven and ready; if that fails, the engine is closed} */
    Loaded<I, O> load(Supplier<? extends Engine> source, int version) {
        Engine engine = source.get();
        List<ModelLane<I, O>> made = new ArrayList<>();
        try {
            for (int i = 0; i < lanes; i++) {
                made.add(lane(engine, version));
            }
            prove(engine, made.get(0));
            return new Loaded<>(engine, made, version);
        } catch (RuntimeException | Error e) {
            made.forEach(ModelLane::close);
            engine.close();
            throw e;
        }
    }

    private ModelLane<I, O> lane(Engine engine, int version) {
        Lane lane = engine.newLane(maxBatch);
        try {
            return new ModelLane<>(lane, codec.bind(lane), version, ids, observation);
        } catch (RuntimeException | Error e) {
            lane.close();
            throw e;
        }
    }

    private void prove(Engine engine, ModelLane<I, O> lane) {
        try {
            lane.warmUp(example);
        } catch (RuntimeException e) {
            throw new ModelFormatException(
                    engine + " cannot serve",
                    "its proving run, on " + (example == null ? "zeros and empty strings" : "the warmUp input")
                            + ", failed (" + (e instanceof FactoryException ? e.getMessage() : e) + ")",
                    "give warmUp(...) an input that the model takes, or export the model again",
                    e);
        }
    }

    /** One version, loaded. Its engine is closed when the last who uses it lets go. Thread-safe. */
    static final class Loaded<I, O> {

        private final Engine engine;
        private final List<ModelLane<I, O>> lanes;
        private final int version;
        private final AtomicInteger users = new AtomicInteger(1);

        private Loaded(Engine engine, List<ModelLane<I, O>> lanes, int version) {
            this.engine = engine;
            this.lanes = lanes;
            this.version = version;
        }

        Engine engine() {
            return engine;
        }

        List<ModelLane<I, O>> lanes() {
            return lanes;
        }

        int version() {
            return version;
        }

        /** {@return whether it is still open, and stays so until {@link #release}} */
        boolean retain() {
            return users.getAndUpdate(n -> n == 0 ? 0 : n + 1) > 0;
        }

        void release() {
            if (users.decrementAndGet() == 0) {
                engine.close();
            }
        }
    }
}
