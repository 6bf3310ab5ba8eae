package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;

/** The part of a pipeline's report about its runs: what each learned from, and how its candidate and champion did. */
final class EpisodeSection {

    private static final double BODY = 150;
    private static final int MOST_POINTS = 250;

    private final List<Episode> runs;
    private final TimeAxis axis;
    private final Page page;

    EpisodeSection(List<Episode> runs, TimeAxis axis, Page page) {
        this.runs = runs;
        this.axis = axis;
        this.page = page;
    }

    void write() {
        if (runs.isEmpty()) {
            return;
        }
        page.section("Runs");
        Optional<Metric> metric =
                runs.stream().flatMap(run -> run.metrics().keySet().stream()).findFirst();
        List<Episode> judged = metric.isEmpty()
                ? List.of()
                : runs.stream()
                        .filter(run -> run.metrics().containsKey(metric.get()))
                        .toList();
        if (judged.size() > 1) {
            chart(judged.subList(Math.max(0, judged.size() - MOST_POINTS), judged.size()), metric.get());
            TimelineReport.newest(page, Math.min(MOST_POINTS, judged.size()), judged.size(), "candidates");
        }
        List<Episode> shown = TimelineReport.newestFirst(runs, TimelineReport.MOST_ROWS);
        table(shown, metric);
        TimelineReport.newest(page, shown.size(), runs.size(), "runs");
    }

    private void chart(List<Episode> judged, Metric metric) {
        double[] candidate =
                judged.stream().mapToDouble(run -> value(run.metrics(), metric)).toArray();
        double[] champion = judged.stream()
                .mapToDouble(run -> value(run.championMetrics(), metric))
                .toArray();
        TimeChart chart = new TimeChart(page.out(), axis, BODY);
        chart.open(
                metric.label() + " on the test rows of each run",
                "The best candidate of each run and the champion of its time, on the same rows",
                List.of(
                        TimeChart.Key.line(0, "candidate"),
                        TimeChart.Key.line(1, "champion on the same rows"),
                        new TimeChart.Key("M9 1L17 9M17 1L9 9", "refused", "refused")));
        double[] all = DoubleStream.concat(DoubleStream.of(candidate), DoubleStream.of(champion))
                .filter(Double::isFinite)
                .toArray();
        double low = DoubleStream.of(all).min().orElse(0);
        double high = DoubleStream.of(all).max().orElse(1);
        Axis y = chart.values(low, high);
        chart.grid(y, metric.label() + (metric.higherIsBetter() ? " \u2191" : " \u2193"));
        double[] xs =
                judged.stream().mapToDouble(run -> axis.at(run.startedAt())).toArray();
        chart.line("line s1", xs, at(y, champion));
        chart.line("line s0", xs, at(y, candidate));
        for (int i = 0; i < xs.length; i++) {
            point(chart, y, judged.get(i), metric, xs[i], champion[i], candidate[i]);
        }
        chart.time().close();
    }

    private static double[] at(Axis y, double[] values) {
        return DoubleStream.of(values)
                .map(value -> Double.isFinite(value) ? y.at(value) : Double.NaN)
                .toArray();
    }

    private static void point(
            TimeChart chart, Axis y, Episode run, Metric metric, double x, double champion, double candidate) {
        String when = TimelineReport.time(run.startedAt()) + ", ";
        if (Double.isFinite(champion)) {
            chart.plot.dot("dot s1", x, y.at(champion), 2.6, when + "champion " + Numbers.metric(metric, champion));
        }
        if (Double.isFinite(candidate)) {
            double at = y.at(candidate);
            String tip = when + run.outcome().name().toLowerCase(Locale.ROOT) + " candidate "
                    + Numbers.metric(metric, candidate);
            if (run.outcome() == RunReport.Outcome.REJECTED) {
                chart.plot.stroke("refused", x - 4, at - 4, x + 4, at + 4);
                chart.plot.stroke("refused", x + 4, at - 4, x - 4, at + 4);
            }
            chart.plot.dot("dot s0", x, at, 2.6, tip);
        }
    }

