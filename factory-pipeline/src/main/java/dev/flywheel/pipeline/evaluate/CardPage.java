package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.core.stat.fairness.Rate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The cards of a model and of its data as one page: what a reader needs to decide about the model first. */
final class CardPage {

    private static final List<Rate> SHOWN =
            List.of(Rate.SELECTION, Rate.TRUE_POSITIVE, Rate.FALSE_POSITIVE, Rate.ACCURACY, Rate.PRECISION);

    private final ModelFacts model;
    private final DataFacts data;
    private final Page page;

    private CardPage(ModelFacts model, DataFacts data) {
        this.model = model;
        this.data = data;
        this.page = Page.titled(model.run().pipeline()).kicker("Flywheel model card and data card");
    }

    static String of(ModelFacts model, DataFacts data) {
        return new CardPage(model, data).write();
    }

    private String write() {
        HtmlReport.outcome(model.run(), page);
        prediction();
        limits();
        HtmlReport.verdicts(model.gates(), page);
        champion();
        model.fairness().forEach(this::fairness);
        new ModelSection(model.models(), model.run().champion(), page).write();
        made();
        data();
        new DataSection(told(), page).write();
        labels();
        gaps();
        return page.html();
    }

    private void prediction() {
        page.section("What the model predicts");
        Html out = page.out();
        out.open("dl", "class", "facts");
        HtmlReport.fact(out, "Target", model.prediction().target(), "");
        HtmlReport.fact(out, "Task", words(model.prediction().task().name()), "");
        if (!model.prediction().classes().isEmpty()) {
            HtmlReport.fact(out, "Classes", String.join(", ", model.prediction().classes()), "");
        }
        HtmlReport.fact(out, "Decisions", model.prediction().decision(), "");
        HtmlReport.fact(out, "Risk", words(model.risk()), "");
        out.close();
        if (!model.inputs().isEmpty()) {
            List<List<String>> rows = model.inputs().stream()
                    .map(input -> List.of(
                            input.profile().name(), words(input.profile().type().name()), holds(input)))
                    .toList();
            out.open("p").close();
            page.table(new Page.Table("What it takes", List.of("Input", "Type", "Values in the examples"), rows));
        }
    }

    private static String holds(DataFacts.Column column) {
        Profiles.ColumnProfile profile = column.profile();
        if (!column.withheld().isEmpty()) {
            return "not told: " + column.withheld();
        }
        if (profile.numeric() != null) {
            return Numbers.brief(profile.numeric().min()) + " to "
                    + Numbers.brief(profile.numeric().max());
        }
        if (profile.times() != null) {
            return HtmlReport.time(profile.times().first()) + " to "
                    + HtmlReport.time(profile.times().last());
        }
        return profile.text() == null
                ? "no value"
                : Numbers.count(profile.text().distinct()) + " different";
    }

    private void limits() {
        if (!model.limits().isEmpty()) {
            page.section("Limits");
            list(model.limits());
        }
    }

    private void champion() {
        Estimate advantage = model.advantage();
        if (advantage == null) {
            return;
        }
        Metric metric = Metric.of(model.prediction().task()).get(0);
        page.section("Beside the champion");
        page.paragraph(Page.typographic("By " + metric.label() + " on the same test rows its advantage over the"
                + " champion is " + Numbers.signed(metric, advantage.value()) + " (95% "
                + Numbers.signed(metric, advantage.low()) + " to " + Numbers.signed(metric, advantage.high()) + ", "
                + advantage.method() + "); above 0 it is better."));
    }

    private void fairness(ModelFacts.Groups groups) {
        page.section("Groups by " + groups.column());
        page.paragraph("Decisions at 0.5, with 95% intervals.");
        List<String> headings = new ArrayList<>(List.of("Group", "Rows"));
        SHOWN.forEach(rate -> headings.add(rate.label()));
        page.table(new Page.Table(
                "Rates by group",
                headings,
                groups.groups().stream().map(CardPage::rates).toList()));
        List<List<String>> rows = new ArrayList<>();
        for (Map.Entry<Criterion, Estimate> each : groups.differences().entrySet()) {
            rows.add(List.of(each.getKey().label(), estimate(each.getValue())));
        }
        page.table(new Page.Table("Largest difference between two groups", List.of("Criterion", "Difference"), rows));
    }

