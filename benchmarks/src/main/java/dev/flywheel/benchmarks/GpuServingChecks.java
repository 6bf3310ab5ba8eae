package dev.flywheel.benchmarks;

import dev.flywheel.benchmarks.GpuFindings.Notes;
import dev.flywheel.benchmarks.GpuModels.Model;
import dev.flywheel.benchmarks.GpuModels.Width;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import dev.flywheel.serving.engine.CudaOptions;
import dev.flywheel.serving.engine.CudaOptions.Precision;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import dev.flywheel.serving.engine.OnnxOptions;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** What models give on a GPU, and how fast. Not thread-safe. */
final class GpuServingChecks {

    private static final int ROWS = 32;
    private static final int CALLERS = 16;

    private final GpuBench bench;

    GpuServingChecks(GpuBench bench) {
        this.bench = bench;
    }

    void run(GpuFindings findings) {
        findings.check(
                "G4 answers are the CPU's",
                "apart, of the largest: < 1e-3 float32, < 5e-3 TF32, < 1e-2 float16; no NaN",
                this::right);
        findings.check("G5 no node on the CPU", "every model loads with all nodes on the GPU", this::whole);
        findings.check(
                "G6 rows a second of the large MLP (M1)",
                ">= 0.6 of the measured matmul rate and >= 0.9 x torch eager with its transfers",
                this::large);
        findings.check(
                "G6 rows a second of the transformer", ">= 0.9 x torch eager with its transfers", this::transformer);
        findings.check(
                "G7 rows a second of the small MLP (M2)",
                ">= 0.5 of the rate of pinned copies to the GPU",
                this::small);
        findings.check("G8 a single row", "p50 < 0.3 ms alone; under load recorded", this::latency);
    }

    /** A model in one precision or another. */
    @FunctionalInterface
    private interface Made {
        Model of(Width width);
    }

    private List<Made> kinds() {
        return bench.onGpu()
                ? List.of(
                        width -> GpuModels.mlp(width, 1024, 4096, 4096, 4096, 16),
                        width -> GpuModels.mlp(width, 64, 256, 256, 16),
                        width -> GpuModels.cnn(width, 32, 32),
                        width -> GpuModels.transformer(width, 64, 256, 8, 4))
                : List.of(
                        width -> GpuModels.mlp(width, 64, 256, 256, 16),
                        width -> GpuModels.cnn(width, 16, 8),
                        width -> GpuModels.transformer(width, 16, 64, 4, 2));
    }

    private void right(Notes notes) throws Exception {
        bench.onGpuOrInstead(notes);
        for (Made kind : kinds()) {
            Model full = kind.of(Width.FLOAT32);
            Model half = kind.of(Width.FLOAT16);
            float[] expected;
            try (OnnxEngine cpu =
                    OnnxEngine.open(full.file(), OnnxOptions.defaults().device(DeviceRequest.CPU))) {
                expected = answers(cpu);
            }
            compare(notes, full, Precision.FLOAT32, expected, 1e-3);
            compare(notes, full, Precision.TF32, expected, 5e-3);
            compare(notes, half, Precision.FLOAT32, expected, 1e-2);
            Files.delete(full.file());
            Files.delete(half.file());
        }
    }

    private void compare(Notes notes, Model model, Precision precision, float[] expected, double most) {
        try (OnnxEngine engine = bench.open(model, CudaOptions.defaults().precision(precision))) {
            float[] found = answers(engine);
            double scale = 0;
            double apart = 0;
            for (int i = 0; i < found.length; i++) {
                scale = Math.max(scale, Math.abs(expected[i]));
                double one = Math.abs(found[i] - expected[i]);
                apart = one >= 0 ? Math.max(apart, one) : Double.NaN;
            }
            String name = model.name() + (precision == Precision.TF32 ? ", TF32" : "");
            notes.put(name, apart / scale);
            notes.require(apart / scale < most, name + " less than " + most + " apart");
        }
    }

    private static float[] answers(Engine engine) {
        try (Lane lane = engine.newLane(ROWS)) {
            GpuLoad.fill(lane.input(0).floats(), ROWS * lane.input(0).width());
            lane.run(ROWS);
            float[] answers = new float[ROWS * lane.output(0).width()];
            lane.output(0).floats().get(0, answers);
            return answers;
        }
    }

    private void whole(Notes notes) throws Exception {
        bench.onGpuOrInstead(notes);
        for (Made kind : kinds()) {
            for (Width width : Width.values()) {
                Model model = kind.of(width);
                try (OnnxEngine engine = bench.openWhole(model)) {
                    notes.put(model.name(), engine.device().name());
                    answers(engine);
                }
                Files.delete(model.file());
            }
        }
    }

    private double rate(Callable<GpuLoad.Runner> runners, int threads, int rows) throws InterruptedException {
        try (GpuLoad load = GpuLoad.start(threads, rows, runners)) {
            Thread.sleep((long) (500 * bench.seconds()));
            return load.rate(5 * bench.seconds());
        }
    }

