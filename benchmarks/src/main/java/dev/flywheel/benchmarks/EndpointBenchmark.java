package dev.flywheel.benchmarks;

import ai.onnxruntime.OrtException;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** An endpoint with a small model beside ONNX Runtime by hand. */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EndpointBenchmark {

    static final int BATCH = 64;

    /** What all callers share. */
    @State(Scope.Benchmark)
    public static class Served {

        final float[][] rows = SmallMlp.rows(BATCH);
        final List<float[]> list = List.of(rows);
        final Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(SmallMlp.write(), Tensors.floats()).open();

        /** Closes it. */
        @TearDown(Level.Trial)
        public void close() {
            endpoint.close();
        }
    }

    /** What each caller of the limit has for itself. */
    @State(Scope.Thread)
    public static class Bare {

        final float[][] rows = SmallMlp.rows(BATCH);
        final BareLane one = BareLane.open(SmallMlp.write(), 1);
        final BareLane batch = BareLane.open(SmallMlp.write(), BATCH);

        /** Closes them. */
        @TearDown(Level.Trial)
        public void close() throws OrtException {
            one.close();
            batch.close();
        }
    }

    /** One input, one caller. */
    @Benchmark
    public float[] predict(Served served) {
        return served.endpoint.predict(served.rows[0]).value();
    }

    /** One input, one caller, by hand. */
    @Benchmark
    public float[] bare(Bare bare) throws OrtException {
        return bare.one.run(bare.rows[0]);
    }

    /** Lists of 64 inputs. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public List<Prediction<float[]>> predictAll(Served served) {
        return served.endpoint.predictAll(served.list);
    }

    /** Batches of 64 packed by hand. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public float[] bareBatch(Bare bare) throws OrtException {
        return bare.batch.run(bare.rows);
    }
}
