package dev.flywheel.benchmarks;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The rows of one file in benchmarks/results, printed as they come. Not thread-safe. */
final class Results {

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    /**
     * How long the requests of a contender took, in microseconds, over all rounds that count: medians of the rounds'
     * percentiles, and the slowest request of them all.
     */
    record Latency(double p50, double p99, double p999, double max) {}

    /**
     * One line of a table.
     *
     * @param flywheel the median of our rounds
     * @param limit the median of the rounds of the same work by hand, if that was measured
     * @param peers the medians of others
     * @param ratio ours to the limit
     * @param target what {@code compared} should be
     * @param targetIs the target in words
     * @param compared what is held against the target: ours, or its ratio to the limit or a peer
     * @param met whether it is what it should be
     * @param rounds our rounds
     * @param limitRounds those of the limit
     * @param peerRounds those of the others
     * @param latency of each contender, by name; the limit's is "limit"
     * @param note what a reader has to know
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
            @JsonProperty("target_is") @Nullable String targetIs,
            @Nullable Double compared,
            @Nullable Boolean met,
            List<Double> rounds,
            @JsonProperty("limit_rounds") @Nullable List<Double> limitRounds,
            @JsonProperty("peer_rounds") @Nullable Map<String, List<Double>> peerRounds,
            @Nullable Map<String, Latency> latency,
            @Nullable String note) {}

    /** A file. */
    record Sheet(String name, String command, String date, String commit, String machine, String jdk, List<Row> rows) {}

    private final String name;
    private final String command;
    private final List<Row> rows = new ArrayList<>();

    /** @param command what was asked for, after {@code java -jar benchmarks/target/benchmarks.jar} */
    Results(String name, String command) {
        this.name = name;
        this.command = "java -jar benchmarks/target/benchmarks.jar " + command;
    }

    /** Adds a row of requests a second, and one more for each further target. */
    void rate(String work, String limit, Map<String, List<Measured>> found, Target... targets) {
        figure(work, "requests/s", limit, found, Measured::rate, targets);
    }

    /** Adds rows of any figure of the rounds. */
    void figure(
            String work,
            String unit,
            String limit,
            Map<String, List<Measured>> found,
            ToDoubleFunction<Measured> figure,
            Target... targets) {
        Map<String, List<Double>> values = new LinkedHashMap<>();
        Map<String, Latency> latency = new LinkedHashMap<>();
        found.forEach((contender, rounds) -> {
            String key = contender.equals(limit) ? Target.LIMIT : contender;
            values.put(key, doubles(rounds, figure));
            latency.put(
                    key,
                    new Latency(
                            median(doubles(rounds, r -> r.micros(0.50))),
                            median(doubles(rounds, r -> r.micros(0.99))),
                            median(doubles(rounds, r -> r.micros(0.999))),
                            rounded(rounds.stream()
                                    .mapToDouble(Measured::slowestMicros)
                                    .max()
                                    .orElse(Double.NaN))));
        });
        add(work, unit, values, latency, null, targets);
    }

    /**
     * Adds rows.
     *
     * @param values the rounds of each contender; ours is "flywheel", the limit's "limit", others are peers
     * @param targets each gets a row of its own; none gives one row
     */
    void add(
            String work,
            String unit,
            Map<String, List<Double>> values,
            @Nullable Map<String, Latency> latency,
            @Nullable String note,
            Target... targets) {
        Map<String, Double> medians = new LinkedHashMap<>();
        values.forEach((contender, rounds) -> medians.put(contender, median(rounds)));
        boolean first = true;
        for (Target target : targets) {
            add(row(work, unit, values, medians, first ? latency : null, note, target));
            first = false;
        }
        if (first) {
            add(row(work, unit, values, medians, latency, note, null));
        }
    }

    private static Row row(
            String work,
            String unit,
            Map<String, List<Double>> values,
            Map<String, Double> medians,
            @Nullable Map<String, Latency> latency,
            @Nullable String note,
            @Nullable Target target) {
        double ours = medians.getOrDefault(Contender.FLYWHEEL, Double.NaN);
        Double limit = medians.get(Target.LIMIT);
        Map<String, Double> peers = new LinkedHashMap<>(medians);
        Map<String, List<Double>> peerRounds = new LinkedHashMap<>(values);
        for (String own : List.of(Contender.FLYWHEEL, Target.LIMIT)) {
            peers.remove(own);
            peerRounds.remove(own);
        }
        Double compared = null;
        if (target != null) {
            compared = target.of().isEmpty() ? (Double) ours : ratio(ours, medians.get(target.of()));
        }
        return new Row(
                work,
                unit,
                ours,
                limit,
                peers,
                ratio(ours, limit),
                target == null ? null : target.value(),
                target == null ? null : target.text(),
                compared,
                (target == null || compared == null) ? null : (Boolean) target.met(compared),
                values.getOrDefault(Contender.FLYWHEEL, List.of()),
                values.get(Target.LIMIT),
                (latency == null || peerRounds.isEmpty()) ? null : peerRounds,
                latency,
                note);
    }

    private void add(Row row) {
        rows.add(row);
        Console.row(row);
    }

    private static @Nullable Double ratio(double ours, @Nullable Double other) {
        return other == null ? null : (Double) (Math.round(1000 * ours / other) / 1000.0);
    }

    private static List<Double> doubles(List<Measured> rounds, ToDoubleFunction<Measured> figure) {
        return rounds.stream().map(r -> rounded(figure.applyAsDouble(r))).toList();
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
    }

    static double rounded(double value) {
        return Math.abs(value) > 1000 ? Math.rint(value) : Math.rint(value * 1000) / 1000;
    }

    /** Writes the file. */
    void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Path file = folder.resolve(name + ".json");
        JSON.writeValue(
                file.toFile(),
                new Sheet(
                        name,
                        command,
                        LocalDate.now(ZoneOffset.UTC).toString(),
                        commit(),
                        machine(),
                        System.getProperty("java.version"),
                        List.copyOf(rows)));
        Console.line("%d rows in %s", rows.size(), file);
    }

    /** {@return the file, or null if there is none} */
    static @Nullable Sheet read(Path folder, String name) throws IOException {
        Path file = folder.resolve(name + ".json");
        return Files.isRegularFile(file) ? JSON.readValue(file.toFile(), Sheet.class) : null;
    }

    /** {@return what was built: as whoever carried it elsewhere says, or as git does} */
    static String commit() throws IOException {
        String said = System.getProperty("flywheel.benchmarks.commit");
        if (said != null) {
            return said;
        }
        try {
            Process git = new ProcessBuilder("git", "rev-parse", "--short", "HEAD")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            return "unknown";
        }
    }

    static String machine() throws IOException {
        String processors = Runtime.getRuntime().availableProcessors() + " cores, " + System.getProperty("os.arch");
        Path info = Path.of("/proc/cpuinfo");
        if (!Files.isReadable(info)) {
            return processors;
        }
        try (Stream<String> lines = Files.lines(info)) {
            return processors
                    + lines.filter(line -> line.toLowerCase(Locale.ROOT).startsWith("model name"))
                            .map(line ->
                                    ", " + line.substring(line.indexOf(':') + 1).strip())
                            .findFirst()
                            .orElse("");
        }
    }
}
