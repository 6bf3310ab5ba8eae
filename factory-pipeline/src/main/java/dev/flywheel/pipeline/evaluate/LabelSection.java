package dev.flywheel.pipeline.evaluate;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The part of a pipeline's report about outcomes: how many predictions have one, and how late they come. */
final class LabelSection {

    private static final double BODY = 110;

    private final Timeline timeline;
    private final TimeAxis axis;
    private final Page page;

    LabelSection(Timeline timeline, TimeAxis axis, Page page) {
        this.timeline = timeline;
        this.axis = axis;
        this.page = page;
    }

    void write() {
        boolean counted = timeline.windows().stream().anyMatch(window -> window.predictions() > 0);
        Timeline.Labels labels = timeline.labels();
        if (!counted && labels == null) {
            return;
        }
        page.section("Predictions and their outcomes");
        if (labels != null) {
            page.paragraph(
                    labels.outcomes() == 0
                            ? "No outcome has come in yet."
                            : "Of " + Numbers.count(labels.outcomes()) + " outcomes half came within "
                                    + span(labels.median()) + " of their prediction and nine of ten within "
                                    + span(labels.most()) + ".");
        }
        if (counted) {
            counts();
        }
        if (labels != null && !labels.cohorts().isEmpty()) {
            page.table(cohorts(labels));
        }
    }

    private void counts() {
        List<Thinned> groups = Thinned.of(timeline.windows());
        TimeChart chart = new TimeChart(page.out(), axis, BODY);
        chart.open(
                "Predictions and outcomes, window by window",
                "How many predictions were made in each window, and how many outcomes came in, of whichever predictions",
                List.of(
                        TimeChart.Key.area("quiet", "predictions"),
                        TimeChart.Key.area("bar", "outcomes that came in")));
        double most = groups.stream()
                .mapToDouble(
                        group -> Math.max(group.sum(Timeline.Window::predictions), group.sum(Timeline.Window::labels)))
                .max()
                .orElse(1);
        Axis y = chart.values(0, Math.max(1, most));
        chart.grid(y, "Count");
        for (Thinned group : groups) {
            double left = axis.at(group.from());
            double half = Math.max(1, (axis.at(group.to()) - left) / 2 - 0.5);
            String when = TimelineReport.time(group.from()) + ": ";
            long predictions = group.sum(Timeline.Window::predictions);
            bar(chart, y, "quiet", left, half, predictions, when + Numbers.count(predictions) + " predictions");
            long labels = group.sum(Timeline.Window::labels);
            bar(chart, y, "bar", left + half, half, labels, when + Numbers.count(labels) + " outcomes");
        }
        chart.time().close();
    }

    private static void bar(TimeChart chart, Axis y, String style, double left, double width, long count, String tip) {
        if (count > 0) {
            double top = y.at((double) count);
            chart.plot.box(style, left, top, width, y.start() - top, tip);
        }
    }

    private static Page.Table cohorts(Timeline.Labels labels) {
        List<List<String>> rows = new ArrayList<>();
        for (Timeline.Cohort cohort : labels.cohorts()) {
            Duration to = cohort.to();
            double rate = cohort.predictions() == 0 ? Double.NaN : (double) cohort.labelled() / cohort.predictions();
            rows.add(List.of(
                    to == null ? span(cohort.from()) + " and older" : span(cohort.from()) + " to " + span(to),
                    Numbers.count(cohort.predictions()),
                    Numbers.count(cohort.labelled()),
                    Numbers.percent(rate)));
        }
        return new Page.Table(
                "Predictions by age at " + TimelineReport.time(labels.asOf()),
                List.of("Age", "Predictions", "With an outcome", "Share"),
                rows);
    }

    /** {@return a duration as people say it, in its two largest units} */
    static String span(Duration duration) {
        long days = duration.toDays();
        if (days >= 3) {
            return Numbers.count(Math.round(duration.toMillis() / 86_400_000.0)) + " days";
        }
        if (days >= 1) {
            return days + " d" + part(duration.toHoursPart(), "h");
        }
        if (duration.toHours() >= 1) {
            return duration.toHours() + " h" + part(duration.toMinutesPart(), "min");
        }
        if (duration.toMinutes() >= 1) {
            return duration.toMinutes() + " min" + part(duration.toSecondsPart(), "s");
        }
        return duration.isZero() ? "0 s" : Numbers.duration(duration.toMillis() / 1000.0);
    }

    private static String part(int count, String unit) {
        return count == 0 ? "" : " " + count + " " + unit;
    }
}
