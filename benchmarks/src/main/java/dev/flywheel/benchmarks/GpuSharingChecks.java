package dev.flywheel.benchmarks;

import dev.flywheel.benchmarks.GpuFindings.Notes;
import dev.flywheel.benchmarks.GpuModels.Model;
import dev.flywheel.benchmarks.GpuModels.Width;
import dev.flywheel.core.OverloadedException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Accelerator.Tier;
import dev.flywheel.serving.engine.CudaOptions;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** How a GPU's memory and time are shared. Not thread-safe. */
final class GpuSharingChecks {

    private static final int RUNS = 20_000;
    private static final int OPENED = 50;
    private static final double FLAT_MEGABYTES = 64;
    private static final long GIB = 1L << 30;

    private final GpuBench bench;

    GpuSharingChecks(GpuBench bench) {
        this.bench = bench;
    }

    void run(GpuFindings findings) {
        findings.check(
                "G11 memory of a model with a limit of 2 GiB",
                "grows by <= the limit + weights + 1 GB; within 300 MB of the start once closed",
                this::memory);
        findings.check(
                "G12 admission of 200 GB",
                "is refused; training gives its memory back to serving; serving goes on",
                this::admission);
        findings.check("G13 serving beside training", "p99 <= alone + one step; training goes on", this::priority);
        findings.check(
                "G15 " + RUNS + " runs, " + OPENED + " opens and closes of 3 models",
                "memory stays within " + FLAT_MEGABYTES + " MB",
                this::flat);
    }

    private void memory(Notes notes) throws Exception {
        bench.needGpu();
        Model model = bench.large();
        double before = notes.put("before MB", bench.usedMegabytes());
        double weights = Files.size(model.file()) / 1e6;
        try (OnnxEngine engine = bench.open(model, CudaOptions.defaults().memoryLimit(2 * GIB));
                GpuLoad load = GpuLoad.start(2, bench.largeBatch(), () -> GpuLoad.lane(engine, bench.largeBatch()))) {
            load.rate(bench.seconds());
            double loaded = notes.put("at work MB", bench.usedMegabytes());
            notes.require(loaded - before <= 2 * GIB / 1e6 + weights + 1_000, "no more than the limit allows");
        }
        double after = notes.put("after MB", bench.usedMegabytes());
        notes.require(Math.abs(after - before) <= 300, "300 MB of the start after closing");
    }

    private void admission(Notes notes) throws Exception {
        Accelerator accelerator = bench.accelerator();
        try (OnnxEngine engine = bench.open(bench.small());
                GpuLoad load = GpuLoad.start(2, bench.smallBatch(), () -> GpuLoad.lane(engine, bench.smallBatch()))) {
            long before = load.rows();
            for (Tier tier : Tier.values()) {
                try {
                    accelerator
                            .reserve("check/" + tier, tier, 200_000_000_000L, Duration.ZERO, null)
                            .close();
                    notes.require(false, "a refusal for " + tier);
                } catch (OverloadedException e) {
                    notes.put("refusal, " + tier, String.valueOf(e.getMessage()));
                }
            }
            giveBack(notes, accelerator);
            load.rate(bench.seconds());
            notes.put("rows served meanwhile", (double) load.rows() - before);
            notes.require(load.rows() > before, "that serving goes on");
        }
    }

    /** Training that holds nearly all there is gives it back to a model that is to serve. */
    private static void giveBack(Notes notes, Accelerator accelerator) {
        CompletableFuture<Accelerator.Reservation> training = new CompletableFuture<>();
        AtomicBoolean asked = new AtomicBoolean();
        Runnable reclaim = () -> {
            asked.set(true);
            CompletableFuture<Void> unused = training.thenAcceptAsync(Accelerator.Reservation::close);
        };
        long bytes = 200_000_000_000L;
        while (!training.isDone()) {
            try {
                training.complete(accelerator.reserve("train/all", Tier.TRAINING, bytes, Duration.ZERO, reclaim));
            } catch (OverloadedException e) {
                bytes -= bytes / 32;
            }
        }
        notes.put("training holds GB", bytes / 1e9);
        accelerator
                .reserve("serve/more", Tier.SERVING, bytes / 2, Duration.ofSeconds(20), null)
                .close();
        training.join().close();
        notes.require(asked.get(), "that training is asked for its memory");
    }

