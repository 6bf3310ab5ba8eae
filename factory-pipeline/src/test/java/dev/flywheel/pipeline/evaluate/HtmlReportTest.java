package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.explain.Importance;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.explain.Robustness;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HtmlReportTest {

    private static final String HOSTILE =
            "</td></style><script>alert('x')</script>&\"' onload=\"x\" \u0000\u202e\ud800";
    private static final String HARMLESS =
            "</td></style><script>alert('x')</script>&\"' onload=\"x\" \ufffd\u202e\ufffd";

    private RunReport binaryReport;
    private PageSource binary;
    private PageSource regression;
    private PageSource failed;
    private PageSource story;
    private PageSource timeline;
    private PageSource hostileTimeline;

    @BeforeAll
    void draw(@TempDir Path directory) {
        binaryReport = SampleReports.run(directory, 3_000, Task.BINARY);
        binary = new PageSource(binaryReport.html());
        regression = new PageSource(
                SampleReports.run(directory, 2_000, Task.REGRESSION).html());
        failed = new PageSource(
                SampleReports.failed("churn", "no row passed the checks").html());
        story = new PageSource(SampleReports.story().html());
        timeline = new PageSource(SampleTimelines.weeks(200).html());
        hostileTimeline = new PageSource(TimelineTest.of(HOSTILE).html());
    }

    private List<PageSource> pages() {
        return List.of(binary, regression, failed, story, timeline, hostileTimeline);
    }

    @Test
    void tellsTheResultFirst() {
        assertThat(binary.texts("h1")).containsExactly("delays");
        assertThat(binary.first("div", "outcome").getTextContent())
                .contains("PROMOTED: version 4 is champion")
                .contains("Every gate passed.");
        assertThat(binary.texts("h2"))
                .containsExactly(
                        "Gates",
                        "Candidates",
                        "How the winner predicts",
                        "Slices",
                        "What the winner goes by",
                        "What the winner withstands",
                        "Checks and quarantine",
                        "Columns",
                        "Lineage");
    }

    @Test
    void showsEachGateWithItsEvidence() {
        for (Verdict verdict : binaryReport.verdicts()) {
            assertThat(binary.section("Gates"))
                    .contains(verdict.gate(), verdict.outcome().name(), Page.typographic(verdict.evidence()));
        }
    }

    @Test
    void marksTheWinnerBesideTheChampion() {
        Estimate auc = Objects.requireNonNull(
                binaryReport.models().candidates().get(1).metrics().get(Metric.ROC_AUC));
        assertThat(binary.first("tr", "winner").getTextContent())
                .contains("mlp", "layers 64, 32", "trained in 1 min 1 s")
                .contains(Numbers.metric(Metric.ROC_AUC, auc.value()));
        assertThat(binary.first("tr", "champion").getTextContent()).contains("champion v3");
        assertThat(binary.section("Candidates")).contains("the loss was NaN after 12 of 20 epochs");
    }

    @Test
    void drawsTheCurvesOfBothModels() {
        assertThat(binary.texts("figcaption"))
                .anyMatch(text -> text.startsWith("ROC curve"))
                .anyMatch(text -> text.startsWith("Precision and recall"))
                .anyMatch(text -> text.startsWith("Calibration"))
                .allMatch(text -> text.contains("Candidate") && text.contains("Champion"));
        assertThat(regression.texts("figcaption"))
                .containsExactly("Predicted and actual, candidate", "Predicted and actual, champion", "Residuals");
        assertThat(binary.section("How the winner predicts")).contains("precision", "recall", "specificity");
    }

    @Test
    void pointsAtTheWeakestSlice() {
        assertThat(binary.all("tr").stream()
                        .filter(row -> row.getAttribute("class").equals("weaker"))
                        .map(row -> row.getElementsByTagName("th").item(0).getTextContent()))
                .contains("LAX weakest");
    }

    @Test
    void showsWhatTheWinnerGoesByAndWhatItWithstands() {
        assertThat(binary.section("What the winner goes by"))
                .contains("2,000 test rows, on average over 5 shuffles")
                .containsSubsequence("departure", "0.0860", "origin", "0.0410", "weekend");
        assertThat(binary.section("What the winner withstands"))
                .contains("noise of 0.1 standard deviations on every number")
                .contains("5% of all cells missing")
                .contains("not available: the model has no gradient by its numbers");
    }

    @Test
    void profilesTheColumns() {
        assertThat(binary.section("Columns"))
                .contains("ATL", "4 different values", "nearly all unique", "no value", "event time")
                .contains("2001-04-01");
        assertThat(binary.section("Checks and quarantine"))
                .contains("distance between 0 and 12000", "109 were refused");
    }

    @Test
    void keepsTheLineage() {
        assertThat(binary.section("Lineage"))
                .contains(binaryReport.lineage().definitionHash(), "champion: 3 -> 4", "17.0.15", "seed 42");
    }

    @Test
    void aFailedRunHasAReportToo() {
        assertThat(failed.first("div", "outcome").getTextContent()).contains("FAILED", "no row passed the checks");
        assertThat(failed.texts("h2")).containsExactly("Lineage");
    }

    @Test
    void aRejectedRunNamesTheChampionThatStays() {
        RunReport.Head head = binaryReport.head();
        RunReport rejected = new RunReport(
                new RunReport.Head(
                        head.pipeline(),
                        head.run(),
                        RunReport.Outcome.REJECTED,
                        "Gate x said INCONCLUSIVE.",
                        head.startedAt(),
                        head.endedAt(),
                        head.version(),
                        head.champion(),
                        head.energy()),
                binaryReport.data(),
                binaryReport.models(),
                binaryReport.verdicts(),
                binaryReport.lineage());
        assertThat(new PageSource(rejected.html()).first("div", "outcome").getTextContent())
                .contains("REJECTED: version 3 stays champion");
    }

    @Test
    void aModelThatPredictsNonsenseHasAReportToo() {
        double[] labels = {0, 1, 1};
        double[] scores = {0.5, Double.NaN, 0.5};
        RunReport.Models models = new RunReport.Models(
                Task.BINARY,
                List.of(new RunReport.Candidate(
                        "mlp",
                        Map.of(),
                        1,
                        Evaluation.of(Task.BINARY, labels, scores).metrics(),
                        "",
                        Map.of())),
                OptionalInt.of(0),
                null,
                Diagnostics.of(Task.BINARY, labels, scores),
                null,
                List.of(),
                List.of(),
                null,
                null);
        RunReport failure = SampleReports.failed("churn", "the model predicted NaN");
        PageSource page = new PageSource(
                new RunReport(failure.head(), failure.data(), models, failure.verdicts(), failure.lineage()).html());
        assertThat(page.section("Candidates")).contains("undefined: the model predicted NaN for row 1");
        assertThat(page.section("How the winner predicts")).contains("No curves");
        assertThat(page.all("path")).noneMatch(path -> path.getAttribute("d").contains("NaN"));
    }

    @Test
    void survivesJson() {
        assertThat(RunReport.read(binaryReport.json(), "run.json")).isEqualTo(binaryReport);
        RunReport empty = SampleReports.failed("x", "y");
        assertThat(RunReport.read(empty.json(), "run.json")).isEqualTo(empty);
    }

    @Test
    void everyCoordinateIsANumber() {
        for (PageSource page : pages()) {
            for (Element element : page.all("*")) {
                for (String name : List.of("d", "x", "y", "cx", "cy", "width", "height", "viewBox")) {
                    assertThat(element.getAttribute(name)).doesNotContain("NaN", "Infinity");
                }
            }
        }
    }

    @Test
    void needsNoScriptAndNoNetwork() {
        for (PageSource page : pages()) {
            assertThat(page.all("script")).isEmpty();
            assertThat(page.text).doesNotContain("http://", "https://", "url(", "@import");
            for (Element element : page.all("*")) {
                NamedNodeMap attributes = element.getAttributes();
                for (int i = 0; i < attributes.getLength(); i++) {
                    String name = attributes.item(i).getNodeName();
                    assertThat(name).doesNotStartWith("on").isNotEqualTo("src");
                    if (name.equals("href")) {
                        assertThat(attributes.item(i).getNodeValue()).matches("#s\\d+|card\\.html");
                    }
                }
            }
            assertThat(page.all("meta"))
                    .anyMatch(meta ->
                            meta.getAttribute("content").equals("default-src 'none'; style-src 'unsafe-inline'"));
        }
    }

    @Test
    void noTextCanBecomeMarkup() {
        PageSource page = new PageSource(hostile().html());
        Set<String> known =
                Set.of("html", "head", "body", "main", "nav", "header", "section", "meta", "title", "style");
        assertThat(page.all("script")).isEmpty();
        assertThat(page.text).doesNotContain("<script", "\u0000");
        assertThat(page.all("*").stream().filter(element -> known.contains(element.getTagName())))
                .hasSizeLessThan(40);
        assertThat(page.texts("h1")).containsExactly(HARMLESS);
        assertThat(page.first("div", "outcome").getTextContent()).contains(HARMLESS);
        for (String section : List.of("Gates", "Candidates", "Slices", "Checks and quarantine", "Columns", "Lineage")) {
            assertThat(page.section(section).toLowerCase(Locale.ROOT))
                    .as(section)
                    .contains(HARMLESS.substring(0, 30));
        }
    }

    @Test
    void noTextOfATimelineCanBecomeMarkup() {
        assertThat(hostileTimeline.text).doesNotContain("<script", "\u0000");
        assertThat(hostileTimeline.texts("h1")).containsExactly(HARMLESS);
        assertThat(hostileTimeline.texts("h2"))
                .containsExactly(
                        "Champion and quality",
                        "Drift",
                        "Predictions and their outcomes",
                        "Decisions and their reasons",
                        "Tried in traffic",
                        "Versions",
                        "Runs",
                        "Not shown");
        for (String section : List.of("Drift", "Decisions and their reasons", "Versions", "Runs", "Not shown")) {
            assertThat(hostileTimeline.section(section)).as(section).contains(HARMLESS);
        }
    }

    private static RunReport hostile() {
        Estimate estimate = new Estimate(0.6, 0.5, 0.7, HOSTILE);
        RunReport.Candidate candidate = new RunReport.Candidate(
                HOSTILE, Map.of(HOSTILE, HOSTILE), 1, Map.of(Metric.ROC_AUC, estimate), "", Map.of());
        RunReport.Candidate broken = new RunReport.Candidate(HOSTILE, Map.of(), 1, Map.of(), HOSTILE, Map.of());
        Profiles.Text text = new Profiles.Text(
                2, Profiles.Precision.EXACT, List.of(new Profiles.TopValue(HOSTILE, 5), new Profiles.TopValue(" ", 1)));
        return new RunReport(
                new RunReport.Head(
                        HOSTILE,
                        HOSTILE,
                        RunReport.Outcome.TRAINED,
                        HOSTILE,
                        Instant.EPOCH,
                        Instant.EPOCH,
                        OptionalInt.of(1),
                        OptionalInt.empty(),
                        HOSTILE),
                new RunReport.Data(
                        List.of(new RunReport.Part(HOSTILE, 6, HOSTILE)),
                        List.of(new Profiles.ColumnProfile(HOSTILE, ColumnType.TEXT, 6, 0, text, null, null)),
                        new RunReport.Checks(9, 6, List.of(new RunReport.Refusal(HOSTILE, 3)), HOSTILE)),
                new RunReport.Models(
                        Task.BINARY,
                        List.of(candidate, broken),
                        OptionalInt.of(0),
                        candidate,
                        null,
                        null,
                        List.of(new Slices.Slice(HOSTILE, HOSTILE, 60, 0.2, Metric.ROC_AUC, estimate)),
                        List.of(),
                        new RunReport.Examination(
                                List.of(new Importance(HOSTILE, Metric.ROC_AUC, 60, 1, estimate)),
                                List.of(new Robustness(
                                        Perturbation.noise(0.1), Metric.ROC_AUC, 60, 0.7, 0.6, estimate))),
                        null),
                List.of(new Verdict(HOSTILE, Verdict.Outcome.INCONCLUSIVE, HOSTILE)),
                new RunReport.Lineage(HOSTILE, HOSTILE, OptionalInt.empty(), Map.of(HOSTILE, HOSTILE), HOSTILE));
    }

    @Test
    void canBeReadAloud() {
        for (PageSource page : pages()) {
            assertThat(page.all("h1")).hasSize(1);
            assertThat(page.all("html").get(0).getAttribute("lang")).isEqualTo("en");
            assertThat(page.all("th")).allMatch(th -> th.hasAttribute("scope"));
            assertThat(page.all("table"))
                    .allMatch(table -> table.getElementsByTagName("caption").getLength() == 1);
            Set<String> ids = new HashSet<>();
            for (Element element : page.all("*")) {
                if (element.hasAttribute("id")) {
                    assertThat(ids.add(element.getAttribute("id")))
                            .as(element.getAttribute("id"))
                            .isTrue();
                }
            }
            for (Element element : page.all("*")) {
                if (element.hasAttribute("aria-labelledby")) {
                    assertThat(ids)
                            .contains(element.getAttribute("aria-labelledby").split(" "));
                }
            }
            for (Element svg : page.all("svg")) {
                boolean decoration = svg.getAttribute("aria-hidden").equals("true");
                assertThat(decoration || svg.getElementsByTagName("desc").getLength() == 1)
                        .isTrue();
            }
        }
    }

    @Test
    void onlyVoidAndSvgElementsCloseThemselves() {
        Pattern selfClosed = Pattern.compile("<(\\w+)[^<>]*/>");
        for (PageSource page : pages()) {
            Matcher matcher = selfClosed.matcher(page.text);
            while (matcher.find()) {
                assertThat(matcher.group(1)).isIn("meta", "path");
            }
        }
    }

    @Test
    void textStandsOutFromItsGround() {
        Matcher schemes = Pattern.compile(":root \\{(.*?)}", Pattern.DOTALL).matcher(binary.text);
        int found = 0;
        while (schemes.find()) {
            Map<String, String> colours = Pattern.compile("--([\\w-]+): (#\\w{6})")
                    .matcher(schemes.group(1))
                    .results()
                    .collect(Collectors.toMap(r -> r.group(1), r -> r.group(2)));
            if (colours.containsKey("card")) {
                found++;
                for (String ink : List.of("ink", "muted", "s0", "s1", "bad", "open")) {
                    for (String ground : List.of("bg", "card", "soft")) {
                        readable(colours, ink, ground);
                    }
                }
                for (String tone : List.of("good", "bad", "open")) {
                    readable(colours, tone, tone + "-bg");
                    readable(colours, "card", tone);
                }
                readable(colours, "card", "s0");
            }
        }
        assertThat(found).as("light and dark").isEqualTo(2);
    }

    /** WCAG 2.1, 1.4.3: at least 4.5 to 1. */
    private static void readable(Map<String, String> colours, String ink, String ground) {
        double first = luminance(Objects.requireNonNull(colours.get(ink), ink));
        double second = luminance(Objects.requireNonNull(colours.get(ground), ground));
        double contrast = (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
        assertThat(contrast).as(ink + " on " + ground).isGreaterThan(4.5);
    }

    private static double luminance(String colour) {
        double[] weights = {0.2126, 0.7152, 0.0722};
        double sum = 0;
        for (int i = 0; i < 3; i++) {
            double c = Integer.parseInt(colour.substring(1 + 2 * i, 3 + 2 * i), 16) / 255.0;
            sum += weights[i] * (c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
        }
        return sum;
    }
}
