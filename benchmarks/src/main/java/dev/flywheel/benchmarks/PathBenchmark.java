package dev.flywheel.benchmarks;

import ai.onnxruntime.OrtException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/** Every part of a request's way, on the small model, beside ONNX Runtime by hand. Nanoseconds a request. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PathBenchmark {

    static final int LIST = 64;
    static final int WINDOW = 256;

    /** What all callers share. */
    @State(Scope.Benchmark)
    public static class Served {

        final Path model = SmallMlp.write();
        final float[][] rows = SmallMlp.rows(LIST);
        final List<float[]> list = List.of(rows);
        final Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(model, Tensors.floats()).open();
        final PredictionIds ids = new PredictionIds(InstantSource.system());
        final ExecutorService other = Executors.newSingleThreadExecutor();

        /** Closes it. */
        @TearDown(Level.Trial)
        public void close() {
            endpoint.close();
            other.shutdown();
        }
    }

    /** What each caller has for itself. */
    @State(Scope.Thread)
    public static class Own {

        final Path model = SmallMlp.write();
        final float[][] rows = SmallMlp.rows(LIST);
        final List<float[]> list = List.of(rows);
        final BareLane bare = BareLane.open(model, WINDOW);
        final OnnxEngine engine = OnnxEngine.open(model);
        final Lane lane = engine.newLane(WINDOW);
        final Codec.Binding<float[], float[]> binding = Tensors.floats().bind(lane);
        final UUID[] ids = new UUID[LIST];
        final CompletableFuture<?>[] window = new CompletableFuture<?>[WINDOW];

        /** Closes them. */
        @TearDown(Level.Trial)
        public void close() throws OrtException {
            lane.close();
            engine.close();
            bare.close();
        }
    }

    /** The rows of a run. */
    @State(Scope.Benchmark)
    public static class Size {

        /** How many. */
        @Param({"1", "8", "64", "256"})
        public int rows;
    }

    /** One input, one caller. */
    @Benchmark
    public float[] predict1(Served served) {
        return served.endpoint.predict(served.rows[0]).value();
    }

    /** One input each, eight callers. */
    @Benchmark
    @Threads(8)
    public float[] predict8(Served served) {
        return served.endpoint.predict(served.rows[0]).value();
    }

    /** One input by hand, with its answer as an array. */
    @Benchmark
    public float[] bare1(Own own) throws OrtException {
        return own.bare.run(own.rows[0]);
    }

    /** One input each by hand, eight callers with a lane each. */
    @Benchmark
    @Threads(8)
    public float[] bare8(Own own) throws OrtException {
        return own.bare.run(own.rows[0]);
    }

    /** A list of 64. */
    @Benchmark
    @OperationsPerInvocation(LIST)
    public List<Prediction<float[]>> predictAll64(Served served) {
        return served.endpoint.predictAll(served.list);
    }

    /** A list of 64 by hand. */
    @Benchmark
    @OperationsPerInvocation(LIST)
    public List<float[]> bareAll64(Own own) throws OrtException {
        return own.bare.run(own.list);
    }

    /** 256 requests in flight, all awaited. */
    @Benchmark
    @OperationsPerInvocation(WINDOW)
    public Object predictAsync256(Served served, Own own) {
        for (int i = 0; i < WINDOW; i++) {
            own.window[i] = served.endpoint.predictAsync(served.rows[i % LIST]);
        }
        return CompletableFuture.allOf(own.window).join();
    }

    /** A run of our lane. */
    @Benchmark
    public Lane laneRun(Own own, Size size) {
        own.lane.run(size.rows);
        return own.lane;
    }

    /** A run by hand. */
    @Benchmark
    public BareLane bareRun(Own own, Size size) throws OrtException {
        own.bare.run(size.rows);
        return own.bare;
    }

    /** 64 inputs copied into a lane by the codec. */
    @Benchmark
    @OperationsPerInvocation(LIST)
    public Lane codecWrite(Own own) {
        for (int i = 0; i < LIST; i++) {
            own.binding.write(own.rows[i], i);
        }
        return own.lane;
    }

    /** 64 inputs copied into a lane by hand. */
    @Benchmark
    @OperationsPerInvocation(LIST)
    public BareLane bareWrite(Own own) {
        for (int i = 0; i < LIST; i++) {
            own.bare.write(i, own.rows[i]);
        }
        return own.bare;
    }

    /** An answer read by the codec. */
    @Benchmark
    public float[] codecRead(Own own) {
        return own.binding.read(0);
    }

    /** One prediction id. */
    @Benchmark
    public UUID id(Served served) {
        return served.ids.next();
    }

    /** The ids of a batch of 64. */
    @Benchmark
    @OperationsPerInvocation(LIST)
    public UUID[] ids64(Served served, Own own) {
        served.ids.next(own.ids, LIST);
        return own.ids;
    }

    /** To another thread and back: what a blocking caller pays who does not run by himself. */
    @Benchmark
    public Object handOff(Served served) {
        CompletableFuture<Object> answer = new CompletableFuture<>();
        served.other.execute(() -> answer.complete(answer));
        return answer.join();
    }
}