    /** {@return the most rows a second, by 1, 2 and 3 threads} */
    private double best(Notes notes, Model model, int rows) throws Exception {
        double best = 0;
        double bare = 0;
        try (OnnxEngine engine = bench.open(model)) {
            for (int threads = 1; threads <= 3; threads++) {
                double rate = notes.put(
                        "rows/s, " + threads + " threads, pinned",
                        rate(() -> GpuLoad.lane(engine, rows), threads, rows));
                if (rate > best && model.equals(bench.large())) {
                    bench.bestThreads(threads);
                }
                best = Math.max(best, rate);
            }
        }
        if (!model.equals(bench.transformer())) { // by hand there are rows of numbers only
            for (int threads = 1; threads <= 3; threads++) {
                double rate = notes.put(
                        "rows/s, " + threads + " threads, pageable, by hand",
                        rate(
                                () -> GpuLoad.bare(
                                        BareLane.open(model.file(), rows, bench.device()), rows, model.inputs()),
                                threads,
                                rows));
                bare = Math.max(bare, rate);
            }
            notes.put("pinned to pageable", best / bare);
        }
        notes.put("model", model.name());
        notes.put("batch", rows);
        notes.put("TFLOP/s", best * model.flops() / 1e12);
        notes.put("GB/s to the GPU", best * model.inputs() * Float.BYTES / 1e9);
        return best;
    }

    private void large(Notes notes) throws Exception {
        bench.onGpuOrInstead(notes);
        double best = best(notes, bench.large(), bench.largeBatch());
        double flops = best * bench.large().flops();
        Optional<Double> matmul = bench.torch(notes, "matmul_fp16_tflops");
        Optional<Double> eager = bench.torch(notes, "m1_eager_pinned_rows_per_s");
        bench.torch(notes, "m1_compile_pinned_rows_per_s");
        if (bench.onGpu()) {
            matmul.ifPresent(most -> notes.require(flops >= 0.6e12 * most, "0.6 of the matmul rate"));
            beside(notes, best, eager);
        }
    }

    private void transformer(Notes notes) throws Exception {
        bench.onGpuOrInstead(notes);
        double best = best(notes, bench.transformer(), bench.transformerBatch());
        Optional<Double> eager = bench.torch(notes, "transformer_eager_pinned_rows_per_s");
        if (bench.onGpu()) {
            beside(notes, best, eager);
        }
    }

    private static void beside(Notes notes, double ours, Optional<Double> torch) {
        if (torch.isEmpty()) {
            notes.insteadOfGpu("PyTorch, which it is compared with, measured nothing here");
        } else {
            double ratio = notes.put("ratio to torch eager", ours / torch.get());
            notes.require(ratio >= 0.9, "0.9 x torch eager");
        }
    }

    private void small(Notes notes) throws Exception {
        bench.onGpuOrInstead(notes);
        double best = best(notes, bench.small(), bench.smallBatch());
        double bytes = best * bench.small().inputs() * Float.BYTES;
        Optional<Double> pinned = bench.torch(notes, "h2d_pinned_gb_per_s");
        bench.torch(notes, "m2_eager_pinned_rows_per_s");
        if (bench.onGpu() && pinned.isEmpty()) {
            notes.insteadOfGpu("PyTorch, which measures the rate of copies, measured nothing here");
        } else if (bench.onGpu()) {
            notes.require(bytes >= 0.5e9 * pinned.get(), "0.5 of pinned copies");
        }
    }

    private void latency(Notes notes) throws Exception {
        bench.onGpuOrInstead(notes);
        notes.put("model", bench.small().name());
        bench.torch(notes, "m_small_batch1_p50_ms");
        try (OnnxEngine engine = bench.open(bench.small())) {
            Histogram alone = single(engine, 3 * bench.seconds());
            times(notes, "alone", alone);
            try (OnnxEngine busy = bench.open(bench.large());
                    GpuLoad load = GpuLoad.start(2, bench.largeBatch(), () -> GpuLoad.lane(busy, bench.largeBatch()))) {
                times(notes, "beside batches of the large MLP", single(engine, 3 * bench.seconds()));
                notes.put("rows of the large MLP", (double) load.rows());
            }
            if (bench.onGpu()) {
                notes.require(alone.getValueAtPercentile(50) < 300_000, "p50 below 0.3 ms");
            }
        }
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.of(bench.open(bench.small()), Tensors.floats()).open()) {
            float[] row = new float[bench.small().inputs()];
            Arrays.fill(row, 0.5f);
            times(notes, CALLERS + " callers of an endpoint", callers(endpoint::predict, row));
        }
    }

    private Histogram single(OnnxEngine engine, double seconds) {
        Histogram times = new Histogram(3);
        try (Lane lane = engine.newLane(1)) {
            GpuLoad.fill(lane.input(0).floats(), lane.input(0).width());
            for (int i = 0; i < 200; i++) {
                lane.run(1);
            }
            long end = System.nanoTime() + (long) (seconds * 1e9);
            for (long start = System.nanoTime(); start < end; start = System.nanoTime()) {
                lane.run(1);
                times.recordValue(System.nanoTime() - start);
            }
        }
        return times;
    }

    private Histogram callers(Function<float[], ?> call, float[] row) throws InterruptedException {
        ConcurrentHistogram times = new ConcurrentHistogram(3);
        GpuLoad.Runner runner = new GpuLoad.Runner() {
            @Override
            public void run() {
                long start = System.nanoTime();
                if (call.apply(row) != null) {
                    times.recordValue(System.nanoTime() - start);
                }
            }

            @Override
            public void close() {}
        };
        try (GpuLoad load = GpuLoad.start(CALLERS, 1, () -> runner)) {
            load.rate(bench.seconds());
            times.reset();
            load.rate(3 * bench.seconds());
        }
        return times;
    }

    static void times(Notes notes, String what, Histogram times) {
        notes.put(what + ", p50 ms", times.getValueAtPercentile(50) / 1e6);
        notes.put(what + ", p99 ms", times.getValueAtPercentile(99) / 1e6);
    }
}
