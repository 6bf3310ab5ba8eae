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
import org.jspecify.annotations.Nullable;

/** Draws the kept results: serving.svg, and the table in the README. */
final class Page {

    private static final Pattern CALLERS = Pattern.compile("(.*), (\\d+) callers?(, p99)?");

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
                charts.add(chart(sheet, work, "requests/s", model + ": throughput", "requests/s"));
                charts.add(chart(sheet, work, "us", model + ": p99", "p99 (µs)"));
            }
        }
        Path svg = folder.resolve("serving.svg");
        Files.writeString(svg, Chart.page(charts, 2), StandardCharsets.UTF_8);
        Console.line("picture in %s", svg);
    }

    private static Chart chart(Results.Sheet sheet, String work, String unit, String title, String label) {
        Map<String, List<Chart.Point>> lines = new LinkedHashMap<>();
        for (Results.Row row : sheet.rows()) {
            Matcher matcher = CALLERS.matcher(row.work());
            if (row.latency() == null
                    || !row.unit().equals(unit)
                    || !matcher.matches()
                    || !work.equals(matcher.group(1))) {
                continue;
            }
            double callers = Double.parseDouble(matcher.group(2));
            point(lines, Contender.FLYWHEEL, callers, row.flywheel());
            point(lines, "ONNX Runtime, by hand", callers, row.limit());
            row.peers().forEach((name, value) -> point(lines, name, callers, value));
        }
        Chart chart = new Chart(title, "concurrent callers", label, Chart.Scale.LOG);
        lines.forEach(chart::line);
        return chart;
    }

    private static void point(
            Map<String, List<Chart.Point>> lines, String name, double callers, @Nullable Double value) {
        if (value != null) {
            lines.computeIfAbsent(name, n -> new ArrayList<>()).add(new Chart.Point(callers, value));
        }
    }
}
