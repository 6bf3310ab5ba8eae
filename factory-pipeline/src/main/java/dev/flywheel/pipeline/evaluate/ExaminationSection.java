package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Robustness;
import java.util.ArrayList;
import java.util.List;

/** The part of a run's report about what the winner goes by and what it withstands. */
final class ExaminationSection {

    private static final double WIDTH = 200;
    private static final int MOST_COLUMNS = 25;

    private final RunReport.Examination examination;
    private final Page page;

    ExaminationSection(RunReport.Examination examination, Page page) {
        this.examination = examination;
        this.page = page;
    }

    void write() {
        if (!examination.importances().isEmpty()) {
            importances(examination.importances());
        }
        if (!examination.robustness().isEmpty()) {
            robustness(examination.robustness());
        }
    }

    private void importances(List<Importance> all) {
        List<Importance> shown = all.subList(0, Math.min(MOST_COLUMNS, all.size()));
        Importance first = all.get(0);
        Metric metric = first.metric();
        page.section("What the winner goes by");
        page.paragraph("How much worse " + metric.label() + " gets when a column is shuffled among "
                + Numbers.count(first.rows()) + " test rows, on average over " + first.repeats()
                + (first.repeats() == 1 ? " shuffle. " : " shuffles. ")
                + "Columns that tell the same stand in for each other, so that each seems to add little."
                + (shown.size() < all.size()
                        ? " Of " + Numbers.count(all.size()) + " columns these add the most."
                        : ""));
        List<Estimate> losses =
                new ArrayList<>(shown.stream().map(Importance::loss).toList());
        losses.add(new Estimate(0, 0, 0, ""));
        Axis scale = Charts.scale(losses, WIDTH);
        Html out = page.out();
        Tables.open(out, "Loss of " + metric.label() + " without a column", "losses");
        out.open("thead").open("tr");
        Tables.heading(out, "Column", false);
        Tables.heading(out, "Loss", true);
        Tables.heading(out, "95% interval", false);
        out.close().close().open("tbody");
        for (Importance importance : shown) {
            out.open("tr").leaf("th", importance.column(), "scope", "row");
            loss(out, metric, importance.loss(), scale);
            out.close();
        }
        Tables.close(out.close());
    }

    private void robustness(List<Robustness> all) {
        page.section("What the winner withstands");
        page.paragraph("The winner on test rows that were disturbed, on "
                + Numbers.count(all.get(0).rows()) + " rows. A loss is how much worse it does than on the same rows as"
                + " they are.");
        List<Estimate> losses = new ArrayList<>(all.stream()
                .map(Robustness::loss)
                .filter(loss -> !Double.isNaN(loss.value()))
                .toList());
        losses.add(new Estimate(0, 0, 0, ""));
        Axis scale = Charts.scale(losses, WIDTH);
        Html out = page.out();
        Tables.open(out, "Loss under disturbance", "losses");
        out.open("thead").open("tr");
        Tables.heading(out, "What happens to the rows", false);
        Tables.heading(out, "Metric", false);
        Tables.heading(out, "Before", true);
        Tables.heading(out, "After", true);
        Tables.heading(out, "Loss", true);
        Tables.heading(out, "95% interval", false);
        out.close().close().open("tbody");
        for (Robustness each : all) {
            out.open("tr").leaf("th", each.perturbation().describe(), "scope", "row");
            out.leaf("td", each.metric().label());
            if (each.available()) {
                out.leaf("td", Page.typographic(Numbers.metric(each.metric(), each.before())), "class", "n");
                out.leaf("td", Page.typographic(Numbers.metric(each.metric(), each.after())), "class", "n");
                loss(out, each.metric(), each.loss(), scale);
            } else {
                out.leaf("td", each.loss().method(), "colspan", "4", "class", "reason");
            }
            out.close();
        }
        Tables.close(out.close());
    }

    private static void loss(Html out, Metric metric, Estimate loss, Axis scale) {
        out.leaf("td", Page.typographic(Numbers.metric(metric, loss.value())), "class", "n value");
        out.open("td", "class", "whiskers");
        if (!Double.isNaN(loss.value())) {
            String text = "Loss of " + metric.label() + " " + Numbers.metric(metric, loss.value()) + ", 95% "
                    + Numbers.metric(metric, loss.low()) + " to " + Numbers.metric(metric, loss.high());
            new Charts(out).bar("Loss", text, loss, scale);
        }
        out.leaf("span", ModelSection.range(metric, loss), "class", "range", "title", loss.method())
                .close();
    }
}
