package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The part of a run's report about the winner on parts of the test rows. */
final class SliceSection {

    private static final double SLICE_WIDTH = 200;

    private final RunReport.Models models;
    private final Page page;

    SliceSection(RunReport.Models models, Page page) {
        this.models = models;
        this.page = page;
    }

    void write() {
        page.section("Slices");
        Metric metric = models.slices().get(0).metric();
        Estimate overall = winnerEstimate(metric);
        page.paragraph("The winner on parts of the test rows. The vertical line is " + metric.label()
                + " on all of them. A slice is marked weaker where its whole interval is on the worse side;"
                + " among many slices one in forty is so by chance."
                + (models.slices().get(0).column().equals(Slices.WEAK)
                        ? " The first ones were looked for among all values and pairs of values: there the predictions"
                                + " are farther from the outcomes than on the rest, by more than the number of parts"
                                + " looked at explains (false discovery rate 5%)."
                        : ""));
        List<Estimate> estimates = new ArrayList<>(
                models.slices().stream().map(Slices.Slice::estimate).toList());
        estimates.add(overall);
        Axis scale = Charts.scale(estimates, SLICE_WIDTH);
        Html out = page.out();
        Tables.open(out, metric.label() + " by slice", "slices");
        out.open("thead").open("tr");
        Tables.heading(out, "Slice", false);
        Tables.heading(out, "Rows", true);
        Tables.heading(out, models.task() == Task.REGRESSION ? "Mean outcome" : "Base rate", true);
        Tables.heading(out, metric.label(), true);
        Tables.heading(out, "95% interval", false);
        out.close().close().open("tbody");
        Slices.Slice weakest = weakest(metric);
        String column = "";
        for (Slices.Slice slice : models.slices()) {
            if (!slice.column().equals(column)) {
                column = slice.column();
                out.open("tr", "class", "group")
                        .leaf("th", column, "scope", "rowgroup", "colspan", "5")
                        .close();
            }
            slice(out, slice, overall, scale, slice.equals(weakest));
        }
        Tables.close(out.close());
    }

    private void slice(Html out, Slices.Slice slice, Estimate overall, Axis scale, boolean weakest) {
        Metric metric = slice.metric();
        boolean weaker = slice.weakerThan(overall);
        out.open("tr", "class", weaker ? "weaker" : "")
                .open("th", "scope", "row")
                .text(slice.value());
        if (weaker) {
            out.text(" ").leaf("span", weakest ? "weakest" : "weaker", "class", "badge open");
        }
        out.close();
        out.leaf("td", Numbers.count(slice.rows()), "class", "n");
        out.leaf(
                "td",
                models.task() == Task.REGRESSION
                        ? Page.typographic(Numbers.significant(slice.meanLabel(), 4))
                        : Numbers.percent(slice.meanLabel()),
                "class",
                "n");
        out.leaf("td", Page.typographic(Numbers.metric(metric, slice.estimate().value())), "class", "n value");
        out.open("td", "class", "whiskers");
        new Charts(out).interval(metric, slice.estimate(), scale, overall.value(), weaker ? "sw" : "s0");
        out.leaf("span", ModelSection.range(metric, slice.estimate()), "class", "range")
                .close()
                .close();
    }

    private Estimate winnerEstimate(Metric metric) {
        Estimate unknown = new Estimate(Double.NaN, Double.NaN, Double.NaN, "");
        if (models.winner().isEmpty()) {
            return unknown;
        }
        Map<Metric, Estimate> all =
                models.candidates().get(models.winner().getAsInt()).metrics();
        return Objects.requireNonNullElse(all.get(metric), unknown);
    }

    private Slices.@Nullable Slice weakest(Metric metric) {
        Slices.Slice weakest = null;
        for (Slices.Slice slice : models.slices()) {
            double value = metric.oriented(slice.estimate().value());
            if (weakest == null || value < metric.oriented(weakest.estimate().value())) {
                weakest = slice;
            }
        }
        return weakest;
    }
}
