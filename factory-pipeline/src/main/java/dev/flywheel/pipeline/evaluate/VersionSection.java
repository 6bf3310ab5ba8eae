package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** The part of a pipeline's report about its versions: from where, how good, and who put them into production, why. */
final class VersionSection {

    private static final int MOST_METRICS = 3;
    /** The last moves of a version that are told; one that serves in turn with another has many. */
    private static final int MOST_MOVES = 3;

    private final List<Timeline.Version> versions;
    private final Map<Integer, List<AliasMove>> moves;
    private final Page page;
    private final OptionalInt champion;

    VersionSection(Timeline timeline, Page page) {
        this.versions = timeline.versions();
        this.moves = timeline.moves().stream()
                .filter(move -> move.to().isPresent())
                .collect(Collectors.groupingBy(move -> move.to().getAsInt()));
        int last = timeline.moves().size() - 1;
        this.champion =
                last < 0 ? OptionalInt.empty() : timeline.moves().get(last).to();
        this.page = page;
    }

    /** {@return what was done to the champion's alias, and by whom} */
    static String verb(AliasMove move) {
        String what = switch (move.kind()) {
            case MOVED -> "promoted";
            case ROLLED_BACK -> "put back";
            case REMOVED -> "taken out of production";
            case DELETED -> "deleted";
        };
        return what + " by " + TimelineReport.clip(move.who());
    }

    void write() {
        if (versions.isEmpty()) {
            return;
        }
        page.section("Versions");
        List<Timeline.Version> shown = TimelineReport.newestFirst(versions, TimelineReport.MOST_ROWS);
        Html out = page.out();
        Tables.open(out, "Each registered version, with metrics on the test rows of its run", "told");
        out.open("thead").open("tr");
        for (String heading : List.of("Version", "Registered", "Metrics, 95% intervals", "In production")) {
            Tables.heading(out, heading, false);
        }
        out.close().close().open("tbody");
        shown.forEach(version -> row(out, version));
        Tables.close(out.close());
        TimelineReport.newest(page, shown.size(), versions.size(), "versions");
    }

    private void row(Html out, Timeline.Version version) {
        ModelCard card = version.card();
        boolean serves = champion.isPresent() && champion.getAsInt() == version.number();
        out.open("tr").open("th", "scope", "row").open("span", "class", "name").text("v" + version.number());
        if (serves) {
            out.leaf("span", "champion", "class", "badge champion");
        }
        out.close();
        if (card != null) {
            out.leaf("span", TimelineReport.clip(card.candidate()), "class", "settings");
        }
        out.close();
        if (card == null) {
            out.leaf("td", TimelineReport.clip(version.problem()), "class", "problem", "colspan", "2");
        } else {
            registered(out, card);
            metrics(out, card);
        }
        production(out, moves.getOrDefault(version.number(), List.of()));
        out.close();
    }

    private static void registered(Html out, ModelCard card) {
        out.open("td", "data-label", "Registered")
                .open("span", "class", "block")
                .text(TimelineReport.time(card.createdAt()))
                .close()
                .leaf("span", "run " + card.runId(), "class", "settings")
                .leaf("span", Numbers.count(card.trainRows()) + " rows learned from", "class", "settings");
        if (card.parent().isPresent()) {
            out.leaf("span", "compared with v" + card.parent().getAsInt(), "class", "settings");
        }
        out.close();
    }

    private static void metrics(Html out, ModelCard card) {
        out.open("td", "data-label", "Metrics");
        Metric.of(card.task()).stream()
                .filter(metric -> card.metrics().containsKey(metric.name()))
                .limit(MOST_METRICS)
                .forEach(metric -> metric(
                        out,
                        metric,
                        java.util.Objects.requireNonNull(card.metrics().get(metric.name()))));
        out.close();
    }

    private static void metric(Html out, Metric metric, Estimate estimate) {
        out.open("span", "class", "block").text(metric.label() + " ");
        out.leaf("span", Page.typographic(Numbers.metric(metric, estimate.value())), "class", "value");
        if (Double.isFinite(estimate.low()) && Double.isFinite(estimate.high())) {
            out.leaf(
                    "span",
                    Page.typographic(" " + Numbers.metric(metric, estimate.low()) + " to "
                            + Numbers.metric(metric, estimate.high())),
                    "class",
                    "muted small");
        }
        out.close();
    }

    private static void production(Html out, List<AliasMove> moves) {
        out.open("td", "data-label", "In production", "class", "long");
        if (moves.isEmpty()) {
            out.leaf("span", "never", "class", "muted");
        }
        List<AliasMove> last = TimelineReport.newestFirst(moves, MOST_MOVES);
        for (AliasMove move : last) {
            out.open("div", "class", "move")
                    .leaf("span", TimelineReport.time(move.at()) + ", " + verb(move), "class", "block")
                    .leaf("span", Page.typographic(TimelineReport.clip(move.why())), "class", "detail block");
            if (!move.evidence().isEmpty()) {
                evidence(out, move.evidence(), "gates");
            }
            out.close();
        }
        if (moves.size() > last.size()) {
            out.leaf("span", "and " + (moves.size() - last.size()) + " times before", "class", "muted");
        }
        out.close();
    }

    /** Writes what was found, folded up. */
    static void evidence(Html out, List<Verdict> verdicts, String what) {
        long passed = verdicts.stream()
                .filter(verdict -> verdict.outcome() == Verdict.Outcome.PASS)
                .count();
        out.open("details", "class", "small")
                .leaf("summary", "Evidence: " + passed + " of " + verdicts.size() + " " + what + " passed")
                .open("ul", "class", "plain");
        for (Verdict verdict : verdicts) {
            String text = verdict.outcome().name().toLowerCase(Locale.ROOT) + " " + verdict.gate() + ": "
                    + verdict.evidence();
            out.leaf("li", Page.typographic(TimelineReport.clip(text)));
        }
        out.close().close();
    }
}