    /** A step is a batch of the large MLP, in the turns of training. */
    private void priority(Notes notes) throws Exception {
        Accelerator accelerator = bench.accelerator();
        int rows = bench.largeBatch();
        try (OnnxEngine engine = bench.open(bench.small());
                Accelerator.Reservation memory =
                        accelerator.reserve("train/large", Tier.TRAINING, 4 * GIB, Duration.ZERO, null)) {
            Histogram alone = paced(engine, 5 * bench.seconds());
            GpuServingChecks.times(notes, "alone", alone);
            ConcurrentHistogram steps = new ConcurrentHistogram(3);
            Model large = bench.large();
            try (GpuLoad training = GpuLoad.start(1, rows, () -> step(large, memory, steps))) {
                long before = training.rows();
                Histogram beside = paced(engine, 5 * bench.seconds());
                GpuServingChecks.times(notes, "beside", beside);
                GpuServingChecks.times(notes, "a step", steps);
                notes.put("steps", (training.rows() - before) / (double) rows);
                notes.require(training.rows() > before, "that training goes on");
                notes.require(
                        beside.getValueAtPercentile(99)
                                <= alone.getValueAtPercentile(99) + steps.getValueAtPercentile(99),
                        "a p99 of at most a step more");
            }
        }
    }

    private GpuLoad.Runner step(Model large, Accelerator.Reservation memory, ConcurrentHistogram steps) {
        int rows = bench.largeBatch();
        GpuLoad.Runner batch = GpuLoad.bare(BareLane.open(large.file(), rows, bench.device()), rows, large.inputs());
        return new GpuLoad.Runner() {
            @Override
            public void run() throws Exception {
                Accelerator.Hold turn = memory.turn();
                try {
                    long start = System.nanoTime();
                    batch.run();
                    steps.recordValue(System.nanoTime() - start);
                } finally {
                    turn.close();
                }
            }

            @Override
            public void close() {
                batch.close();
            }
        };
    }

    /** {@return how long 500 single rows a second take, from when each is due} */
    private static Histogram paced(OnnxEngine engine, double seconds) {
        Histogram times = new Histogram(3);
        try (Lane lane = engine.newLane(1)) {
            for (int i = 0; i < 200; i++) {
                lane.run(1);
            }
            long start = System.nanoTime();
            for (int i = 0; i < 500 * seconds; i++) {
                long due = start + i * 2_000_000L;
                while (System.nanoTime() < due) {
                    LockSupport.parkNanos(due - System.nanoTime());
                }
                lane.run(1);
                times.recordValue(System.nanoTime() - due);
            }
        }
        return times;
    }

    private void flat(Notes notes) throws Exception {
        bench.onGpuOrInstead(notes);
        try (OnnxEngine engine = bench.open(bench.small());
                GpuLoad.Runner lane = GpuLoad.lane(engine, 64)) {
            for (int i = 0; i < RUNS / 10; i++) {
                lane.run();
            }
            double before = notes.put("after " + RUNS / 10 + " runs MB", bench.residentMegabytes());
            for (int i = RUNS / 10; i < RUNS; i++) {
                lane.run();
            }
            double after = notes.put("after " + RUNS + " runs MB", bench.residentMegabytes());
            notes.require(Math.abs(after - before) <= FLAT_MEGABYTES, "flat memory over the runs");
        }
        List<Model> models = List.of(
                bench.small(),
                GpuModels.cnn(Width.FLOAT16, 32, 16),
                GpuModels.transformer(Width.FLOAT32, 16, 64, 4, 2));
        double before = 0;
        for (int i = 0; i < OPENED; i++) {
            if (i == OPENED / 5) {
                before = notes.put("after " + i + " opens and closes MB", bench.residentMegabytes());
            }
            for (Model model : models) {
                try (OnnxEngine engine = bench.open(model);
                        GpuLoad.Runner lane = GpuLoad.lane(engine, 64)) {
                    lane.run();
                }
            }
        }
        double after = notes.put("after " + OPENED + " opens and closes MB", bench.residentMegabytes());
        notes.require(Math.abs(after - before) <= FLAT_MEGABYTES, "flat memory over opens and closes");
    }
}
