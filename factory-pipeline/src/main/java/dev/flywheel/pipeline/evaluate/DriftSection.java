package dev.flywheel.pipeline.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The part of a pipeline's report about drift: a row for each feature, a column for each window, and sentences. */
final class DriftSection {

    /** Features shown: those that drifted most often. */
    static final int MOST = 24;

    private static final double ROW = 20;
    private static final double GAP = 8;
    private static final int LEVELS = 5;
    /** From this effect on a cell is as dark as it gets. */
    private static final double LARGE = 0.5;

    private static final int NAME = 17;

    private final List<Timeline.Window> windows;
    private final List<Thinned> groups;
    private final TimeAxis axis;
    private final Page page;

    DriftSection(List<Timeline.Window> windows, TimeAxis axis, Page page) {
        this.windows = windows;
        this.groups = Thinned.of(windows);
        this.axis = axis;
        this.page = page;
    }

    /** What is known of a feature over all windows. */
    private static final class Feature {
        final String name;
        int windows;
        int drifted;
        double largest;
        Timeline.@Nullable Window firstDrift;
        Timeline.@Nullable Window lastDrift;
        Timeline.@Nullable Drift last;

        Feature(String name) {
            this.name = name;
        }

        void add(Timeline.Window window, Timeline.Drift drift) {
            windows++;
            if (drift.drifted()) {
                drifted++;
                firstDrift = firstDrift == null ? window : firstDrift;
                lastDrift = window;
                last = drift;
            }
            largest = Math.max(largest, Double.isNaN(drift.effect()) ? 0 : drift.effect());
        }
    }

    void write() {
        boolean predictions = windows.stream().anyMatch(window -> window.prediction() != null);
        List<Feature> features = features();
        if (features.isEmpty() && !predictions) {
            return;
        }
        page.section("Drift");
        List<Feature> shown = features.subList(0, Math.min(MOST, features.size()));
        map(shown, predictions);
        hints(features.size());
        Feature prediction = prediction();
        List<Feature> drifted = new ArrayList<>(
                shown.stream().filter(feature -> feature.drifted > 0).toList());
        if (prediction.drifted > 0) {
            drifted.add(0, prediction);
        }
        if (drifted.isEmpty()) {
            page.paragraph("No feature has drifted" + (predictions ? ", nor have the predictions." : "."));
        } else {
            sentences(drifted);
        }
    }

    private List<Feature> features() {
        Map<String, Feature> features = new LinkedHashMap<>();
        for (Timeline.Window window : windows) {
            for (Timeline.Drift drift : window.features()) {
                features.computeIfAbsent(drift.column(), Feature::new).add(window, drift);
            }
        }
        Comparator<Feature> order = Comparator.<Feature>comparingInt(feature -> -feature.drifted)
                .thenComparingDouble(feature -> -feature.largest)
                .thenComparing(feature -> feature.name);
        return features.values().stream().sorted(order).toList();
    }

    private Feature prediction() {
        Feature prediction = new Feature("the predictions");
        for (Timeline.Window window : windows) {
            if (window.prediction() != null) {
                prediction.add(window, window.prediction());
            }
        }
        return prediction;
    }

    private void map(List<Feature> features, boolean predictions) {
        double body = features.size() * ROW + (predictions ? ROW + GAP : 0);
        TimeChart chart = new TimeChart(page.out(), axis, body);
        chart.open(
                "Drift of each feature, window by window",
                "A row for each feature and a place for each window; the stronger its colour, the larger the change; a dot where"
                        + " it is drift, a dash where that counts",
                List.of(
                        TimeChart.Key.area("cool l4", "change within what chance and the limits allow"),
                        TimeChart.Key.area("warm l4", "drift: significant and large; the stronger, the larger"),
                        new TimeChart.Key("M10 5h6", "spot on", "it counts: seen often enough in a row"),
                        TimeChart.Key.area("blank", "too few rows to tell")));
        double y = TimeChart.TOP;
        StringBuilder dots = new StringBuilder();
        if (predictions) {
            row(chart, y, "predictions", Timeline.Window::prediction, dots);
            y += ROW + GAP;
        }
        for (Feature feature : features) {
            row(chart, y, feature.name, window -> named(window, feature.name), dots);
            y += ROW;
        }
        if (dots.length() > 0) {
            page.out().empty("path", "class", "spot", "d", dots.toString());
        }
        chart.time().close();
    }

