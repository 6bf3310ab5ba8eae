package dev.flywheel.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Draws the kept results: serving.svg, and the table in the README. */
final class Page {

    private static final Pattern CALLERS = Pattern.compile("(.*), (\\d+) callers?");

    private static final Map<String, Integer> COLOURS = Map.of(
            "Flywheel", 0,
            "ORT inline (limit)", 1,
            "ORT sorted (limit)", 1,
            "ORT as documented", 2,
            "ORT, text by text", 2,
            "DJL Predictor", 3,
            "queue and worker", 4,
            "Flywheel, a lane each", 5);

    private Page() {}

    static void run(Arguments arguments) throws IOException {
        Path out = arguments.out();
        Path readme = Path.of(arguments.text("readme", "README.md"));
        arguments.refuseOthers();
        draw(out);
        if (Files.isRegularFile(readme)) {
            String text = Files.readString(readme);
            Files.writeString(readme, ReadmeTable.renew(text, out));
            Console.line("table in %s", readme);
        }
    }

    private static void draw(Path folder) throws IOException {
        List<Chart> charts = new ArrayList<>();
        for (String name : List.of("load-mlp", "load-minilm")) {
            Results.Sheet sheet = Results.read(folder, name);
            if (sheet != null) {
                boolean mlp = name.equals("load-mlp");
                String model = mlp ? "Small MLP (16-64-2)" : "MiniLM float32, mixed lengths";
                String work = mlp ? "predict, mlp" : "MiniLM float32, mixed lengths";
                charts.add(chart(sheet, work, "rate", model + ": throughput", "requests/s"));
                charts.add(chart(sheet, work, "p99", model + ": p99", "99th percentile (µs)"));
                charts.add(chart(sheet, work, "max", model + ": slowest", "slowest request (µs)"));
            }
        }
        Path svg = folder.resolve("serving.svg");
        Files.writeString(svg, Chart.page(charts, 3), StandardCharsets.UTF_8);
        Console.line("picture in %s", svg);
    }

    private static Chart chart(Results.Sheet sheet, String work, String figure, String title, String label) {
        Map<String, List<Chart.Point>> lines = new LinkedHashMap<>();
        for (Results.Row row : sheet.rows()) {
            Matcher matcher = CALLERS.matcher(row.work());
            if (row.latency() == null || !matcher.matches() || !work.equals(matcher.group(1))) {
                continue;
            }
            double callers = Double.parseDouble(matcher.group(2));
            row.latency().forEach((name, latency) -> {
                double value = switch (figure) {
                    case "p99" -> latency.p99();
                    case "max" -> latency.max();
                    default -> rate(row, name);
                };
                boolean sorted = name.equals(Target.LIMIT) && sheet.name().startsWith("load-minilm");
                // The limit of the transformer has all texts beforehand: nobody waits for an answer.
                if (!sorted || figure.equals("rate")) {
                    lines.computeIfAbsent(label(name, sheet), n -> new ArrayList<>())
                            .add(new Chart.Point(callers, value));
                }
            });
        }
        Chart chart = new Chart(title, "concurrent callers", label, Chart.Scale.LOG);
        lines.forEach((name, points) -> chart.line(name, COLOURS.getOrDefault(name, 6), points));
        return chart;
    }

    private static double rate(Results.Row row, String name) {
        return switch (name) {
            case Contender.FLYWHEEL -> row.flywheel();
            case Target.LIMIT -> row.limit() == null ? Double.NaN : row.limit();
            default -> row.peers().getOrDefault(name, Double.NaN);
        };
    }

    private static String label(String name, Results.Sheet sheet) {
        return switch (name) {
            case Contender.FLYWHEEL -> "Flywheel";
            case Mlp.LANE_EACH -> "Flywheel, a lane each";
            case Target.LIMIT -> sheet.name().equals("load-mlp") ? "ORT inline (limit)" : "ORT sorted (limit)";
            case "ort-readme" -> "ORT as documented";
            case "ort-each" -> "ORT, text by text";
            case "djl-predictor" -> "DJL Predictor";
            case "queue-1-worker" -> "queue and worker";
            default -> name;
        };
    }
}
