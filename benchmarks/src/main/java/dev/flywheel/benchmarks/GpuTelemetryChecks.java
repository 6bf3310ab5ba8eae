package dev.flywheel.benchmarks;

import dev.flywheel.benchmarks.GpuFindings.Notes;
import dev.flywheel.benchmarks.GpuFindings.Skip;
import dev.flywheel.gpu.GpuReading;
import dev.flywheel.gpu.GpuTelemetry;
import dev.flywheel.gpu.GpuTelemetry.Gpu;
import dev.flywheel.serving.engine.OnnxEngine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.Supplier;

/** What the driver says of the GPU, and what the GPU takes. Not thread-safe. */
final class GpuTelemetryChecks {

    private static final int SAMPLE_MILLIS = 20;

    private final GpuBench bench;

    GpuTelemetryChecks(GpuBench bench) {
        this.bench = bench;
    }

    void run(GpuFindings findings) {
        findings.check(
                "G1 environment",
                "every library is found; NVML is nvidia-smi: name, UUID, memory, limit; power 5%, temperature 2 C",
                this::environment);
        findings.check("G2 NVML's calls", "the energy counter moves within 200 ms", this::calls);
        findings.check("G3 energy by counter and by power", "within 5% over 10 s of work", this::counter);
    }

    /** Those that need to know how the large model runs fastest. */
    void runAtWork(GpuFindings findings) {
        findings.check("G9 busy for 30 s", "NVML >= 95%, SM >= 85%", this::busy);
        findings.check(
                "G10 energy for 1,000 rows",
                "3 windows of 10 s spread < 3%; mean power x time within 3% of the counter",
                this::energy);
    }

    private void environment(Notes notes) throws Exception {
        missing(notes);
        Gpu gpu = bench.gpu();
        GpuReading reading = bench.telemetry().read(gpu);
        notes.put("driver", bench.telemetry().driverVersion().orElse("?"));
        notes.put("CUDA of the driver", bench.telemetry().cudaVersion().orElse("?"));
        notes.put("reading", reading.toString());
        reading.fault().ifPresent(fault -> notes.require(false, "no fault, found " + fault));
        String[] smi = smi(gpu.uuid());
        notes.put("nvidia-smi", String.join(", ", smi));
        notes.require(smi[0].equals(gpu.name()), "the name " + smi[0]);
        notes.require(smi[1].equals(gpu.uuid()), "the UUID " + smi[1]);
        double mebibytes = gpu.memoryTotalBytes().orElse(0) / (double) (1 << 20);
        notes.require(Math.abs(Double.parseDouble(smi[2]) - mebibytes) < 1, "memory of " + smi[2] + " MiB");
        near(notes, "power limit", reading.powerLimitWatts(), smi[3], 0.01);
        near(notes, "power", reading.powerWatts(), smi[4], Math.max(5, 0.05 * Double.parseDouble(smi[4])));
        near(notes, "temperature", reading.temperatureCelsius(), smi[5], 2);
        if (!bench.onGpu()) {
            notes.insteadOfGpu(bench.obstacle());
        }
    }

    private static void near(Notes notes, String what, OptionalDouble ours, String theirs, double apart) {
        notes.require(
                Math.abs(ours.orElse(Double.NaN) - Double.parseDouble(theirs)) <= apart,
                what + " of " + theirs + ", found " + ours);
    }

    /** Libraries that ONNX Runtime's provider for CUDA links to and that are not there. */
    private static void missing(Notes notes) throws IOException {
        Path provider = Path.of(System.getProperty("onnxruntime.native.path", "."), "libonnxruntime_providers_cuda.so");
        if (Files.isRegularFile(provider)) {
            List<String> lines = output("ldd", provider.toString()).lines().toList();
            List<String> missing = lines.stream()
                    .filter(line -> line.contains("not found"))
                    .map(String::strip)
                    .toList();
            notes.put("libraries of the provider that are missing", missing);
            notes.require(missing.isEmpty(), "no library missing");
        }
    }