    private static Timeline.@Nullable Drift named(Timeline.Window window, String name) {
        for (Timeline.Drift drift : window.features()) {
            if (drift.column().equals(name)) {
                return drift;
            }
        }
        return null;
    }

    private void row(
            TimeChart chart,
            double y,
            String name,
            Function<Timeline.Window, Timeline.@Nullable Drift> column,
            StringBuilder dots) {
        chart.plot.label(TimeChart.LEFT - 8, y + ROW / 2 + 4, "end", brief(name));
        for (Thinned group : groups) {
            Timeline.Drift drift = group.worst(column);
            if (drift == null) {
                continue;
            }
            double left = axis.at(group.from());
            double width = Math.max(1.5, axis.at(group.to()) - left);
            chart.plot.box(
                    style(drift),
                    left,
                    y + 1,
                    Math.max(1, width - 1),
                    ROW - 2,
                    name + ", " + TimelineReport.time(group.from()) + ": " + words(drift));
            if (drift.drifted() && width > 4) {
                double length = drift.alarm() ? Math.max(0, Math.min(8, width - 5)) : 0;
                dots.append('M')
                        .append(Plot.px(left + (width - 1 - length) / 2))
                        .append(' ');
                dots.append(Plot.px(y + ROW / 2)).append('h').append(Plot.px(length));
            }
        }
    }

    private static String brief(String name) {
        return name.codePointCount(0, name.length()) <= NAME
                ? name
                : name.substring(0, name.offsetByCodePoints(0, NAME - 1)) + "\u2026";
    }

    private static String style(Timeline.Drift drift) {
        if (!Thinned.known(drift.state())) {
            return "blank";
        }
        double effect = Double.isNaN(drift.effect()) ? 0 : Math.min(LARGE, Math.abs(drift.effect()));
        int level = (int) Math.min(LEVELS - 1, Math.floor(Math.sqrt(effect / LARGE) * LEVELS));
        return (drift.drifted() ? "warm l" : "cool l") + level;
    }

    private static String words(Timeline.Drift drift) {
        return switch (drift.state()) {
            case TOO_FEW_ROWS -> "too few rows";
            case STABLE -> drift.measure() + " " + Numbers.significant(drift.effect(), 2);
            case DRIFTED -> "drift, " + drift.measure() + " " + Numbers.significant(drift.effect(), 2);
        };
    }

    private void hints(int features) {
        String hint = Thinned.hint(windows.size());
        if (features > MOST) {
            hint += (hint.isEmpty() ? "" : " ") + "The " + MOST + " of " + features
                    + " features with the most drift are shown.";
        }
        if (!hint.isEmpty()) {
            page.out().leaf("p", hint, "class", "hint after");
        }
    }

    private void sentences(List<Feature> drifted) {
        Html out = page.out();
        Tables.open(out, "What drifted, in how many windows, and what was seen last", "told");
        out.open("thead").open("tr");
        for (String heading : List.of("Feature", "Drift in", "From the first to the last", "What was seen last")) {
            Tables.heading(out, heading, false);
        }
        out.close().close().open("tbody");
        drifted.forEach(feature -> sentence(out, feature));
        Tables.close(out.close());
    }

    private static void sentence(Html out, Feature feature) {
        Timeline.Drift last = feature.last;
        Timeline.Window first = feature.firstDrift;
        Timeline.Window latest = feature.lastDrift;
        if (last == null || first == null || latest == null) {
            return;
        }
        String windows = Numbers.count(feature.drifted) + " of " + TimelineReport.many(feature.windows, "window");
        out.open("tr")
                .open("th", "scope", "row")
                .leaf("span", feature.name, "class", "name")
                .close();
        out.leaf("td", windows, "data-label", "Drift in");
        out.open("td", "data-label", "From the first to the last")
                .leaf("span", TimelineReport.time(first.from()), "class", "block")
                .leaf("span", TimelineReport.time(latest.to()), "class", "block")
                .close();
        out.leaf(
                        "td",
                        Page.typographic(TimelineReport.clip(last.sentence())),
                        "data-label",
                        "What was seen last",
                        "class",
                        "long")
                .close();
    }
}
