package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Confusion;
import dev.flywheel.core.stat.Curves;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Threshold;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The part of a run's report about its models: candidates, curves, decisions. */
final class ModelSection {

    private static final double INTERVAL_WIDTH = 110;

    private final RunReport.Models models;
    private final OptionalInt champion;
    private final Page page;
    private final List<Metric> metrics;

    ModelSection(RunReport.Models models, OptionalInt champion, Page page) {
        this.models = models;
        this.champion = champion;
        this.page = page;
        this.metrics = Metric.of(models.task());
    }

    void write() {
        if (!models.candidates().isEmpty()) {
            candidates();
        }
        Diagnostics diagnostics = models.winnerDiagnostics();
        if (diagnostics != null) {
            page.section("How the winner predicts");
            if (models.task() == Task.BINARY && diagnostics.roc().isEmpty()) {
                page.paragraph("No curves: they need test rows of both classes and possible predictions.");
            } else if (models.task() == Task.BINARY) {
                curves(diagnostics);
            } else if (models.task() == Task.MULTICLASS) {
                new ClassSection(models, page).write(diagnostics);
            } else {
                residuals(diagnostics);
            }
            confusions(diagnostics);
            if (models.threshold() != null) {
                threshold(models.threshold());
            }
        }
        if (!models.slices().isEmpty()) {
            new SliceSection(models, page).write();
        }
        if (models.examination() != null) {
            new ExaminationSection(models.examination(), page).write();
        }
    }

    private void candidates() {
        page.section("Candidates");
        Html out = page.out();
        if (models.candidates().stream()
                .anyMatch(candidate -> !candidate.validation().isEmpty())) {
            out.leaf(
                    "p",
                    "The candidates were compared on validation rows, which were held back from all of them. The best was"
                            + " then trained on all training rows and judged on the test rows, which had no part in the"
                            + " choice.");
            table("Metrics on the validation rows, with 95% intervals", rows(true), false);
            table("Metrics of the winner on the test rows, with 95% intervals", winner(), true);
        } else {
            table("Metrics on the test rows, with 95% intervals", rows(false), true);
        }
        out.leaf("p", "\u2191 higher is better, \u2193 lower is better.", "class", "hint");
    }

    private record Row(RunReport.Candidate candidate, String role) {}

