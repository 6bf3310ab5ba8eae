package dev.flywheel.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The README's table of benchmark results, made of the files that are kept. */
final class ReadmeTable {

    static final String BEGIN = "<!-- benchmarks: made by the page command -->";
    static final String END = "<!-- /benchmarks -->";

    private static final List<String> FILES =
            List.of("load-mlp", "load-minilm", "load-minilm-int8", "score", "swap", "steady", "micro");

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
        StringBuilder rows = new StringBuilder();
        for (String name : FILES) {
            Results.Sheet sheet = Results.read(folder, name);
            if (sheet == null) {
                continue;
            }
            machine = sheet.machine() + ", JDK " + sheet.jdk();
            for (Results.Row row : sheet.rows()) {
                if (row.target() != null) {
                    rows.append(line(row));
                    met += Boolean.TRUE.equals(row.met()) ? 1 : 0;
                    missed += Boolean.FALSE.equals(row.met()) ? 1 : 0;
                }
            }
        }
        text.append(String.format(
                Locale.ROOT,
                "%nOn %s: %d targets met, %d missed.%n%n"
                        + "| work | unit | Flywheel | by hand | others | target | found | |%n"
                        + "|---|---|---:|---:|---|---|---:|---|%n",
                machine,
                met,
                missed));
        return text.append(rows).append('\n').toString();
    }

    private static String line(Results.Row row) {
        StringBuilder peers = new StringBuilder();
        for (Map.Entry<String, Double> peer : row.peers().entrySet()) {
            peers.append(peers.isEmpty() ? "" : ", ")
                    .append(peer.getKey())
                    .append(' ')
                    .append(Console.figure(peer.getValue()));
        }
        return String.format(
                Locale.ROOT,
                "| %s | %s | %s | %s | %s | %s | %s | %s |%n",
                row.work(),
                row.unit(),
                Console.figure(row.flywheel()),
                row.limit() == null ? "" : Console.figure(row.limit()),
                peers,
                String.valueOf(row.targetIs()).replace("<", "&lt;").replace(">", "&gt;"),
                row.compared() == null ? "" : Console.figure(row.compared()),
                row.met() == null ? "not measured" : row.met() ? "met" : "**missed**");
    }
}