    private static String[] smi(String uuid) throws Skip {
        try {
            String line = output(
                    "nvidia-smi",
                    "--id=" + uuid,
                    "--query-gpu=name,uuid,memory.total,power.limit,power.draw,temperature.gpu",
                    "--format=csv,noheader,nounits");
            String[] values = line.strip().split(", ", -1);
            if (values.length != 6) {
                throw new Skip("nvidia-smi says \"" + line.strip() + "\"");
            }
            return values;
        } catch (IOException e) {
            throw new Skip("nvidia-smi, which NVML is compared with, cannot be run: " + e);
        }
    }

    private static String output(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private void calls(Notes notes) throws Exception {
        Gpu gpu = bench.gpu();
        GpuTelemetry telemetry = bench.telemetry();
        notes.put("power call us", micros(() -> telemetry.powerWatts(gpu)));
        notes.put("energy call us", micros(() -> telemetry.energyJoules(gpu)));
        notes.put("whole reading us", micros(() -> telemetry.read(gpu)));
        Thread.sleep(200); // activity needs two readings that lie apart
        notes.put("GPM", telemetry.read(gpu).activity().isPresent());
        OptionalDouble last = telemetry.energyJoules(gpu);
        if (last.isEmpty()) {
            throw new Skip("the GPU has no energy counter");
        }
        List<Double> steps = new ArrayList<>();
        long changed = 0;
        long end = System.nanoTime() + (long) (3e9 * bench.seconds());
        while (System.nanoTime() < end) {
            Thread.sleep(1);
            OptionalDouble now = telemetry.energyJoules(gpu);
            if (!now.equals(last)) {
                if (changed != 0) {
                    steps.add((System.nanoTime() - changed) / 1e6);
                }
                changed = System.nanoTime();
                last = now;
            }
        }
        double step = notes.put("energy step ms", Results.median(steps));
        notes.require(step < 200, "steps below 200 ms");
    }

    private static double micros(Supplier<?> call) {
        List<Double> times = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            long start = System.nanoTime();
            if (call.get() == null) {
                throw new IllegalStateException("no answer");
            }
            times.add((System.nanoTime() - start) / 1e3);
        }
        return Results.median(times);
    }

    /**
     * What was taken in a time.
     *
     * @param counter joules by the counter
     * @param integral joules by power, sampled
     */
    private record Taken(double seconds, double counter, double integral) {}

    private Taken take(Gpu gpu, double seconds) throws Exception {
        GpuTelemetry telemetry = bench.telemetry();
        double before = joules(gpu);
        double watts = watts(gpu);
        double integral = 0;
        long start = System.nanoTime();
        long last = start;
        while (last - start < seconds * 1e9) {
            Thread.sleep(SAMPLE_MILLIS);
            double now = telemetry.powerWatts(gpu).orElse(Double.NaN);
            long time = System.nanoTime();
            integral += (watts + now) / 2 * (time - last) / 1e9;
            watts = now;
            last = time;
        }
        return new Taken((last - start) / 1e9, joules(gpu) - before, integral);
    }

    private double joules(Gpu gpu) throws Skip {
        return bench.telemetry().energyJoules(gpu).orElseThrow(() -> new Skip("the GPU has no energy counter"));
    }

    private double watts(Gpu gpu) throws Skip {
        return bench.telemetry().powerWatts(gpu).orElseThrow(() -> new Skip("the GPU does not tell its power"));
    }

    private GpuLoad load(OnnxEngine engine) throws InterruptedException {
        int rows = bench.largeBatch();
        return GpuLoad.start(bench.bestThreads(), rows, () -> GpuLoad.lane(engine, rows));
    }

