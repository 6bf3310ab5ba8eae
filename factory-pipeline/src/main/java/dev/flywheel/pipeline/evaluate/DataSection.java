package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.data.ColumnType;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;

/** The part of a run's report about its data: what the checks let through, and what the columns hold. */
final class DataSection {

    private static final int SHOWN_VALUES = 5;
    private static final int LONGEST_VALUE = 48;
    private static final double SPARK_WIDTH = 168;
    private static final double SPARK_HEIGHT = 40;

    private final RunReport.Data data;
    private final Page page;

    DataSection(RunReport.Data data, Page page) {
        this.data = data;
        this.page = page;
    }

    void write() {
        if (data.checks().read() > 0) {
            checks();
        }
        if (!data.columns().isEmpty()) {
            columns();
        }
    }

    private void checks() {
        RunReport.Checks checks = data.checks();
        long refused = checks.read() - checks.accepted();
        page.section("Checks and quarantine");
        page.paragraph(
                refused == 0
                        ? "All " + Numbers.count(checks.read()) + " rows passed."
                        : Numbers.count(checks.accepted()) + " of " + Numbers.count(checks.read()) + " rows passed, "
                                + Numbers.count(refused) + " were refused.");
        Html out = page.out();
        if (!checks.refusals().isEmpty()) {
            Tables.open(out, "Refused rows by reason");
            out.open("thead").open("tr");
            Tables.heading(out, "Reason", false);
            Tables.heading(out, "Rows", true);
            Tables.heading(out, "Share", true);
            out.close().close().open("tbody");
            for (RunReport.Refusal refusal : checks.refusals()) {
                out.open("tr").leaf("th", refusal.reason(), "scope", "row");
                out.leaf("td", Numbers.count(refusal.rows()), "class", "n");
                out.leaf("td", Numbers.percent((double) refusal.rows() / checks.read()), "class", "n")
                        .close();
            }
            Tables.close(out.close());
        }
        if (!checks.quarantine().isEmpty()) {
            out.open("p")
                    .text("The refused rows are kept in ")
                    .leaf("code", checks.quarantine())
                    .text(".")
                    .close();
        }
    }

    private void columns() {
        page.section("Columns");
        Html out = page.out();
        Tables.open(out, "What each column holds", "stack");
        out.open("thead").open("tr");
        Tables.heading(out, "Column", false);
        Tables.heading(out, "Missing", true);
        Tables.heading(out, "Values", false);
        Tables.heading(out, "Distribution", false);
        out.close().close().open("tbody");
        data.columns().forEach(column -> row(out, column));
        Tables.close(out.close());
    }

    private static void row(Html out, Profiles.ColumnProfile column) {
        out.open("tr").open("th", "scope", "row").leaf("span", name(column.name()), "class", "name");
        String type = column.type().name().toLowerCase(Locale.ROOT);
        out.leaf(
                        "span",
                        column.type() == ColumnType.VECTOR ? type + ", by the mean of each" : type,
                        "class",
                        "settings")
                .close();
        out.leaf(
                "td",
                column.missing() == 0 ? "none" : Numbers.percent(column.missingShare()),
                "class",
                column.missingShare() > 0.05 ? "n much" : column.missing() == 0 ? "n none" : "n");
        if (column.numeric() != null) {
            numeric(out, column.name(), column.numeric());
        } else if (column.times() != null) {
            times(out, column.name(), column.times());
        } else if (column.text() != null) {
            texts(out, column, column.text());
        } else {
            String why = column.missing() == column.rows() ? "no value" : "values not told";
            out.leaf("td", why, "class", "muted").leaf("td", "");
        }
        out.close();
    }

    private static String name(String column) {
        return switch (column) {
            case "$label" -> "label";
            case "$time" -> "event time";
            case "$id" -> "event id";
            default -> column;
        };
    }

    private static void numeric(Html out, String name, Profiles.Numeric numeric) {
        out.open("td").open("dl", "class", "stats");
        stat(out, "min", numeric.min());
        String[] shares = {"5%", "25%", "median", "75%", "95%"};
        for (int i = 0; i < shares.length; i++) {
            stat(out, shares[i], numeric.quantiles().get(i));
        }
        stat(out, "max", numeric.max());
        stat(out, "mean", numeric.mean());
        stat(out, "std", numeric.deviation());
        out.close().close();
        Histogram histogram = numeric.histogram();
        // A bin for each integer starts half below it.
        double half = (histogram.high() - histogram.low()) / histogram.counts().size() == 1 ? 0.5 : 0;
        spark(out, name, histogram, Numbers.brief(histogram.low() + half), Numbers.brief(histogram.high() - half));
    }

    private static void stat(Html out, String name, double value) {
        out.open("div")
                .leaf("dt", name)
                .leaf("dd", Page.typographic(Numbers.brief(value)))
                .close();
    }

    private static void times(Html out, String name, Profiles.Times times) {
        out.open("td").open("dl", "class", "stats times");
        out.open("div")
                .leaf("dt", "first")
                .leaf("dd", HtmlReport.time(times.first()))
                .close();
        out.open("div")
                .leaf("dt", "last")
                .leaf("dd", HtmlReport.time(times.last()))
                .close();
        out.close().close();
        boolean days = ChronoUnit.DAYS.between(times.first(), times.last()) > 1;
        Histogram histogram = times.histogram();
        spark(out, name, histogram, shortTime(histogram.low(), days), shortTime(histogram.high(), days));
    }

    private static String shortTime(double epochSeconds, boolean days) {
        String text = HtmlReport.time(Instant.ofEpochSecond((long) epochSeconds));
        return days ? text.substring(0, 10) : text.substring(0, 16);
    }

    private static void spark(Html out, String name, Histogram histogram, String low, String high) {
        String description =
                "From " + low + " to " + high + (histogram.outside() > 0 ? "; a few far outliers are left out" : "");
        out.open("td", "class", "dist");
        new Charts(out).sparkline("Distribution of " + name, description, histogram, SPARK_WIDTH, SPARK_HEIGHT);
        out.open("span", "class", "ends")
                .leaf("span", Page.typographic(low))
                .leaf("span", Page.typographic(high))
                .close()
                .close();
    }

    private static void texts(Html out, Profiles.ColumnProfile column, Profiles.Text text) {
        long present = column.rows() - column.missing();
        String about = text.precision() == Profiles.Precision.EXACT ? "" : "about ";
        String count = about + Numbers.count(text.distinct()) + (text.distinct() == 1 ? " value" : " different values");
        boolean unique = text.distinct() > 20 && text.distinct() >= present * 0.95;
        out.leaf("td", unique ? count + ", nearly all unique" : count, "class", "muted");
        if (unique) {
            out.leaf("td", "");
            return;
        }
        List<Profiles.TopValue> shown =
                text.top().subList(0, Math.min(SHOWN_VALUES, text.top().size()));
        out.open("td", "class", "dist").open("ul", "class", "top");
        for (Profiles.TopValue value : shown) {
            double share = (double) value.rows() / present;
            out.open("li").leaf("span", cut(value.value(), column.type()), "class", "val");
            out.open("span", "class", "meter", "aria-hidden", "true")
                    .leaf("span", "", "style", "width:" + Plot.px(share * 100) + "%")
                    .close();
            out.leaf("span", Numbers.percent(share), "class", "share").close();
        }
        out.close().close();
    }

    private static String cut(String value, ColumnType type) {
        if (type == ColumnType.TEXT && value.isBlank()) {
            return "(blank)";
        }
        return value.length() <= LONGEST_VALUE ? value : value.substring(0, LONGEST_VALUE - 1) + "\u2026";
    }
}