    private static double value(Map<Metric, Estimate> metrics, Metric metric) {
        Estimate estimate = metrics.get(metric);
        return estimate == null ? Double.NaN : estimate.value();
    }

    private void table(List<Episode> shown, Optional<Metric> metric) {
        Html out = page.out();
        Tables.open(out, "Why each run was made, what it learned from, and what it came to", "told");
        out.open("thead").open("tr");
        String quality = metric.map(Metric::label).orElse("Quality");
        for (String heading : List.of("Run", "Because", "Learned from", quality, "Came to")) {
            Tables.heading(out, heading, false);
        }
        out.close().close().open("tbody");
        shown.forEach(run -> row(out, run, metric));
        Tables.close(out.close());
    }

    private static void row(Html out, Episode run, Optional<Metric> metric) {
        double seconds = Duration.between(run.startedAt(), run.endedAt()).toMillis() / 1000.0;
        out.open("tr").open("th", "scope", "row");
        out.leaf("span", TimelineReport.time(run.startedAt()), "class", "name")
                .leaf("span", run.id(), "class", "settings");
        if (seconds > 0) {
            out.leaf("span", "took " + Numbers.duration(seconds), "class", "settings");
        }
        out.close();
        out.leaf("td", Page.typographic(TimelineReport.clip(run.trigger())), "data-label", "Because", "class", "long");
        out.open("td", "data-label", "Learned from", "class", "long").leaf("span", learned(run), "class", "block");
        if (run.train() > 0) {
            out.leaf(
                    "span",
                    Numbers.count(run.train()) + " rows to learn, " + Numbers.count(run.test()) + " to judge",
                    "class",
                    "settings");
        }
        out.close();
        out.open("td", "data-label", "Quality");
        metric.ifPresent(m -> quality(out, run, m));
        out.close().open("td", "data-label", "Came to");
        Page.Tone tone = switch (run.outcome()) {
            case PROMOTED -> Page.Tone.GOOD;
            case REJECTED, ON_TRIAL -> Page.Tone.OPEN;
            case FAILED -> Page.Tone.BAD;
            case TRAINED -> Page.Tone.NEUTRAL;
        };
        String version = run.version().isPresent() ? " v" + run.version().getAsInt() : "";
        out.leaf(
                "span",
                run.outcome().name().toLowerCase(Locale.ROOT).replace('_', ' ') + version,
                "class",
                "badge first " + tone.style);
        out.leaf("span", TimelineReport.clip(run.candidate()), "class", "settings");
        out.close().close();
    }

    private static void quality(Html out, Episode run, Metric metric) {
        double candidate = value(run.metrics(), metric);
        double champion = value(run.championMetrics(), metric);
        if (Double.isFinite(candidate)) {
            out.leaf("span", Page.typographic(Numbers.metric(metric, candidate)), "class", "value block");
        }
        if (Double.isFinite(champion)) {
            out.leaf("span", Page.typographic("champion " + Numbers.metric(metric, champion)), "class", "settings");
        }
    }

    /** {@return which examples the run learned from, in words} */
    private static String learned(Episode run) {
        String window = run.facts().getOrDefault("learned from", "");
        String note = run.facts().getOrDefault("note", "");
        if (window.isEmpty()) {
            return note.contains("examples") ? TimelineReport.clip(note) : "the source";
        }
        List<String> words = new ArrayList<>();
        words.add(window);
        String source = run.facts().get("learned from source");
        String feedback = run.facts().get("learned from feedback");
        if (source != null && feedback != null) {
            words.add(number(source) + " from the source, " + number(feedback) + " from feedback");
        }
        String weights = run.facts().get("weights");
        if (weights != null) {
            words.add("weights " + weights);
        }
        return TimelineReport.clip(String.join("; ", words));
    }

    private static String number(String digits) {
        return digits.matches("\\d{1,18}") ? Numbers.count(Long.parseLong(digits)) : digits;
    }
}