    private void counter(Notes notes) throws Exception {
        Gpu gpu = bench.gpu();
        bench.onGpuOrInstead(notes);
        try (OnnxEngine engine = bench.open(bench.large());
                GpuLoad load = load(engine)) {
            Thread.sleep((long) (1_000 * bench.seconds())); // power is an average over a second
            Taken taken = take(gpu, 10 * bench.seconds());
            notes.put("rows", (double) load.rows());
            notes.put("counter J", taken.counter);
            notes.put("integral J", taken.integral);
            double apart = notes.put("apart", Math.abs(taken.counter / taken.integral - 1));
            notes.require(apart < 0.05, "less than 0.05 apart");
        }
    }

    private void busy(Notes notes) throws Exception {
        Gpu gpu = bench.gpu();
        bench.onGpuOrInstead(notes);
        try (OnnxEngine engine = bench.open(bench.large());
                GpuLoad load = load(engine)) {
            List<GpuReading> readings = new ArrayList<>();
            bench.telemetry().read(gpu); // activity is since the reading before
            long before = load.rows();
            long end = System.nanoTime() + (long) (30e9 * bench.seconds());
            while (System.nanoTime() < end) {
                Thread.sleep(500);
                readings.add(bench.telemetry().read(gpu));
            }
            notes.put("rows", (double) load.rows() - before);
            double nvml = mean(notes, "NVML %", readings, GpuReading::utilizationPercent);
            double sm = mean(notes, "SM %", readings, r -> activity(r, GpuReading.Activity::smPercent));
            mean(notes, "tensor %", readings, r -> activity(r, GpuReading.Activity::tensorPercent));
            mean(notes, "DRAM %", readings, r -> activity(r, GpuReading.Activity::dramPercent));
            mean(notes, "power W", readings, GpuReading::powerWatts);
            notes.put("throttles", readings.get(readings.size() - 1).throttles().toString());
            notes.require(nvml >= 95, "NVML of 95%");
            notes.require(sm >= 85, "SM of 85%");
        }
    }

    private static OptionalDouble activity(GpuReading reading, Function<GpuReading.Activity, OptionalDouble> part) {
        return reading.activity().map(part).orElse(OptionalDouble.empty());
    }

    private static double mean(
            Notes notes, String name, List<GpuReading> readings, Function<GpuReading, OptionalDouble> value) {
        OptionalDouble mean = readings.stream()
                .map(value)
                .filter(OptionalDouble::isPresent)
                .mapToDouble(OptionalDouble::getAsDouble)
                .average();
        mean.ifPresentOrElse(found -> notes.put(name, found), () -> notes.put(name, "not told"));
        return mean.orElse(Double.NaN);
    }

    private void energy(Notes notes) throws Exception {
        Gpu gpu = bench.gpu();
        bench.onGpuOrInstead(notes);
        notes.put("ceiling J", "0.22 at 3.2 million rows/s and 700 W");
        Taken alone = take(gpu, 3 * bench.seconds());
        double idle = notes.put("idle W", alone.integral / alone.seconds);
        List<Double> windows = new ArrayList<>();
        try (OnnxEngine engine = bench.open(bench.large());
                GpuLoad load = load(engine)) {
            Thread.sleep((long) (3_000 * bench.seconds()));
            for (int window = 1; window <= 3; window++) {
                long before = load.rows();
                Taken taken = take(gpu, 10 * bench.seconds());
                double thousands = (load.rows() - before) / 1e3;
                windows.add(notes.put("J for 1,000 rows, window " + window, taken.counter / thousands));
                notes.put("net of idle, window " + window, (taken.counter - idle * taken.seconds) / thousands);
                double apart = notes.put("apart, window " + window, Math.abs(taken.integral / taken.counter - 1));
                notes.require(apart < 0.03, "power x time within 0.03 of the counter");
            }
        }
        double mean = windows.stream().mapToDouble(x -> x).average().orElseThrow();
        double most = windows.stream().mapToDouble(x -> x).max().orElseThrow();
        double least = windows.stream().mapToDouble(x -> x).min().orElseThrow();
        double spread = notes.put("spread", (most - least) / mean);
        notes.require(spread < 0.03 || !bench.onGpu(), "a spread below 0.03");
    }
}