    private List<Row> rows(boolean validation) {
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < models.candidates().size(); i++) {
            RunReport.Candidate candidate = models.candidates().get(i);
            boolean wins = models.winner().isPresent() && models.winner().getAsInt() == i;
            rows.add(new Row(validation ? validated(candidate) : candidate, wins ? "winner" : ""));
        }
        return rows;
    }

    private static RunReport.Candidate validated(RunReport.Candidate candidate) {
        return new RunReport.Candidate(
                candidate.name(),
                candidate.settings(),
                candidate.trainSeconds(),
                candidate.validation(),
                candidate.problem(),
                Map.of());
    }

    private List<Row> winner() {
        return rows(false).stream().filter(row -> !row.role.isEmpty()).toList();
    }

    private void table(String caption, List<Row> candidates, boolean withChampion) {
        List<Row> rows = new ArrayList<>(candidates);
        if (withChampion && models.champion() != null) {
            rows.add(new Row(models.champion(), "champion"));
        }
        Html out = page.out();
        Tables.open(out, caption, "candidates");
        out.open("thead").open("tr");
        Tables.heading(out, "Model", false);
        for (Metric metric : metrics) {
            out.leaf(
                    "th",
                    metric.label() + (metric.higherIsBetter() ? " \u2191" : " \u2193"),
                    "scope",
                    "col",
                    "class",
                    "n",
                    "title",
                    metric.meaning() + (metric.higherIsBetter() ? " (higher is better)" : " (lower is better)"));
        }
        out.close().close().open("tbody");
        Axis scale = Charts.scale(mainEstimates(rows), INTERVAL_WIDTH);
        rows.forEach(row -> row(out, row.candidate, row.role, scale));
        Tables.close(out.close());
    }

    private List<Estimate> mainEstimates(List<Row> rows) {
        List<Estimate> estimates = new ArrayList<>();
        rows.forEach(row -> addMain(row.candidate, estimates));
        return estimates;
    }

    private void addMain(RunReport.Candidate candidate, List<Estimate> estimates) {
        Estimate estimate = candidate.metrics().get(metrics.get(0));
        if (estimate != null) {
            estimates.add(estimate);
        }
    }

    private void row(Html out, RunReport.Candidate candidate, String role, Axis scale) {
        out.open("tr", "class", role).open("th", "scope", "row");
        out.open("span", "class", "name").text(candidate.name());
        if (!role.isEmpty()) {
            String number = role.equals("champion") && champion.isPresent() ? " v" + champion.getAsInt() : "";
            out.leaf("span", role + number, "class", "badge " + role);
        }
        out.close();
        out.leaf("span", settings(candidate), "class", "settings").close();
        if (!candidate.problem().isEmpty()) {
            out.leaf("td", candidate.problem(), "class", "problem", "colspan", Integer.toString(metrics.size()));
        } else {
            metrics.forEach(metric -> cell(out, candidate, metric, role, scale));
        }
        out.close();
    }

    private static String settings(RunReport.Candidate candidate) {
        String settings = candidate.settings().entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue())
                .collect(Collectors.joining(" \u00b7 "));
        String time = Double.isNaN(candidate.trainSeconds())
                ? ""
                : "trained in " + Numbers.duration(candidate.trainSeconds());
        return settings + (settings.isEmpty() || time.isEmpty() ? "" : " \u00b7 ") + time;
    }

    private void cell(Html out, RunReport.Candidate candidate, Metric metric, String role, Axis scale) {
        out.open("td", "class", "n");
        Estimate estimate = candidate.metrics().get(metric);
        if (estimate == null || Double.isNaN(estimate.value())) {
            out.text("\u2013");
            if (estimate != null) {
                out.leaf("span", estimate.method(), "class", "range reason");
            }
        } else {
            out.leaf("span", Page.typographic(Numbers.metric(metric, estimate.value())), "class", "value")
                    .leaf("span", range(metric, estimate), "class", "range", "title", estimate.method());
            if (metric == metrics.get(0)) {
                new Charts(out).interval(metric, estimate, scale, Double.NaN, role.equals("champion") ? "s1" : "s0");
            }
        }
        out.close();
    }

    static String range(Metric metric, Estimate estimate) {
        String low = shorter(metric, estimate.low());
        String high = shorter(metric, estimate.high());
        return Page.typographic(low + (low.startsWith("-") ? " to " : "\u2013") + high);
    }

    /** One digit less than the value has: an interval needs no more, and seven of them must stand side by side. */
    private static String shorter(Metric metric, double value) {
        return !metric.judges(Task.REGRESSION) || metric == Metric.R2
                ? Numbers.fixed(value, 3)
                : Numbers.significant(value, 3);
    }

    private void curves(Diagnostics winner) {
        Html out = page.out();
        out.open("div", "class", "charts");
        Charts charts = new Charts(out);
        charts.unit(
                "ROC curve",
                "True positive rate over false positive rate. The diagonal is chance.",
                "False positive rate",
                "True positive rate",
                traces(winner, Diagnostics::roc),
                0,
                1);
        double base = baseRate(winner);
        charts.unit(
                "Precision and recall",
                "Precision over recall. The level line is the base rate, " + Numbers.percent(base) + ".",
                "Recall",
                "Precision",
                traces(winner, ModelSection::precisionRecall),
                base,
                base);
        charts.calibration(
                "Calibration",
                "Observed over predicted rate in ten groups of rows, with 95% intervals. The diagonal is perfect.",
                calibration(winner, models.championDiagnostics()));
        out.close();
    }

    static List<Charts.Bins> calibration(Diagnostics winner, @Nullable Diagnostics champion) {
        List<Charts.Bins> bins = new ArrayList<>();
        bins.add(new Charts.Bins("Candidate", winner.calibration()));
        if (champion != null) {
            bins.add(new Charts.Bins("Champion", champion.calibration()));
        }
        return bins;
    }

    private List<Charts.Trace> traces(Diagnostics winner, Function<Diagnostics, List<Curves.Point>> curve) {
        List<Charts.Trace> traces = new ArrayList<>();
        traces.add(new Charts.Trace("Candidate", curve.apply(winner)));
        if (models.championDiagnostics() != null) {
            traces.add(new Charts.Trace("Champion", curve.apply(models.championDiagnostics())));
        }
        return traces;
    }

    /** Below a recall of 1% the precision of a handful of rows leaps from 0 to 1. */
    private static List<Curves.Point> precisionRecall(Diagnostics diagnostics) {
        return diagnostics.precisionRecall().stream()
                .filter(point -> point.x() >= 0.01)
                .toList();
    }

    private static double baseRate(Diagnostics diagnostics) {
        Confusion confusion = diagnostics.confusion();
        return confusion == null
                ? Double.NaN
                : (double) (confusion.truePositives() + confusion.falseNegatives()) / confusion.rows();
    }

    private void residuals(Diagnostics winner) {
        if (winner.grid() == null || winner.residuals() == null) {
            return;
        }
        Html out = page.out();
        out.open("div", "class", "charts");
        Charts charts = new Charts(out);
        charts.grid(
                "Predicted and actual, candidate",
                "Rows by predicted and actual value; darker cells hold more. The diagonal is perfect.",
                winner.grid());
        Diagnostics before = models.championDiagnostics();
        if (before != null && before.grid() != null) {
            charts.grid("Predicted and actual, champion", "The same for the champion.", before.grid());
        }
        charts.histogram(
                "Residuals",
                "Prediction minus outcome. " + Numbers.count(winner.residuals().outside())
                        + " rows lie outside the range shown.",
                "Predicted minus actual",
                winner.residuals());
        out.close();
    }

    private void confusions(Diagnostics winner) {
        if (winner.confusion() == null) {
            return;
        }
        Html out = page.out();
        out.open("div", "class", "pair");
        confusion(out, "Candidate at 0.5", winner.confusion());
        Diagnostics before = models.championDiagnostics();
        if (before != null && before.confusion() != null) {
            confusion(out, "Champion at 0.5", before.confusion());
        }
        out.close();
    }

    private void threshold(Threshold found) {
        Estimate score = found.score();
        boolean calibrated = score.low() <= found.calibrated() && found.calibrated() <= score.high();
        page.paragraph(Page.typographic("Where " + found.costs().describe() + ", decide as positive from "
                + Numbers.fixed(score.value(), 3) + " on (from " + Numbers.fixed(score.low(), 3) + " to "
                + Numbers.fixed(score.high(), 3) + " is not proven to cost more). A row then costs "
                + cost(found.cost()) + ", against " + cost(found.costAtHalf())
                + " at 0.5; it was chosen on these rows, so that new ones cost a little more. Of exact probabilities it"
                + " would be " + Numbers.fixed(found.calibrated(), 3)
                + (calibrated ? "." : ", which costs more here: the probabilities are not calibrated.")));
    }

    private static String cost(Estimate cost) {
        return Numbers.significant(cost.value(), 3) + " (95% " + Numbers.significant(cost.low(), 3) + " to "
                + Numbers.significant(cost.high(), 3) + ")";
    }

    private static void confusion(Html out, String caption, Confusion confusion) {
        Tables.open(out, caption);
        out.open("thead").open("tr");
        Tables.heading(out, "", false);
        Tables.heading(out, "predicted positive", true);
        Tables.heading(out, "predicted negative", true);
        out.close().close().open("tbody");
        decisions(out, "positive", confusion.truePositives(), confusion.falseNegatives(), true);
        decisions(out, "negative", confusion.falsePositives(), confusion.trueNegatives(), false);
        out.close().open("tfoot").open("tr").open("td", "colspan", "3");
        out.text("precision " + Numbers.percent(confusion.precision()) + " \u00b7 recall "
                + Numbers.percent(confusion.recall()) + " \u00b7 specificity "
                + Numbers.percent(confusion.specificity()));
        Tables.close(out.close().close().close());
    }

    private static void decisions(Html out, String actual, long positive, long negative, boolean rightIsFirst) {
        out.open("tr").leaf("th", "actually " + actual, "scope", "row");
        decision(out, positive, positive + negative, rightIsFirst);
        decision(out, negative, positive + negative, !rightIsFirst);
        out.close();
    }

    static void decision(Html out, long rows, long of, boolean right) {
        out.open("td", "class", right ? "n right" : "n wrong")
                .leaf("span", Numbers.count(rows), "class", "value")
                .leaf("span", Numbers.percent((double) rows / of), "class", "range")
                .close();
    }
}
