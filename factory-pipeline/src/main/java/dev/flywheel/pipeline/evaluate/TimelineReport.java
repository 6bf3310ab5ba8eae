package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline's story as a page: how it stands first, then what was seen, then what was done. Lists show the newest, and
 * charts join neighbours, as far as a page that anybody can open and send asks for; each says so.
 */
final class TimelineReport {

    /** Happenings, versions and runs shown; each takes up to about 3 kB. */
    static final int MOST_EVENTS = 200;

    static final int MOST_ROWS = 100;
    private static final int MOST_CHARACTERS = 700;

    private static final DateTimeFormatter MINUTE =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final Timeline timeline;
    private final Page page;
    private final TimeAxis axis;

    private TimelineReport(Timeline timeline) {
        this.timeline = timeline;
        this.page = Page.titled(timeline.pipeline()).kicker("Flywheel pipeline report");
        this.axis = TimeChart.axis(first(), timeline.asOf());
    }

    static String of(Timeline timeline) {
        return new TimelineReport(timeline).write();
    }

    private String write() {
        head();
        new ProductionSection(timeline, axis, page).write();
        new DriftSection(timeline.windows(), axis, page).write();
        new LabelSection(timeline, axis, page).write();
        decisions();
        new TrialSection(timeline.trials(), page).write();
        new VersionSection(timeline, page).write();
        new EpisodeSection(timeline.runs(), axis, page).write();
        absent();
        return page.html();
    }

    /** {@return when the story begins} */
    private Instant first() {
        Stream<Instant> moves = timeline.moves().stream().map(AliasMove::at);
        Stream<Instant> runs = timeline.runs().stream().map(Episode::startedAt);
        Stream<Instant> windows = timeline.windows().stream().map(Timeline.Window::from);
        return Stream.of(moves, runs, windows)
                .flatMap(times -> times)
                .min(Instant::compareTo)
                .orElse(timeline.asOf());
    }

    /** {@return an instant to the minute, in UTC} */
    static String time(Instant instant) {
        return MINUTE.format(instant);
    }

    /** {@return a text that is not longer than what a reader of a list bears with} */
    static String clip(String text) {
        int end = text.offsetByCodePoints(0, Math.min(MOST_CHARACTERS, text.codePointCount(0, text.length())));
        return end < text.length() ? text.substring(0, end) + " \u2026" : text;
    }

    /** Says how many are shown where not all are. */
    static void newest(Page page, int shown, int all, String what) {
        if (shown < all) {
            page.out()
                    .leaf(
                            "p",
                            "The newest " + Numbers.count(shown) + " of " + Numbers.count(all) + " " + what
                                    + " are shown.",
                            "class",
                            "hint");
        }
    }

    /** {@return the last of a list, the newest first} */
    static <T> List<T> newestFirst(List<T> all, int most) {
        List<T> newest = new ArrayList<>(all.subList(Math.max(0, all.size() - most), all.size()));
        java.util.Collections.reverse(newest);
        return newest;
    }

    private void head() {
        Html out = page.out();
        out.leaf("p", "In UTC, " + time(axis.low()) + " to " + time(timeline.asOf()), "class", "sub");
        AliasMove last = timeline.moves().isEmpty()
                ? null
                : timeline.moves().get(timeline.moves().size() - 1);
        Page.Tone tone = last == null || !timeline.standing().isEmpty() ? Page.Tone.OPEN : Page.Tone.GOOD;
        out.open("div", "class", "outcome " + tone.style);
        Page.sign(out, tone);
        out.open("div").leaf("strong", champion(last));
        if (last != null) {
            String verb = VersionSection.verb(last);
            String first = verb.substring(0, 1).toUpperCase(Locale.ROOT) + verb.substring(1);
            out.leaf("p", Page.typographic(first + ": " + clip(last.why())));
        }
        if (!timeline.standing().isEmpty()) {
            out.leaf("p", timeline.standing());
        }
        out.close().close();
        page.figures(figures());
    }

    private static String champion(@Nullable AliasMove last) {
        if (last == null || last.to().isEmpty()) {
            return "No version serves";
        }
        return "Version " + last.to().getAsInt() + " serves since " + time(last.at());
    }

    private List<Page.Figure> figures() {
        List<Page.Figure> figures = new ArrayList<>();
        long rollbacks = count(AliasMove.Kind.ROLLED_BACK);
        figures.add(
                new Page.Figure("Promotions", Numbers.count(count(AliasMove.Kind.MOVED)), many(rollbacks, "rollback")));
        long refused = count(RunReport.Outcome.REJECTED);
        long failed = count(RunReport.Outcome.FAILED);
        figures.add(new Page.Figure(
                "Runs",
                Numbers.count(timeline.runs().size()),
                Numbers.count(refused) + " refused, " + Numbers.count(failed) + " failed"));
        quality(figures);
        if (!timeline.windows().isEmpty()) {
            List<Timeline.Window> windows = timeline.windows();
            Timeline.Window now = windows.get(windows.size() - 1);
            long drifted =
                    now.features().stream().filter(Timeline.Drift::drifted).count();
            figures.add(new Page.Figure(
                    "Drifted features now",
                    Numbers.count(drifted),
                    "of " + now.features().size()));
        }
        Timeline.Labels labels = timeline.labels();
        if (labels != null && labels.outcomes() > 0) {
            figures.add(new Page.Figure(
                    "Median label delay",
                    LabelSection.span(labels.median()),
                    Numbers.count(labels.outcomes()) + " outcomes"));
        }
        return figures;
    }

    private void quality(List<Page.Figure> figures) {
        for (int i = timeline.windows().size() - 1; i >= 0; i--) {
            Timeline.Quality quality = timeline.windows().get(i).quality();
            if (quality != null && quality.measured() != null) {
                Metric metric = quality.metric();
                String note = Double.isNaN(quality.reference())
                        ? ""
                        : Numbers.metric(metric, quality.reference()) + " at its evaluation";
                figures.add(new Page.Figure(
                        metric.label() + " now",
                        Numbers.metric(metric, quality.measured().value()),
                        note));
                return;
            }
        }
    }

    private long count(AliasMove.Kind kind) {
        return timeline.moves().stream().filter(move -> move.kind() == kind).count();
    }

    private long count(RunReport.Outcome outcome) {
        return timeline.runs().stream().filter(run -> run.outcome() == outcome).count();
    }

    /** {@return a number with its noun} */
    static String many(long count, String noun) {
        return Numbers.count(count) + " " + noun + (count == 1 ? "" : "s");
    }

    private void decisions() {
        if (timeline.happenings().isEmpty()) {
            return;
        }
        page.section("Decisions and their reasons");
        page.events(newestFirst(timeline.happenings(), MOST_EVENTS).stream()
                .map(happening -> new Page.Event(
                        time(happening.at()), clip(happening.title()), detail(happening), happening.tone()))
                .toList());
        newest(page, MOST_EVENTS, timeline.happenings().size(), "decisions");
    }

    private static String detail(Timeline.Happening happening) {
        String by = happening.who().isEmpty() ? "" : "by " + clip(happening.who());
        if (happening.detail().isEmpty() || by.isEmpty()) {
            return happening.detail().isEmpty() ? by : clip(happening.detail());
        }
        return by + ": " + clip(happening.detail());
    }

    private void absent() {
        if (!timeline.absent().isEmpty()) {
            page.section("Not shown");
            Html out = page.out().open("ul", "class", "plain");
            timeline.absent().forEach(sentence -> out.leaf("li", sentence));
            out.close();
        }
    }
}