    private static List<String> rates(ModelFacts.Group group) {
        List<String> cells = new ArrayList<>(List.of(group.name(), Numbers.count(group.rows())));
        for (Rate rate : SHOWN) {
            Estimate estimate = group.rates().get(rate);
            cells.add(estimate == null ? "" : estimate(estimate));
        }
        return cells;
    }

    private static String estimate(Estimate estimate) {
        return Double.isNaN(estimate.value())
                ? estimate.method()
                : Numbers.percent(estimate.value()) + " (" + Numbers.percent(estimate.low()) + " to "
                        + Numbers.percent(estimate.high()) + ")";
    }

    private void made() {
        ModelFacts.Maker maker = model.maker();
        page.section("How it was made");
        if (!maker.trainer().isEmpty()) {
            page.paragraph("The definition below, run with the same seed on the same data, makes the same model again"
                    + " on the same machine.");
        }
        Html out = page.out();
        out.open("dl", "class", "facts");
        HtmlReport.fact(out, "Definition", maker.definitionHash(), "hash");
        HtmlReport.fact(out, "Seed", Long.toString(maker.seed()), "");
        if (!maker.trainer().isEmpty()) {
            HtmlReport.fact(out, "Trainer", maker.trainer(), "");
            maker.settings().forEach((name, value) -> HtmlReport.fact(out, name, value, ""));
        }
        maker.environment().forEach((name, value) -> HtmlReport.fact(out, name, value, ""));
        out.close();
        HtmlReport.definition(maker.definition(), out);
    }

    private void data() {
        page.section("The data");
        Html out = page.out();
        out.open("dl", "class", "facts");
        HtmlReport.fact(out, "Source", data.source(), "");
        data.selection().forEach((name, value) -> HtmlReport.fact(out, name, value, ""));
        HtmlReport.fact(out, "Split", data.split(), "");
        for (String rule : data.rules()) {
            HtmlReport.fact(out, "Check", rule, "");
        }
        HtmlReport.fact(out, "Log of predictions", data.logging(), "");
        out.close();
        out.open("p").close();
        if (!data.parts().isEmpty()) {
            page.table(new Page.Table(
                    "Datasets",
                    List.of("Part", "Rows", "Event times", "SHA-256"),
                    data.parts().stream()
                            .map(part -> List.of(part.name(), Numbers.count(part.rows()), span(part), part.hash()))
                            .toList()));
        }
        list(data.leakage());
    }

    private static String span(DataFacts.Part part) {
        return part.from() == null || part.to() == null
                ? "not known"
                : HtmlReport.time(part.from()) + " to " + HtmlReport.time(part.to());
    }

    private RunReport.Data told() {
        return new RunReport.Data(
                List.of(),
                data.columns().stream().map(DataFacts.Column::profile).toList(),
                data.checks());
    }

    private void labels() {
        if (data.labels().isEmpty()) {
            return;
        }
        long all = data.labels().stream().mapToLong(Profiles.TopValue::rows).sum();
        page.section("Labels");
        page.table(new Page.Table(
                "Examples by label",
                List.of("Label", "Rows", "Share"),
                data.labels().stream()
                        .map(label -> List.of(
                                label.value(),
                                Numbers.count(label.rows()),
                                Numbers.percent((double) label.rows() / all)))
                        .toList()));
    }

    private void gaps() {
        page.section("What the cards do not say");
        List<List<String>> rows = new ArrayList<>();
        for (List<DataFacts.Gap> gaps : Arrays.asList(model.missing(), data.missing())) {
            gaps.forEach(gap -> rows.add(List.of(gap.what(), gap.fix())));
        }
        page.table(new Page.Table(
                "Nobody has told the run",
                List.of("What", "How to give it"),
                rows.stream().distinct().collect(Collectors.toList())));
    }

    private void list(List<String> sentences) {
        if (!sentences.isEmpty()) {
            Html out = page.out();
            out.open("ul");
            sentences.forEach(sentence -> out.leaf("li", Page.typographic(sentence)));
            out.close();
        }
    }

    private static String words(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
