package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/** A run's report as a page: the result and its reasons first, what they rest on further down. */
final class HtmlReport {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private final RunReport report;
    private final Page page;

    private HtmlReport(RunReport report) {
        this.report = report;
        this.page = Page.titled(report.head().pipeline()).kicker("Flywheel run report");
    }

    static String of(RunReport report) {
        return new HtmlReport(report).write();
    }

    /** {@return an instant as readers like it, in UTC} */
    static String time(Instant instant) {
        return TIME.format(instant);
    }

    private String write() {
        head();
        verdicts(report.verdicts(), page);
        new ModelSection(report.models(), report.head().champion(), page).write();
        new DataSection(report.data(), page).write();
        lineage();
        return page.html();
    }

    private void head() {
        RunReport.Head head = report.head();
        outcome(head, page);
        List<Page.Figure> figures = figures();
        if (!figures.isEmpty()) {
            page.figures(figures);
        }
    }

    /** Writes which run it was, how it ended and why. */
    static void outcome(RunReport.Head head, Page page) {
        Page.Tone tone = tone(head.outcome());
        Html out = page.out();
        double seconds = Duration.between(head.startedAt(), head.endedAt()).toMillis() / 1000.0;
        out.leaf(
                "p",
                "Run " + head.run() + " \u00b7 " + time(head.startedAt()) + " \u00b7 took " + Numbers.duration(seconds),
                "class",
                "sub");
        if (!head.energy().isEmpty()) {
            out.leaf("p", "Energy: " + head.energy(), "class", "sub");
        }
        out.open("div", "class", "outcome " + tone.style);
        Page.sign(out, tone);
        out.open("div")
                .leaf("strong", outcome(head))
                .leaf("p", Page.typographic(head.reason()))
                .close()
                .close();
    }

    private static String outcome(RunReport.Head head) {
        String version =
                head.version().isPresent() ? " version " + head.version().getAsInt() : "";
        return switch (head.outcome()) {
            case PROMOTED -> "PROMOTED" + (version.isEmpty() ? "" : ":" + version + " is champion");
            case REJECTED ->
                "REJECTED"
                        + (head.champion().isPresent()
                                ? ": version " + head.champion().getAsInt() + " stays champion"
                                : ": there is still no champion");
            case ON_TRIAL -> "ON TRIAL" + (version.isEmpty() ? "" : ":" + version + " answers beside the champion");
            case FAILED -> "FAILED";
            case TRAINED -> "TRAINED" + (version.isEmpty() ? "" : ":" + version + " is registered");
        };
    }

    private static Page.Tone tone(RunReport.Outcome outcome) {
        return switch (outcome) {
            case PROMOTED -> Page.Tone.GOOD;
            case REJECTED, ON_TRIAL -> Page.Tone.OPEN;
            case FAILED -> Page.Tone.BAD;
            case TRAINED -> Page.Tone.NEUTRAL;
        };
    }

    private List<Page.Figure> figures() {
        List<Page.Figure> figures = new ArrayList<>();
        RunReport.Models models = report.models();
        if (models.winner().isPresent()) {
            RunReport.Candidate winner = models.candidates().get(models.winner().getAsInt());
            Metric.of(models.task()).stream()
                    .limit(3)
                    .filter(winner.metrics()::containsKey)
                    .forEach(metric -> figures.add(figure(metric, winner, models)));
        }
        for (RunReport.Part part : report.data().parts()) {
            figures.add(new Page.Figure("Rows: " + part.name(), Numbers.count(part.rows()), ""));
        }
        if (report.data().checks().read() > report.data().checks().accepted()) {
            long refused =
                    report.data().checks().read() - report.data().checks().accepted();
            figures.add(new Page.Figure("Rows refused", Numbers.count(refused), ""));
        }
        return figures;
    }

    private static Page.Figure figure(Metric metric, RunReport.Candidate winner, RunReport.Models models) {
        RunReport.Candidate champion = models.champion();
        Estimate before = champion == null ? null : champion.metrics().get(metric);
        String note = before == null ? "" : "champion " + Numbers.metric(metric, before.value());
        return new Page.Figure(metric.label(), Numbers.metric(metric, value(winner.metrics(), metric)), note);
    }

    private static double value(Map<Metric, Estimate> metrics, Metric metric) {
        Estimate estimate = metrics.get(metric);
        return estimate == null ? Double.NaN : estimate.value();
    }

    /** Writes what the gates said, if any was asked. */
    static void verdicts(List<Verdict> verdicts, Page page) {
        if (verdicts.isEmpty()) {
            return;
        }
        page.section("Gates");
        Html out = page.out();
        out.open("ul", "class", "gates");
        for (Verdict verdict : verdicts) {
            Page.Tone tone = switch (verdict.outcome()) {
                case PASS -> Page.Tone.GOOD;
                case FAIL -> Page.Tone.BAD;
                case INCONCLUSIVE -> Page.Tone.OPEN;
            };
            out.open("li", "class", tone.style);
            Page.sign(out, tone);
            out.leaf("strong", verdict.gate(), "class", "gate")
                    .leaf("span", verdict.outcome().name(), "class", "badge " + tone.style)
                    .leaf("span", Page.typographic(verdict.evidence()), "class", "detail")
                    .close();
        }
        out.close();
    }

    private void lineage() {
        RunReport.Lineage lineage = report.lineage();
        page.section("Lineage");
        Html out = page.out();
        out.open("dl", "class", "facts");
        for (RunReport.Part part : report.data().parts()) {
            fact(out, "Data to " + part.name(), part.hash(), "hash");
        }
        fact(out, "Definition", lineage.definitionHash(), "hash");
        fact(out, "Parent version", number(lineage.parent()), "");
        fact(out, "Alias", lineage.aliasMove().isEmpty() ? "not moved" : lineage.aliasMove(), "");
        fact(out, "Started", time(report.head().startedAt()), "");
        fact(out, "Ended", time(report.head().endedAt()), "");
        lineage.environment().forEach((name, value) -> fact(out, name, value, ""));
        out.close();
        definition(lineage.definition(), out);
        out.open("p", "class", "hint")
                .leaf("a", "Model card and data card of this run", "href", RunReport.CARD)
                .close();
    }

    /** Writes a pipeline's definition, folded. */
    static void definition(String text, Html out) {
        if (!text.isEmpty()) {
            out.open("details").leaf("summary", "The pipeline's definition").leaf("pre", text);
            out.close();
        }
    }

    static void fact(Html out, String name, String value, String style) {
        out.open("div").leaf("dt", name).leaf("dd", value, "class", style).close();
    }

    private static String number(OptionalInt version) {
        return version.isPresent() ? Integer.toString(version.getAsInt()) : "none";
    }
}
