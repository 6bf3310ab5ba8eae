package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import java.time.Instant;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The part of a pipeline's report about versions that were tried in traffic: the plan, each step, and what came of it.
 */
final class TrialSection {

    /** The last steps of a trial that are told. */
    private static final int MOST_STEPS = 20;

    private static final double WIDTH = 110;

    private final List<Timeline.Trial> trials;
    private final Page page;

    TrialSection(List<Timeline.Trial> trials, Page page) {
        this.trials = trials;
        this.page = page;
    }

    void write() {
        if (trials.isEmpty()) {
            return;
        }
        page.section("Tried in traffic");
        List<Timeline.Trial> shown = TimelineReport.newestFirst(trials, TimelineReport.MOST_ROWS);
        Html out = page.out();
        Tables.open(out, "Each version that was put into traffic beside the champion", "told");
        out.open("thead").open("tr");
        for (String heading : List.of("Version", "Decisions and their reasons", "Advantage over the champion")) {
            Tables.heading(out, heading, false);
        }
        out.close().close().open("tbody");
        shown.forEach(trial -> row(out, trial));
        Tables.close(out.close());
        TimelineReport.newest(page, shown.size(), trials.size(), "trials");
    }

    private static void row(Html out, Timeline.Trial trial) {
        Instant ended = trial.endedAt();
        out.open("tr").open("th", "scope", "row").open("span", "class", "name").text("v" + trial.version());
        out.leaf("span", trial.result(), "class", "badge " + trial.tone().style).close();
        out.leaf("span", "beside v" + trial.champion(), "class", "settings")
                .leaf("span", "from " + TimelineReport.time(trial.startedAt()), "class", "settings")
                .leaf("span", ended == null ? "goes on" : "to " + TimelineReport.time(ended), "class", "settings")
                .close();
        out.open("td", "data-label", "Decisions and their reasons", "class", "long");
        decisions(out, trial);
        out.close().open("td", "data-label", "Advantage over the champion");
        gain(out, trial);
        out.close().close();
    }

    private static void decisions(Html out, Timeline.Trial trial) {
        out.leaf("span", "Plan: " + TimelineReport.clip(trial.plan()), "class", "settings");
        int steps = trial.steps().size();
        for (Timeline.Happening step : trial.steps().subList(Math.max(0, steps - MOST_STEPS), steps)) {
            out.open("div", "class", "move")
                    .leaf("span", TimelineReport.time(step.at()) + ", " + step.title(), "class", "block")
                    .leaf("span", Page.typographic(TimelineReport.clip(step.detail())), "class", "detail block")
                    .close();
        }
        if (steps == 0) {
            out.leaf("span", Page.typographic(TimelineReport.clip(trial.reason())), "class", "detail block");
        }
        if (!trial.evidence().isEmpty()) {
            VersionSection.evidence(out, trial.evidence(), "findings");
        }
    }

    private static void gain(Html out, Timeline.Trial trial) {
        out.leaf("span", TimelineReport.clip(trial.goal()), "class", "settings");
        double[] ends = Stream.of(trial.online(), trial.offline() == null ? trial.online() : trial.offline())
                .flatMapToDouble(estimate -> DoubleStream.of(estimate.value(), estimate.low(), estimate.high(), 0))
                .filter(Double::isFinite)
                .toArray();
        Axis scale = Axis.round(
                DoubleStream.of(ends).min().orElse(0),
                Math.max(1e-9, DoubleStream.of(ends).max().orElse(0)),
                6,
                WIDTH,
                3);
        gain(out, "Offline", trial.offline(), scale, "s1");
        gain(out, "Online", trial.online(), scale, "s0");
    }

    private static void gain(Html out, String when, @Nullable Estimate gain, Axis scale, String series) {
        boolean known = gain != null && Double.isFinite(gain.value());
        out.open("div", "class", "move").open("span", "class", "block").text(when + " ");
        if (gain == null || !known) {
            out.leaf("span", gain == null ? "not measured" : "too few outcomes yet", "class", "muted")
                    .close()
                    .close();
            return;
        }
        String range = signed(gain.low()) + " to " + signed(gain.high());
        out.leaf("span", signed(gain.value()), "class", "value").close();
        new Charts(out).interval(when + " advantage", signed(gain.value()) + ", " + range, gain, scale, 0, series);
        out.leaf("span", range, "class", "settings").close();
    }

    private static String signed(double value) {
        return Page.typographic((value > 0 ? "+" : "") + Numbers.brief(value));
    }
}
