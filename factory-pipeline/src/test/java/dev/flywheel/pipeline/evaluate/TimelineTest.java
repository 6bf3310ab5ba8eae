package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.ColumnDrift;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TimelineTest {

    private static final Instant START = SampleTimelines.START;

    private final PageSource weeks = new PageSource(SampleTimelines.weeks(24).html());

    @Test
    void tellsHowItStandsFirst() {
        assertThat(weeks.texts("h1")).containsExactly("delays");
        assertThat(weeks.first("div", "outcome").getTextContent())
                .contains("Version 19 serves since 2001-07-09 00:00", "Promoted by flywheel: mlp passed 2 of 2 gates");
        assertThat(weeks.first("dl", "figures").getTextContent())
                .contains("Promotions19" + "2 rollbacks", "Runs24" + "5 refused, 0 failed", "Drifted features now1");
        assertThat(weeks.texts("h2"))
                .containsExactly(
                        "Champion and quality",
                        "Drift",
                        "Predictions and their outcomes",
                        "Decisions and their reasons",
                        "Tried in traffic",
                        "Versions",
                        "Runs");
    }

    @Test
    void drawsChampionsAndQualityOverTheSameTime() {
        String section = weeks.section("Champion and quality");
        assertThat(section)
                .contains("version 1, 2001-01-29 00:00 to 2001-02-05 00:00")
                .contains("measured, with its 95% interval", "estimated without outcomes", "at its evaluation")
                .contains("promotion", "rollback", "ROC AUC \u2191");
        assertThat(section)
                .contains("Calibration of the champions", "expected: at the champion's evaluation")
                .contains("measured on outcomes, with its 95% interval", "measured 0.0210, by chance with p 0.34");
        assertThat(weeks.all("path").stream()
                        .filter(path -> path.getAttribute("class").equals("band s0")))
                .hasSize(2);
    }

    @Test
    void showsTheDriftOfEachFeatureWithASentence() {
        String drift = weeks.section("Drift");
        assertThat(drift)
                .contains("carrier has drifted: PSI 0.52", "4 of 24 windows", "2001-06-18 00:00")
                .contains("gate, 2001-01-29 00:00: too few rows", "the predictions", "distance, 2001-02-12")
                .doesNotContain("wind has drifted");
        assertThat(weeks.all("rect").stream()
                        .filter(r -> r.getAttribute("class").startsWith("warm")))
                .hasSize(16 + 3);
    }

    @Test
    void showsLabelsDecisionsTrialsVersionsAndRuns() {
        assertThat(weeks.section("Predictions and their outcomes"))
                .contains(
                        "Of 232,112 outcomes half came within 3 h 7 min of their prediction and nine of ten within 2 d 13 h")
                .contains("90 days and older", "94.7%", "outcomes that came in");
        assertThat(weeks.section("Decisions and their reasons"))
                .contains("2001-07-16 00:00Refused a candidateby flywheel: PASS ROC AUC at least 0.55")
                .contains("Rolled back to version 7");
        assertThat(weeks.section("Tried in traffic"))
                .contains("v3promotedbeside v2", "from 2001-02-07 00:00to 2001-02-09 00:00", "Plan: canary, 10%, 50%")
                .contains("2001-02-08 00:00, advanced", "half of the traffic", "Evidence: 1 of 2 findings passed")
                .contains("log loss is better", "Offline +0.008", "Online +0.0061", "+0.0012 to +0.011");
        assertThat(weeks.section("Versions"))
                .contains("v19champion", "compared with v18", "0.6600", "0.6500 to 0.6700")
                .contains("put back by Ada, on call", "complaints about late warnings")
                .contains("Evidence: 1 of 1 gates passed", "pass ROC AUC at least 0.55");
        assertThat(weeks.section("Runs"))
                .contains("7 d since the last run", "the last 90 d; 41,000 from the source, 89,000 from feedback")
                .contains("candidate", "champion on the same rows", "rejected", "promoted v19");
    }

    @Test
    void leavesOutWhatIsNotKnown() {
        Timeline empty = SampleTimelines.empty("churn");
        PageSource page = new PageSource(empty.html());
        assertThat(page.texts("h2")).isEmpty();
        assertThat(page.first("div", "outcome").getTextContent()).contains("No version serves");
        Timeline said = new Timeline(
                "churn",
                START,
                "Promotions are frozen by Ada.",
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                null,
                List.of(),
                List.of("Drift: nothing was watched."));
        PageSource told = new PageSource(said.html());
        assertThat(told.section("Not shown")).contains("Drift: nothing was watched.");
        assertThat(told.first("div", "outcome").getTextContent()).contains("Promotions are frozen by Ada.");
    }

    @Test
    void tenYearsOfWeeksStayAPageThatAnybodyCanOpen() {
        String html = SampleTimelines.weeks(520).html();
        assertThat(html.getBytes(StandardCharsets.UTF_8).length).isLessThan(2_000_000);
        PageSource page = new PageSource(html);
        assertThat(page.section("Champion and quality"))
                .contains("Each place stands for 4 of the 520 windows: it shows their strongest drift and their mean"
                        + " quality.");
        assertThat(page.section("Decisions and their reasons")).contains("The newest 200 of 520 decisions are shown.");
        assertThat(page.section("Versions")).contains("The newest 100 of ");
        assertThat(page.section("Runs")).contains("The newest 100 of 520 runs are shown.");
    }

    @Test
    void aThousandFeaturesDoNotMakeItLarge() {
        List<Timeline.Drift> features = new java.util.ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            features.add(SampleTimelines.drift("f" + i, ColumnDrift.State.DRIFTED, true, i == 700 ? 9 : i / 1_000.0));
        }
        List<Timeline.Window> windows = new java.util.ArrayList<>();
        for (int i = 0; i < 300; i++) {
            Instant at = START.plus(Duration.ofDays(i));
            windows.add(new Timeline.Window(at, at.plus(Duration.ofDays(1)), 1, 10, 0, features, null, null, null));
        }
        String html = watched(windows).html();
        assertThat(html.length()).isLessThan(2_000_000);
        assertThat(new PageSource(html).section("Drift"))
                .contains("The 24 of 1000 features with the most drift are shown.", "f700 has drifted")
                .doesNotContain("f100 has drifted");
    }

    @Test
    void joinedWindowsShowTheStrongestDrift() {
        Timeline.Drift none = SampleTimelines.drift("a", ColumnDrift.State.STABLE, false, 0.4);
        Timeline.Drift drift = SampleTimelines.drift("a", ColumnDrift.State.DRIFTED, true, 0.3);
        Timeline.Drift few = SampleTimelines.drift("a", ColumnDrift.State.TOO_FEW_ROWS, false, 0);
        List<Timeline.Window> windows = List.of(window(0, none), window(1, drift), window(2, few));
        Thinned group = new Thinned(windows);
        assertThat(group.worst(w -> w.features().get(0))).isEqualTo(drift);
        assertThat(new Thinned(windows.subList(2, 3)).worst(w -> w.features().get(0)))
                .isEqualTo(few);
        assertThat(Thinned.of(java.util.Collections.nCopies(131, window(0, none))))
                .hasSize(66);
    }

    @Test
    void infiniteAndMissingNumbersAreDrawnAsNothing() {
        Timeline.Drift drift = SampleTimelines.drift("a", ColumnDrift.State.DRIFTED, true, Double.POSITIVE_INFINITY);
        Estimate nothing = new Estimate(Double.NaN, Double.NaN, Double.NaN, "none");
        Estimate wide = new Estimate(0.5, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, "none");
        List<Timeline.Window> windows = List.of(
                quality(0, drift, nothing),
                quality(1, drift, wide),
                quality(2, drift, SampleTimelines.estimate(0.6, 0.1)));
        String html = watched(windows).html();
        assertThat(html).doesNotContain("NaN", "Infinity");
        assertThat(new PageSource(html).section("Drift")).contains("drift, PSI \u221e");
    }

    private static Timeline.Window quality(int day, Timeline.Drift drift, Estimate measured) {
        Instant at = START.plus(Duration.ofDays(day));
        Timeline.Quality quality = new Timeline.Quality(Metric.ROC_AUC, measured, null, Double.NaN);
        return new Timeline.Window(at, at.plus(Duration.ofDays(1)), 1, 10, 0, List.of(drift), null, quality, null);
    }

    private static Timeline.Window window(int day, Timeline.Drift drift) {
        Instant at = START.plus(Duration.ofDays(day));
        return new Timeline.Window(at, at.plus(Duration.ofDays(1)), 1, 10, 0, List.of(drift), null, null, null);
    }

    private static Timeline watched(List<Timeline.Window> windows) {
        return new Timeline(
                "churn",
                windows.get(windows.size() - 1).to(),
                "",
                List.of(),
                List.of(move("why")),
                List.of(),
                windows,
                List.of(),
                null,
                List.of(),
                List.of());
    }

    private static AliasMove move(String text) {
        return new AliasMove(
                START,
                "champion",
                AliasMove.Kind.MOVED,
                OptionalInt.empty(),
                OptionalInt.of(1),
                text,
                text,
                List.of(new Verdict(text, Verdict.Outcome.PASS, text)));
    }

    /** A story every text of which is the same. */
    static Timeline of(String text) {
        ModelCard card = new ModelCard(
                text,
                text,
                START,
                Task.BINARY,
                text,
                text,
                List.of(text),
                1,
                1,
                OptionalInt.empty(),
                text,
                Map.of("ROC_AUC", new Estimate(0.5, 0.4, 0.6, text)),
                List.of(),
                Map.of(text, text));
        Timeline.Drift drift = new Timeline.Drift(text, ColumnDrift.State.DRIFTED, true, 0.3, text, text);
        Instant end = START.plusSeconds(60);
        Episode run = new Episode(
                text,
                RunReport.Outcome.REJECTED,
                text,
                START,
                end,
                OptionalInt.empty(),
                OptionalInt.empty(),
                1,
                1,
                text,
                Map.of(),
                Map.of(),
                Map.of(
                        "started because",
                        text,
                        "learned from",
                        text,
                        "learned from source",
                        text,
                        "learned from feedback",
                        text));
        return new Timeline(
                text,
                end,
                text,
                List.of(new Timeline.Version(1, card, ""), new Timeline.Version(2, null, text)),
                List.of(move(text)),
                List.of(run),
                List.of(new Timeline.Window(START, end, 1, 5, 5, List.of(drift), drift, null, null)),
                List.of(new Timeline.Happening(START, text, text, text, Page.Tone.BAD)),
                null,
                List.of(new Timeline.Trial(
                        START,
                        null,
                        1,
                        2,
                        text,
                        text,
                        text,
                        Page.Tone.OPEN,
                        List.of(new Timeline.Happening(START, text, text, text, Page.Tone.BAD)),
                        List.of(new Verdict(text, Verdict.Outcome.PASS, text)),
                        text,
                        null,
                        new Estimate(0.5, 0.4, Double.POSITIVE_INFINITY, text))),
                List.of(text));
    }

    @Test
    void readsTheGistOfARun(@TempDir Path directory) {
        RunReport report = SampleReports.run(directory, 500, Task.BINARY);
        Episode run = Episode.read(report.json(), "run.json");
        assertThat(run.id()).isEqualTo(report.head().run());
        assertThat(run.train()).isEqualTo(147_791);
        assertThat(run.version()).hasValue(4);
        assertThat(run.metrics()).isEqualTo(report.models().candidates().get(1).metrics());
        assertThat(run.championMetrics()).containsKey(Metric.ROC_AUC);
        Episode failed = Episode.read(SampleReports.failed("churn", "no rows").json(), "run.json");
        assertThat(failed.outcome()).isEqualTo(RunReport.Outcome.FAILED);
        assertThat(failed.metrics()).isEmpty();
    }

    @Test
    void ticksAreWhereTheCalendarTurns() {
        assertThat(ticks("2001-01-29T00:00:00Z", Duration.ofDays(168)))
                .containsExactly("Feb 2001", "Mar 2001", "Apr 2001", "May 2001", "Jun 2001", "Jul 2001");
        assertThat(ticks("2001-01-29T00:00:00Z", Duration.ofDays(5_800)))
                .containsExactly("2002", "2004", "2006", "2008", "2010", "2012", "2014", "2016");
        assertThat(ticks("2001-01-30T00:00:00Z", Duration.ofDays(30)))
                .containsExactly("5 Feb", "12 Feb", "19 Feb", "26 Feb");
        assertThat(ticks("2001-01-30T22:30:00Z", Duration.ofMinutes(40)))
                .containsExactly("22:30", "22:35", "22:40", "22:45", "22:50", "22:55", "23:00", "23:05", "23:10");
        assertThat(ticks("2001-01-30T22:30:00Z", Duration.ZERO)).hasSizeLessThan(3);
    }

    private static List<String> ticks(String from, Duration span) {
        Instant start = Instant.parse(from);
        return TimeAxis.of(start, start.plus(span), 0, 100).ticks().stream()
                .map(TimeAxis.Tick::label)
                .toList();
    }
}
