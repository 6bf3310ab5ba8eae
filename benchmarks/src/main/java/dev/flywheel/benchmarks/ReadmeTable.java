package dev.flywheel.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The README's table of benchmark results, made of the files that are kept. */
final class ReadmeTable {

    static final String BEGIN = "<!-- benchmarks: made by the page command -->";
    static final String END = "<!-- /benchmarks -->";

    private static final List<String> FILES = List.of(
            "load-mlp",
            "load-minilm",
            "load-minilm-int8",
            "score",
            "swap",
            "shadow",
            "logs",
            "steady",
            "micro",
            "train");

    private ReadmeTable() {}

    /**
     * {@return the README with the table of now}
     *
     * @throws IllegalArgumentException if it has no place for one
     */
    static String renew(String readme, Path folder) throws IOException {
        int begin = readme.indexOf(BEGIN);
        int end = readme.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IllegalArgumentException("README has no lines " + BEGIN + " and " + END);
        }
        return readme.substring(0, begin + BEGIN.length()) + "\n" + text(folder) + readme.substring(end);
    }

    /** {@return every row that has a target, met or not} */
    static String text(Path folder) throws IOException {
        StringBuilder text = new StringBuilder();
        String machine = "";
        int met = 0;
        int missed = 0;
        Map<String, List<Results.Row>> works = new LinkedHashMap<>();
        for (String name : FILES) {
            Results.Sheet sheet = Results.read(folder, name);
            if (sheet == null) {
                continue;
            }
            machine = sheet.machine() + ", JDK " + sheet.jdk();
            for (Results.Row row : sheet.rows()) {
                if (row.target() != null) {
                    works.computeIfAbsent(row.work(), work -> new ArrayList<>()).add(row);
                    met += Boolean.TRUE.equals(row.met()) ? 1 : 0;
                    missed += Boolean.FALSE.equals(row.met()) ? 1 : 0;
                }
            }
        }
        text.append(String.format(
                Locale.ROOT,
                "%nOn %s: %d targets met, %d missed.%n%n"
                        + "| work | Flywheel | by hand | others | targets |%n"
                        + "|---|---:|---:|---|---|%n",
                machine,
                met,
                missed));
        works.values().forEach(rows -> text.append(line(rows)));
        return text.append('\n').toString();
    }

    private static String figure(@Nullable Double value) {
        return value == null ? "" : Console.figure(value);
    }

    private static String line(List<Results.Row> rows) {
        Results.Row first = rows.get(0);
        StringBuilder peers = new StringBuilder();
        first.peers()
                .forEach((name, value) -> peers.append(peers.isEmpty() ? "" : "<br>")
                        .append(name)
                        .append(' ')
                        .append(Console.figure(value)));
        StringBuilder targets = new StringBuilder();
        for (Results.Row row : rows) {
            String verdict = switch (String.valueOf(row.met())) {
                case "true" -> ": " + figure(row.compared()) + ", met";
                case "false" -> ": " + figure(row.compared()) + ", **missed**";
                default -> ": not measured";
            };
            targets.append(targets.isEmpty() ? "" : "<br>")
                    .append(String.valueOf(row.targetIs()).replace("<=", "≤").replace(">=", "≥"))
                    .append(verdict);
        }
        return String.format(
                Locale.ROOT,
                "| %s (%s) | %s | %s | %s | %s |%n",
                first.work(),
                first.unit(),
                Console.figure(first.flywheel()),
                first.limit() == null ? "" : Console.figure(first.limit()),
                peers,
                targets);
    }
}
