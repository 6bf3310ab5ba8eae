package dev.flywheel.benchmarks;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a benchmark program writes into benchmarks/results. */
final class Results {

    private Results() {}

    /**
     * One line of a table.
     *
     * @param flywheel the median of our rounds
     * @param limit the median of the rounds of the same work by hand, if that was measured
     * @param peers the medians of others
     * @param ratio ours to the limit
     * @param target what the ratio should be: at least for a rate, at most for a time
     * @param met whether it is
     * @param rounds our rounds
     * @param limitRounds those of the limit
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Row(
            String work,
            String unit,
            double flywheel,
            @Nullable Double limit,
            Map<String, Double> peers,
            @JsonProperty("ratio_to_limit") @Nullable Double ratio,
            @Nullable Double target,
            @Nullable Boolean met,
            List<Double> rounds,
            @JsonProperty("limit_rounds") List<Double> limitRounds) {}

    private record Sheet(
            String name, String command, String date, String commit, String machine, String jdk, List<Row> rows) {}

    /** {@return a row of requests a second; a target of 0 is none} */
    static Row rate(String work, List<Rounds.Result> ours, List<Rounds.Result> limit, double target) {
        return row(work, "requests/s", ours, limit, target, Rounds.Result::rate, 1);
    }

    /** {@return a row of 99th percentiles; a target of 0 is none} */
    static Row p99(String work, List<Rounds.Result> ours, List<Rounds.Result> limit, double target) {
        return row(work, "us, p99", ours, limit, target, Rounds.Result::p99, -1);
    }

    private static Row row(
            String work,
            String unit,
            List<Rounds.Result> ours,
            List<Rounds.Result> limit,
            double target,
            ToDoubleFunction<Rounds.Result> figure,
            int better) {
        List<Double> own =
                ours.stream().map(r -> rounded(figure.applyAsDouble(r))).toList();
        List<Double> other =
                limit.stream().map(r -> rounded(figure.applyAsDouble(r))).toList();
        Double bound = other.isEmpty() ? null : median(other);
        Double ratio = bound == null ? null : Math.round(1000 * median(own) / bound) / 1000.0;
        Boolean met = (ratio == null || target == 0) ? null : (Boolean) (better * (ratio - target) >= 0);
        Row row =
                new Row(work, unit, median(own), bound, Map.of(), ratio, target == 0 ? null : target, met, own, other);
        System.out.printf(
                "%-45s %-11s %,14.1f  limit %,14.1f  ratio %s%n",
                work, unit, row.flywheel, bound == null ? Double.NaN : bound, ratio);
        return row;
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(sorted.size() / 2);
    }

    private static double rounded(double value) {
        return value > 1000 ? Math.rint(value) : Math.rint(value * 1000) / 1000;
    }

    static void write(Path folder, String name, Class<?> program, List<Row> rows) throws IOException {
        Sheet sheet = new Sheet(
                name,
                "java -cp benchmarks/target/benchmarks.jar " + program.getName(),
                LocalDate.now(ZoneOffset.UTC).toString(),
                commit(),
                machine(),
                System.getProperty("java.version"),
                rows);
        Files.createDirectories(folder);
        new ObjectMapper()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .writeValue(folder.resolve(name + ".json").toFile(), sheet);
    }

    private static String commit() throws IOException {
        Process git = new ProcessBuilder("git", "rev-parse", "--short", "HEAD").start();
        return new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    private static String machine() throws IOException {
        String processors = Runtime.getRuntime().availableProcessors() + " cores, " + System.getProperty("os.arch");
        Path info = Path.of("/proc/cpuinfo");
        if (!Files.isReadable(info)) {
            return processors;
        }
        try (Stream<String> lines = Files.lines(info)) {
            return processors
                    + lines.filter(line -> line.startsWith("model name"))
                            .map(line ->
                                    ", " + line.substring(line.indexOf(':') + 1).strip())
                            .findFirst()
                            .orElse("");
        }
    }
}
