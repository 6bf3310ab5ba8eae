package dev.flywheel.benchmarks;

import java.util.Locale;

/** What the programs print. */
final class Console {

    private Console() {}

    static void line(String format, Object... arguments) {
        System.out.printf(Locale.ROOT, format + "%n", arguments);
    }

    /** Prints a row of a table. */
    static void row(Results.Row row) {
        StringBuilder peers = new StringBuilder();
        row.peers()
                .forEach((name, value) ->
                        peers.append("  ").append(name).append(' ').append(figure(value)));
        line(
                "%-52s %-11s %12s%s%s%s",
                row.work(),
                row.unit(),
                figure(row.flywheel()),
                row.limit() == null ? "" : "  limit " + figure(row.limit()) + " (" + row.ratio() + ")",
                row.target() == null ? "" : "  " + row.targetIs() + ": " + verdict(row),
                peers);
    }

    static String verdict(Results.Row row) {
        return row.met() == null ? "not measured" : row.met() ? "met" : "MISSED";
    }

    static String figure(double value) {
        return String.format(Locale.ROOT, Math.abs(value) < 100 ? "%,.2f" : "%,.0f", value);
    }
}
