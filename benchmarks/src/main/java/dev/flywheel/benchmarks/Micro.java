package dev.flywheel.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs {@link PathBenchmark} with JMH and the profiler of allocations. */
final class Micro {

    private static final String ALLOCATED = "gc.alloc.rate.norm";
    private static final double BUDGET_BYTES = 100;

    /** Ours, and the same by hand. */
    private static final Map<String, String> LIMITS = Map.of(
            "predict1", "bare1",
            "predict8", "bare8",
            "predictAll64", "bareAll64",
            "laneRun", "bareRun",
            "codecWrite", "bareWrite");

    private Micro() {}

    static void run(Arguments arguments) throws Exception {
        String filter = arguments.text("filter", ".*");
        int iterations = arguments.number("iterations", 5);
        TimeValue time = TimeValue.milliseconds(arguments.nanos("seconds", 1) / 1_000_000);
        Options options = new OptionsBuilder()
                .include(PathBenchmark.class.getName() + "\\.(" + filter + ")$")
                .forks(arguments.number("forks", 1))
                .warmupIterations(3)
                .warmupTime(time)
                .measurementIterations(iterations)
                .measurementTime(time)
                .addProfiler(GCProfiler.class)
                .verbosity(VerboseMode.SILENT)
                .build();
        Path out = arguments.out();
        arguments.refuseOthers();
        Map<String, RunResult> found = new LinkedHashMap<>();
        Collection<RunResult> ran = new Runner(options).run();
        ran.forEach(result -> found.put(name(result.getParams()), result));
        Results results = new Results("micro", "micro");
        found.forEach((name, result) -> rows(name, result, limit(name, found), results));
        budget(found, results);
        results.write(out);
    }

    private static String name(BenchmarkParams params) {
        String method = params.getBenchmark().substring(params.getBenchmark().lastIndexOf('.') + 1);
        String rows = params.getParam("rows");
        return rows == null ? method : method + " " + rows;
    }

    private static @Nullable RunResult limit(String name, Map<String, RunResult> found) {
        String[] parts = name.split(" ", 2);
        String limit = LIMITS.get(parts[0]);
        return limit == null ? null : found.get(parts.length == 1 ? limit : limit + " " + parts[1]);
    }

    private static void rows(String name, RunResult ours, @Nullable RunResult limit, Results results) {
        Map<String, List<Double>> times = new LinkedHashMap<>();
        Map<String, List<Double>> bytes = new LinkedHashMap<>();
        times.put(Contender.FLYWHEEL, scores(ours));
        bytes.put(Contender.FLYWHEEL, List.of(allocated(ours)));
        if (limit != null) {
            times.put(Target.LIMIT, scores(limit));
            bytes.put(Target.LIMIT, List.of(allocated(limit)));
        }
        results.add(name, "ns", times, null, null);
        results.add(name, "bytes", bytes, null, null);
    }

    /** What a blocking request allocates beyond ONNX Runtime's own run and the array that the caller asked for. */
    private static void budget(Map<String, RunResult> found, Results results) {
        RunResult ours = found.get("predict1");
        RunResult bare = found.get("bare1");
        RunResult id = found.get("id");
        if (ours == null || bare == null) {
            return;
        }
        String note = "predict allocates " + allocated(ours) + ", the same by hand " + allocated(bare)
                + (id == null ? "" : "; a prediction's id is " + allocated(id));
        results.add(
                "allocated by predict beyond ONNX Runtime's run and the answer",
                "bytes",
                Map.of(Contender.FLYWHEEL, List.of(Results.rounded(allocated(ours) - allocated(bare)))),
                null,
                note,
                Target.atMost(BUDGET_BYTES));
    }

    private static List<Double> scores(RunResult result) {
        List<Double> scores = new ArrayList<>();
        result.getBenchmarkResults().forEach(fork -> {
            for (IterationResult iteration : fork.getIterationResults()) {
                scores.add(Results.rounded(iteration.getPrimaryResult().getScore()));
            }
        });
        return scores;
    }

    private static double allocated(RunResult result) {
        Result<?> bytes = result.getSecondaryResults().get(ALLOCATED);
        return bytes == null ? Double.NaN : Results.rounded(bytes.getScore());
    }
}
