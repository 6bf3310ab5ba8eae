package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.stat.ClassConfusion;

/** The part of a run's report about how the winner tells several classes apart. */
final class ClassSection {

    private final RunReport.Models models;
    private final Page page;

    ClassSection(RunReport.Models models, Page page) {
        this.models = models;
        this.page = page;
    }

    void write(Diagnostics winner) {
        Diagnostics champion = models.championDiagnostics();
        if (winner.classes() == null) {
            page.paragraph("No decisions are shown: the winner's predictions are impossible.");
            return;
        }
        Html out = page.out();
        out.open("div", "class", "charts");
        new Charts(out)
                .calibration(
                        "Calibration",
                        "Share of rows decided rightly over the probability of the most probable class, in ten groups of"
                                + " rows, with 95% intervals. The diagonal is perfect.",
                        ModelSection.calibration(winner, champion));
        out.close();
        confusion(out, "Decisions of the candidate", winner.classes());
        if (champion != null && champion.classes() != null) {
            confusion(out, "Decisions of the champion", champion.classes());
        }
    }

    private void confusion(Html out, String caption, ClassConfusion confusion) {
        Tables.open(out, caption);
        out.open("thead").open("tr");
        Tables.heading(out, "", false);
        models.classes().forEach(name -> Tables.heading(out, "predicted " + name, true));
        Tables.heading(out, "Recall", true);
        out.close().close().open("tbody");
        for (int actual = 0; actual < confusion.classes(); actual++) {
            out.open("tr").leaf("th", "actually " + models.classes().get(actual), "scope", "row");
            long rows = 0;
            for (int decided = 0; decided < confusion.classes(); decided++) {
                rows += confusion.count(actual, decided);
            }
            for (int decided = 0; decided < confusion.classes(); decided++) {
                ModelSection.decision(out, confusion.count(actual, decided), rows, actual == decided);
            }
            out.leaf("td", Numbers.percent(confusion.recall(actual)), "class", "n")
                    .close();
        }
        out.open("tr").leaf("th", "Precision", "scope", "row");
        for (int decided = 0; decided < confusion.classes(); decided++) {
            out.leaf("td", Numbers.percent(confusion.precision(decided)), "class", "n");
        }
        out.leaf("td", "", "class", "n").close();
        Tables.close(out.close());
    }
}
