package dev.flywheel.benchmarks;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensors;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.ToDoubleFunction;

/** The soak: predictions of every kind and swaps, and what memory the process has meanwhile. */
final class SteadyCommand {

    private static final int SAMPLES = 100;
    private static final double MIB = 1 << 20;
    /** Between the quarters that are compared, 1.7 bytes a prediction or 16 KiB a swap would make so much. */
    private static final double MOST_GROWTH_MIB = 8;

    private final List<float[]> inputs = List.of(SmallMlp.rows(64));
    private final List<Path> models = List.of(SmallMlp.write(1), SmallMlp.write(2));
    private final List<Sample> samples = new ArrayList<>();

    /** What was seen after so many predictions, in MiB. */
    private record Sample(double predictions, double resident, double anonymous, double direct) {}

    private SteadyCommand() {}

    static void run(Arguments arguments) throws Exception {
        new SteadyCommand()
                .run(
                        arguments.number("predictions", 10_000_000),
                        arguments.number("swaps", 1_000),
                        arguments.number("callers", 8),
                        arguments.out(),
                        arguments);
    }

    private void run(int predictions, int swaps, int callers, Path out, Arguments arguments) throws Exception {
        arguments.refuseOthers();
        ExecutorService executor = Executors.newFixedThreadPool(callers);
        long started = System.nanoTime();
        long answered = 0;
        int version = 0;
        try (Endpoint<float[], float[]> endpoint =
                Endpoint.onnx(models.get(0), Tensors.floats()).open()) {
            for (int step = 1; step <= SAMPLES; step++) {
                List<Future<Long>> work = new ArrayList<>();
                for (int i = 0; i < callers; i++) {
                    int kind = i;
                    work.add(executor.submit(() -> ask(endpoint, kind, predictions / SAMPLES / callers)));
                }
                for (; version < (long) swaps * step / SAMPLES; version++) {
                    endpoint.swap(models.get((version + 1) % 2), version + 1);
                }
                for (Future<Long> part : work) {
                    answered += part.get();
                }
                samples.add(sample(answered));
            }
        } finally {
            executor.shutdown();
        }
        Results results = new Results("steady", "steady");
        String note = answered + " predictions, " + version + " swaps in "
                + Math.round((System.nanoTime() - started) / 1e9)
                + " s; growth is the mean of the last quarter of the samples less that of the second";
        grown("resident memory", samples.stream().map(Sample::resident).toList(), note, results);
        grown("anonymous memory", samples.stream().map(Sample::anonymous).toList(), note, results);
        grown("direct buffers", samples.stream().map(Sample::direct).toList(), note, results);
        results.write(out);
        Files.writeString(out.resolve("steady.svg"), plot(), StandardCharsets.UTF_8);
    }

    private static void grown(String what, List<Double> mebibytes, String note, Results results) {
        int quarter = mebibytes.size() / 4;
        double second = mean(mebibytes.subList(quarter, 2 * quarter));
        double last = mean(mebibytes.subList(mebibytes.size() - quarter, mebibytes.size()));
        results.add(
                "steady state, growth of " + what,
                "MiB",
                Map.of(Contender.FLYWHEEL, List.of(Results.rounded(last - second))),
                null,
                note + "; samples in MiB: "
                        + mebibytes.stream().map(Math::round).toList(),
                Target.atMost(MOST_GROWTH_MIB));
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }

    private long ask(Endpoint<float[], float[]> endpoint, int kind, int count) {
        long done = 0;
        while (done < count) {
            switch (kind % 4) {
                case 2 -> {
                    CompletableFuture<?>[] window = new CompletableFuture<?>[64];
                    for (int i = 0; i < window.length; i++) {
                        window[i] = endpoint.predictAsync(inputs.get(i));
                    }
                    CompletableFuture.allOf(window).join();
                    done += window.length;
                }
                case 3 -> done += endpoint.predictAll(inputs).size();
                default -> {
                    Prediction<float[]> unused = endpoint.predict(inputs.get((int) (done & 63)));
                    done++;
                }
            }
        }
        return done;
    }

    private static Sample sample(long predictions) throws IOException {
        double resident = 0;
        double anonymous = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                resident = kibibytes(line) / 1024;
            } else if (line.startsWith("RssAnon:")) {
                anonymous = kibibytes(line) / 1024;
            }
        }
        double direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        return new Sample(predictions, resident, anonymous, direct / MIB);
    }

    private static double kibibytes(String line) {
        return Double.parseDouble(line.replaceAll("[^0-9]", ""));
    }

    private String plot() {
        Chart chart = new Chart("Memory through the soak", "predictions (millions)", "MiB", Chart.Scale.LINEAR);
        line(chart, 0, "resident", Sample::resident);
        line(chart, 1, "anonymous", Sample::anonymous);
        line(chart, 3, "direct buffers", Sample::direct);
        return Chart.page(List.of(chart), 1);
    }

    private void line(Chart chart, int colour, String name, ToDoubleFunction<Sample> figure) {
        chart.line(
                name,
                colour,
                samples.stream()
                        .map(s -> new Chart.Point(s.predictions / 1e6, figure.applyAsDouble(s)))
                        .toList());
    }
}
