package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Proportion;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.explain.Robustness;
import dev.flywheel.pipeline.export.Parity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GateTest {

    // An AUC of 0.75 and an accuracy of 0.75: one of four pairs is in the wrong order, one of four rows is wrong.
    private static final double[] LABELS = {0, 0, 1, 1};
    private static final double[] SCORES = {0.1, 0.4, 0.35, 0.8};
    private static final Evaluation FOUR_ROWS = Evaluation.of(Task.BINARY, LABELS, SCORES);

    @TempDir
    Path folder;

    @Test
    void aBoundIsProvenByTheEndOfTheInterval() {
        // Accuracy is 0.75 with a 95% interval from 0.3006 to 0.9544.
        assertThat(outcome(Gate.atLeast(Metric.ACCURACY, 0.3))).isEqualTo(PASS);
        assertThat(outcome(Gate.atLeast(Metric.ACCURACY, 0.31))).isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.atLeast(Metric.ACCURACY, 0.75))).isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.atLeast(Metric.ACCURACY, 0.95))).isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.atLeast(Metric.ACCURACY, 0.96))).isEqualTo(FAIL);
        assertThat(outcome(Gate.atMost(Metric.ACCURACY, 0.96))).isEqualTo(PASS);
        assertThat(outcome(Gate.atMost(Metric.ACCURACY, 0.95))).isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.atMost(Metric.ACCURACY, 0.3))).isEqualTo(FAIL);
    }

    @Test
    void boundsAreInclusive() {
        double low = FOUR_ROWS.candidateEstimate(Metric.ACCURACY).low();
        double high = FOUR_ROWS.candidateEstimate(Metric.ACCURACY).high();
        assertThat(outcome(Gate.atLeast(Metric.ACCURACY, low))).isEqualTo(PASS);
        assertThat(outcome(Gate.atLeast(Metric.ACCURACY, Math.nextUp(low)))).isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.atMost(Metric.ACCURACY, high))).isEqualTo(PASS);
        assertThat(outcome(Gate.atMost(Metric.ACCURACY, Math.nextDown(high)))).isEqualTo(INCONCLUSIVE);
    }

    @Test
    void aMetricWithoutAnIntervalProvesNothing() {
        Evaluation oneRow = Evaluation.of(Task.REGRESSION, new double[] {1}, new double[] {2});
        assertThat(Gate.atMost(Metric.MAE, 100).judge(oneRow).outcome()).isEqualTo(INCONCLUSIVE);
        assertThat(Gate.atMost(Metric.MAE, 0.5).judge(oneRow).outcome()).isEqualTo(INCONCLUSIVE);
    }

    @Test
    void evidenceCarriesTheNumbers() {
        assertThat(Gate.atLeast(Metric.ACCURACY, 0.9).judge(FOUR_ROWS))
                .isEqualTo(new Verdict(
                        "Accuracy at least 0.9", INCONCLUSIVE, "Accuracy is 0.7500 (95% 0.3006 to 0.9544, Wilson)"));
    }

    private static Verdict.Outcome outcome(Gate gate) {
        return gate.judge(FOUR_ROWS).outcome();
    }

    @Test
    void aMetricThatCannotBeComputedFails() {
        Evaluation oneClass = Evaluation.of(Task.BINARY, new double[] {1, 1}, new double[] {0.4, 0.6});
        assertThat(Gate.atLeast(Metric.ROC_AUC, 0).judge(oneClass))
                .isEqualTo(new Verdict("ROC AUC at least 0", FAIL, "ROC AUC is undefined: one class"));
        assertThat(Gate.atMost(Metric.ROC_AUC, 1).judge(oneClass).outcome()).isEqualTo(FAIL);
        assertThat(Gate.notWorseThanChampion(Metric.ROC_AUC, 1)
                        .judge(oneClass.against(new double[] {0.5, 0.5}))
                        .outcome())
                .isEqualTo(FAIL);
    }

    @Test
    void aMetricOfAnotherTaskFails() {
        assertThat(Gate.atMost(Metric.RMSE, 10).judge(FOUR_ROWS).evidence())
                .isEqualTo("RMSE was not computed: it does not fit a model of task BINARY");
        assertThat(Gate.atMost(Metric.RMSE, 10).judge(FOUR_ROWS).outcome()).isEqualTo(FAIL);
    }

    @Test
    void aModelThatPredictsNonsenseFails() {
        Evaluation broken = Evaluation.of(Task.BINARY, LABELS, new double[] {0.1, Double.NaN, 0.3, 0.4});
        assertThat(Gate.atLeast(Metric.ROC_AUC, 0).judge(broken).evidence())
                .isEqualTo("ROC AUC is undefined: the model predicted NaN for row 1");
        assertThat(Gate.betterThanChampion(Metric.ROC_AUC)
                        .judge(broken.against(SCORES))
                        .outcome())
                .isEqualTo(FAIL);
        assertThat(Gate.betterThanChampion(Metric.ROC_AUC).judge(FOUR_ROWS.against(new double[] {0.1, 0.2, 1.5, 0.4})))
                .isEqualTo(new Verdict(
                        "ROC AUC better than the champion's",
                        INCONCLUSIVE,
                        "the champion's ROC AUC is undefined: the model predicted 1.5 for row 2"));
    }

    @Test
    void aModelThatPredictsNonsensePassesNoGateOfAMetricEvenWithoutAChampion() {
        Slice rows = new Slice(folder, 200, 200, 20);
        rows.scores[300] = Double.NaN;
        for (Gate gate : List.of(
                Gate.betterThanChampion(Metric.ACCURACY),
                Gate.atLeast(Metric.ACCURACY, 0.5).onEachSlice("group"),
                Gate.betterThanChampion(Metric.ACCURACY).onEachSlice("group"))) {
            assertThat(gate.judge(rows).outcome()).as(gate.describe()).isEqualTo(FAIL);
            assertThat(gate.judge(rows).evidence())
                    .isEqualTo("Accuracy is undefined: the model predicted NaN for row 300");
        }
    }

    @Test
    void championGatesPassWhileThereIsNoChampion() {
        for (Gate gate : List.of(Gate.betterThanChampion(Metric.F1), Gate.notWorseThanChampion(Metric.BRIER, 0.01))) {
            assertThat(gate.judge(FOUR_ROWS).outcome()).isEqualTo(PASS);
            assertThat(gate.judge(FOUR_ROWS).evidence()).isEqualTo("there is no champion to compare with");
        }
    }

    @Test
    void championGatesGoByTheIntervalOfTheDifference() {
        Rows many = new Rows(20_000);
        Rows few = new Rows(40);

        assertThat(outcome(Gate.betterThanChampion(Metric.ROC_AUC), many.good, many.bad, many))
                .isEqualTo(PASS);
        assertThat(outcome(Gate.betterThanChampion(Metric.ROC_AUC), many.bad, many.good, many))
                .isEqualTo(FAIL);
        assertThat(outcome(Gate.betterThanChampion(Metric.LOG_LOSS), many.good, many.bad, many))
                .isEqualTo(PASS);
        assertThat(outcome(Gate.betterThanChampion(Metric.LOG_LOSS), many.bad, many.good, many))
                .isEqualTo(FAIL);
        assertThat(outcome(Gate.betterThanChampion(Metric.ROC_AUC), few.good, few.bad, few))
                .isEqualTo(INCONCLUSIVE);
    }

    @Test
    void aMarginAllowsASmallLossButNotALargeOne() {
        Rows many = new Rows(20_000);
        double loss = -Evaluation.of(Task.BINARY, many.labels, many.bad)
                .against(many.good)
                .difference(Metric.ROC_AUC)
                .orElseThrow()
                .value();
        assertThat(outcome(Gate.notWorseThanChampion(Metric.ROC_AUC, 2 * loss), many.bad, many.good, many))
                .isEqualTo(PASS);
        assertThat(outcome(Gate.notWorseThanChampion(Metric.ROC_AUC, loss), many.bad, many.good, many))
                .isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.notWorseThanChampion(Metric.ROC_AUC, loss / 5), many.bad, many.good, many))
                .isEqualTo(FAIL);
    }

    @Test
    void anUnchangedModelIsNotWorseButNotBetter() {
        Rows rows = new Rows(500);
        for (Metric metric : Metric.of(Task.BINARY)) {
            assertThat(outcome(Gate.notWorseThanChampion(metric, 0.01), rows.good, rows.good, rows))
                    .as(metric.name())
                    .isEqualTo(PASS);
            assertThat(outcome(Gate.betterThanChampion(metric), rows.good, rows.good, rows))
                    .as(metric.name())
                    .isNotEqualTo(PASS);
        }
    }

    @Test
    void evidenceOfAComparisonCountsPositiveAsBetter() {
        double[] labels = {1, 2, 3, 4, 5, 6};
        double[] exact = {1.1, 2.2, 3.1, 4.2, 5.1, 6.2};
        double[] rough = {2, 3, 5, 5, 6, 8};
        Verdict verdict = Gate.betterThanChampion(Metric.MAE)
                .judge(Evaluation.of(Task.REGRESSION, labels, exact).against(rough));
        assertThat(verdict.outcome()).isEqualTo(PASS);
        assertThat(verdict.evidence())
                .isEqualTo("candidate 0.1500, champion 1.333, advantage +1.183"
                        + " (95% +0.7678 to +1.599, paired normal) on 6 rows");
    }

    @Test
    void evidenceOfAccuracyCountsTheRowsThatDecide() {
        Verdict verdict =
                Gate.betterThanChampion(Metric.ACCURACY).judge(FOUR_ROWS.against(new double[] {0.9, 0.4, 0.7, 0.8}));
        assertThat(verdict.outcome()).isEqualTo(INCONCLUSIVE);
        assertThat(verdict.evidence())
                .endsWith("on 4 rows; only the candidate right on 1, only the champion on 1, McNemar p 1.0");
    }

    private static Verdict.Outcome outcome(Gate gate, double[] candidate, double[] champion, Rows rows) {
        return gate.judge(Evaluation.of(Task.BINARY, rows.labels, candidate).against(champion))
                .outcome();
    }

    /** Labels with a well calibrated and a slightly noisier model. */
    private static final class Rows {

        final double[] labels;
        final double[] good;
        final double[] bad;

        Rows(int count) {
            Random random = new Random(1);
            labels = new double[count];
            good = new double[count];
            bad = new double[count];
            for (int i = 0; i < count; i++) {
                double signal = random.nextGaussian();
                good[i] = 1 / (1 + Math.exp(-signal));
                bad[i] = 1 / (1 + Math.exp(-signal - 0.7 * random.nextGaussian()));
                labels[i] = random.nextDouble() < good[i] ? 1 : 0;
            }
        }
    }

    @Test
    void decidesAsTheReferenceTableOfNonInferiority() throws IOException {
        for (JsonNode c : cases("non_inferiority_accuracy")) {
            double low = c.get("expected").get("one_sided_lower").asDouble();
            double high = 2 * c.get("expected").get("diff").asDouble() - low;
            assertThat(new MetricRule(
                                    MetricRule.Sort.NOT_WORSE,
                                    Metric.ACCURACY,
                                    c.get("margin").asDouble())
                            .decide(low, high))
                    .isEqualTo(Verdict.Outcome.valueOf(
                            c.get("expected").get("verdict").asText()));
        }
    }

    @Test
    void decidesAsTheReferenceTableOfValueThresholds() throws IOException {
        for (JsonNode c : cases("value_threshold")) {
            JsonNode value = c.get("metric_value");
            // Labels and predictions chosen so that the mean absolute error is the value of the table.
            double error = value.isObject() ? value.get("unsampled").asDouble() : value.asDouble();
            Evaluation evaluation = value.isNull()
                    ? FOUR_ROWS
                    : Evaluation.of(Task.REGRESSION, new double[] {0, 0}, new double[] {error, error});
            JsonNode threshold = c.get("threshold");
            Gate gate = threshold.has("upper")
                    ? Gate.atMost(Metric.MAE, threshold.get("upper").asDouble())
                    : Gate.atLeast(Metric.MAE, threshold.get("lower").asDouble());
            assertThat(gate.judge(evaluation).outcome() == PASS)
                    .as(c.toString())
                    .isEqualTo(c.get("expected_pass").asBoolean());
        }
    }

    @Test
    void decidesAsTheReferenceTableOfChangeThresholds() throws IOException {
        for (JsonNode c : cases("change_threshold")) {
            Metric metric = c.get("direction").asText().equals("LOWER_IS_BETTER") ? Metric.RMSE : Metric.ROC_AUC;
            // The table knows no intervals: each is as narrow as its point.
            double advantage = metric.oriented(c.get("diff").asDouble());
            boolean passes = true;
            if (!c.get("absolute").isNull()) {
                double gain = metric.oriented(c.get("absolute").asDouble());
                passes = decide(MetricRule.Sort.BETTER_BY, metric, gain, advantage) == PASS;
            }
            if (!c.get("relative").isNull()) {
                double baseline = c.get("baseline").asDouble();
                double gain = baseline == 0
                        ? Double.NaN
                        : metric.oriented(c.get("relative").asDouble()) * baseline;
                passes &= decide(MetricRule.Sort.BETTER_BY, metric, gain, advantage) == PASS;
            }
            assertThat(passes).as(c.toString()).isEqualTo(c.get("expected_pass").asBoolean());
        }
    }

    private static Verdict.Outcome decide(MetricRule.Sort sort, Metric metric, double bound, double value) {
        return new MetricRule(sort, metric, bound).decide(value, value);
    }

    @Test
    void decidesAsTheReferenceTableOfLatency() throws IOException {
        for (JsonNode c : cases("latency_slo_gate")) {
            int requests = c.get("requests").asInt();
            int over = c.get("over_slo").asInt();
            JsonNode expected = c.get("expected");
            assertThat(Proportion.upperBound(over, requests, c.get("confidence").asDouble()))
                    .isCloseTo(expected.get("upper_bound").asDouble(), within(1e-9));
            assertThat(LatencyRule.decide(over, requests, c.get("slo_share").asDouble()) == PASS)
                    .isEqualTo(expected.get("verdict").asText().equals("PASS"));
        }
    }

    @Test
    void timesOfPredictionsProveAQuantile() {
        Gate gate = Gate.latencyAtMost(0.99, Duration.ofMillis(1));
        assertThat(gate.judge(timed(0)))
                .isEqualTo(new Verdict(
                        "p99 of a prediction at most 1.0 ms",
                        PASS,
                        "p99 is 100 \u00b5s (one-sided 95% each, 100 \u00b5s to 100 \u00b5s, order statistics)"
                                + " on 3,000 predictions, 0 over the bound"));
        assertThat(gate.judge(timed(19)).outcome()).isEqualTo(PASS);
        assertThat(gate.judge(timed(30)).outcome()).isEqualTo(INCONCLUSIVE);
        assertThat(gate.judge(timed(41)).outcome()).isEqualTo(FAIL);
        assertThat(gate.judge(timed(41)).evidence()).startsWith("p99 is 2.0 ms (one-sided 95% each, 2.0 ms to");
    }

    /** A candidate of whose predictions so many take 2 ms, and the others a tenth of one. */
    private static Judged timed(int slow) {
        return new Judged() {
            @Override
            public Evaluation evaluation() {
                return FOUR_ROWS;
            }

            @Override
            public long[] latencies(int predictions) {
                long[] nanos = new long[predictions];
                Arrays.fill(nanos, 100_000);
                Arrays.fill(nanos, 0, slow, 2_000_000);
                return nanos;
            }
        };
    }

    @Test
    void anEvaluationAloneIsNotEnoughForGatesAboutTheModel() {
        for (Gate gate : List.of(Gate.latencyAtMost(0.99, Duration.ofMillis(1)), Gate.sizeAtMost(9), Gate.parity())) {
            assertThatThrownBy(() -> gate.judge(FOUR_ROWS))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageEndingWith("and only the candidate's evaluation is at hand");
        }
    }

    @Test
    void sizeAndParityGoByTheArtifact() {
        Judged judged = new Judged() {
            @Override
            public Evaluation evaluation() {
                return FOUR_ROWS;
            }

            @Override
            public long bytes() {
                return 1_000;
            }

            @Override
            public Parity parity() {
                return new Parity(2e-4, 3, 0.5, 0.5002, 4);
            }
        };
        assertThat(Gate.sizeAtMost(1_000).judge(judged))
                .isEqualTo(new Verdict("size at most 1,000 bytes", PASS, "the artifact has 1,000 bytes"));
        assertThat(Gate.sizeAtMost(999).judge(judged).outcome()).isEqualTo(FAIL);
        assertThat(Gate.parity().judge(judged))
                .isEqualTo(new Verdict(
                        "exported graph within 0.0001 of the training engine",
                        FAIL,
                        "the largest difference is 0.00020 on 4 test rows"));
    }

    @Test
    void aRuleHoldsOnEachSliceThatIsLargeEnough() {
        // right on all of a, on nine of ten of b, and on none of the few of c
        Slice many = new Slice(folder, 600, 600, 20);
        Gate gate = Gate.atLeast(Metric.ACCURACY, 0.85).onEachSlice("group");
        assertThat(gate).hasToString("Accuracy at least 0.85 on each slice of group");
        assertThat(gate.judge(many).outcome()).isEqualTo(PASS);
        assertThat(gate.judge(many).evidence())
                .isEqualTo("Accuracy proven on 2 of 2 slices; too small to tell: c (20 rows)");

        Verdict few = gate.judge(new Slice(folder, 600, 60, 20));
        assertThat(few.outcome()).isEqualTo(INCONCLUSIVE);
        assertThat(few.evidence()).startsWith("Accuracy proven on 1 of 2 slices, not on b 0.9000 (95% 0.79");

        assertThat(Gate.atLeast(Metric.ACCURACY, 0.95)
                        .onEachSlice("group")
                        .judge(many)
                        .outcome())
                .isEqualTo(FAIL);
        assertThat(gate.judge(new Slice(folder, 40, 40, 20)).outcome()).isEqualTo(INCONCLUSIVE);
        // the reference table: a slice that is named but absent blocks
        assertThat(Gate.atLeast(Metric.ACCURACY, 0.1).onEachSlice("nowhere").judge(many))
                .isEqualTo(new Verdict(
                        "Accuracy at least 0.1 on each slice of nowhere",
                        FAIL,
                        "the test rows have no column nowhere"));
    }

    @Test
    void groupsAreAlikeIfTheirIntervalSaysSo() throws IOException {
        // of the positive rows of b a tenth is missed, of those of a none; the reference table: 0 holds, more fails
        Slice many = new Slice(folder, 1_000, 1_000, 20);
        assertThat(Gate.fair(Criterion.EQUAL_OPPORTUNITY, "group", 0.2).judge(many))
                .satisfies(verdict -> assertThat(verdict.outcome()).isEqualTo(PASS))
                .satisfies(verdict -> assertThat(verdict.evidence())
                        .startsWith("the largest difference is 0.1000 (95% 0.0")
                        .endsWith("; too small to tell: c"));
        assertThat(outcome(Gate.fair(Criterion.EQUAL_OPPORTUNITY, "group", 0.1), many))
                .isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.fair(Criterion.EQUAL_OPPORTUNITY, "group", 0.05), many))
                .isEqualTo(FAIL);
        assertThat(outcome(Gate.fair(Criterion.EQUAL_OPPORTUNITY, "group", 0.2), new Slice(folder, 1_000, 40, 20)))
                .isEqualTo(INCONCLUSIVE);
        assertThat(outcome(Gate.fair(Criterion.EQUAL_ACCURACY, "nowhere", 0.2), many))
                .isEqualTo(FAIL);
        assertThat(cases("cross_slice_rule")).hasSize(1);
        assertThat(MetricRule.atMost(0, 0, 1)).isEqualTo(PASS);
        assertThat(MetricRule.atMost(1.5, 1.5, 1)).isEqualTo(FAIL);
    }

    private static Verdict.Outcome outcome(Gate gate, Judged judged) {
        return gate.judge(judged).outcome();
    }

    @Test
    void whatDisturbedRowsCostIsBounded() {
        Gate gate = Gate.robust(Metric.ROC_AUC, Perturbation.missing(0.05), 0.03);
        assertThat(gate.judge(disturbed(0.02, 0.01, 0.03)))
                .isEqualTo(
                        new Verdict(
                                "ROC AUC loses at most 0.03 by 5% of all cells missing",
                                PASS,
                                "from 0.8000 to 0.7800, a loss of +0.0200 (95% +0.0100 to +0.0300, paired DeLong) on 900 rows"));
        assertThat(outcome(gate, disturbed(0.02, 0.01, 0.04))).isEqualTo(INCONCLUSIVE);
        assertThat(outcome(gate, disturbed(0.05, 0.04, 0.06))).isEqualTo(FAIL);
        assertThat(outcome(gate, disturbed(Double.NaN, Double.NaN, Double.NaN))).isEqualTo(INCONCLUSIVE);
    }

    private static Judged disturbed(double loss, double low, double high) {
        return new Judged() {
            @Override
            public Evaluation evaluation() {
                return FOUR_ROWS;
            }

            @Override
            public Robustness robustness(Metric metric, Perturbation perturbation) {
                return new Robustness(
                        perturbation, metric, 900, 0.8, 0.8 - loss, new Estimate(loss, low, high, "paired DeLong"));
            }
        };
    }

    @Test
    void manySlicesFailNoMoreOftenByChanceThanOne() {
        // The plain interval of one slice of sixty ends below the bound, that at the level of sixty slices does not.
        int[] sizes = new int[60];
        Arrays.fill(sizes, 100);
        Slice slices = new Slice(folder, sizes, slice -> slice == 7 ? 20 : 5);
        Gate gate = Gate.atLeast(Metric.ACCURACY, 0.88).onEachSlice("group");
        double end = Evaluation.of(Task.BINARY, slices.labels, slices.scores)
                .part(IntStream.range(700, 800).toArray())
                .candidateEstimate(Metric.ACCURACY)
                .high();
        assertThat(end).isLessThan(0.88);
        assertThat(gate.judge(slices).outcome()).isEqualTo(INCONCLUSIVE);
    }

    @Test
    void onlyARuleAboutAMetricCanHoldOnSlices() {
        assertThatThrownBy(() -> Gate.sizeAtMost(1_000).onEachSlice("group"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("gate \"size at most 1,000 bytes\" is no rule that slices could hold");
    }

    /** Rows of groups, of which a given number is decided wrongly. */
    private static final class Slice implements Judged {

        final double[] labels;
        final double[] scores;
        private final Dataset test;

        Slice(Path folder, int a, int b, int c) {
            this(folder, new int[] {a, b, c}, slice -> slice == 0 ? 0 : slice == 1 ? b / 10 : c);
        }

        Slice(Path folder, int[] sizes, IntUnaryOperator wrong) {
            int rows = Arrays.stream(sizes).sum();
            labels = new double[rows];
            scores = new double[rows];
            try (Dataset.Writer writer =
                    Dataset.writer(folder, Schema.of(new Column("group", ColumnType.TEXT, false)))) {
                int row = 0;
                for (int slice = 0; slice < sizes.length; slice++) {
                    for (int i = 0; i < sizes[slice]; i++) {
                        labels[row] = i % 2;
                        scores[row] = (i < wrong.applyAsInt(slice) ? 1 - labels[row] : labels[row]) * 0.8 + 0.1;
                        writer.text(0, String.valueOf((char) ('a' + slice)));
                        writer.endRow();
                        row++;
                    }
                }
                test = writer.finish();
            }
        }

        @Override
        public Evaluation evaluation() {
            return Evaluation.of(Task.BINARY, labels, scores);
        }

        @Override
        public Dataset test() {
            return test;
        }
    }

    @Test
    void anEquallyGoodChallengerIsPromotedAtMostOneTimeInForty() {
        SplittableRandom random = new SplittableRandom(5);
        int pairs = 400;
        int rows = 300;
        int better = 0;
        int accurate = 0;
        int notWorse = 0;
        int far = 0;
        for (int pair = 0; pair < pairs; pair++) {
            double[] labels = new double[rows];
            double[][] errors = new double[2][rows];
            double[][] scores = new double[2][rows];
            double[] outcomes = new double[rows];
            for (int row = 0; row < rows; row++) {
                double signal = random.nextGaussian();
                labels[row] = random.nextGaussian() < 1.5 * signal ? 1 : 0;
                outcomes[row] = signal + random.nextGaussian();
                for (int model = 0; model < 2; model++) {
                    scores[model][row] = 1 / (1 + Math.exp(-2 * signal - random.nextGaussian()));
                    errors[model][row] = signal + 0.5 * random.nextGaussian();
                }
            }
            Evaluation binary = Evaluation.of(Task.BINARY, labels, scores[0]).against(scores[1]);
            Evaluation regression =
                    Evaluation.of(Task.REGRESSION, outcomes, errors[0]).against(errors[1]);
            better += passes(Gate.betterThanChampion(Metric.ROC_AUC), binary);
            accurate += passes(Gate.betterThanChampion(Metric.ACCURACY), binary);
            notWorse += passes(Gate.betterThanChampion(Metric.RMSE), regression);
            far += passes(Gate.notWorseThanChampion(Metric.RMSE, 0.2), regression);
        }
        assertThat(better).isLessThanOrEqualTo(pairs / 20);
        assertThat(accurate).isLessThanOrEqualTo(pairs / 20);
        assertThat(notWorse).isLessThanOrEqualTo(pairs / 20);
        assertThat(far).isGreaterThan(pairs * 9 / 10);
    }

    private static int passes(Gate gate, Evaluation evaluation) {
        return gate.judge(evaluation).outcome() == PASS ? 1 : 0;
    }

    @Test
    void aTieOfAHundredRowsIsInconclusive() {
        double[] labels = new double[100];
        double[] one = new double[100];
        double[] other = new double[100];
        for (int i = 0; i < 100; i++) {
            labels[i] = i % 2;
            one[i] = i % 10 < 2 ? 1 - labels[i] : labels[i];
            other[i] = i % 10 >= 8 ? 1 - labels[i] : labels[i];
        }
        Evaluation tie = Evaluation.of(Task.BINARY, labels, one).against(other);
        assertThat(tie.difference(Metric.ACCURACY).orElseThrow().value()).isZero();
        for (Metric metric : List.of(Metric.ROC_AUC, Metric.ACCURACY)) {
            assertThat(Gate.betterThanChampion(metric).judge(tie).outcome()).isEqualTo(INCONCLUSIVE);
            assertThat(Gate.notWorseThanChampion(metric, 0.02).judge(tie).outcome())
                    .isEqualTo(INCONCLUSIVE);
        }
    }

    private static List<JsonNode> cases(String kind) throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        String name = "shared/vectors/promotion_gates_and_bandits.json";
        while (folder != null && !Files.exists(folder.resolve(name))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no " + name + " beside the checkout");
        JsonNode file = new ObjectMapper()
                .readTree(Objects.requireNonNull(folder).resolve(name).toFile());
        return StreamSupport.stream(file.get("cases").spliterator(), false)
                .filter(c -> c.get("kind").asText().equals(kind))
                .toList();
    }

    @Test
    void describesItself() {
        assertThat(Gate.atLeast(Metric.ROC_AUC, 0.62)).hasToString("ROC AUC at least 0.62");
        assertThat(Gate.atMost(Metric.RMSE, 12_000).describe()).isEqualTo("RMSE at most 12000");
        assertThat(Gate.notWorseThanChampion(Metric.LOG_LOSS, 0.005).describe())
                .isEqualTo("Log loss not worse than the champion's by 0.005 or more");
        assertThat(Gate.betterThanChampion(Metric.F1).describe()).isEqualTo("F1 better than the champion's");
        assertThat(Gate.betterThanChampion(Metric.F1, 0.01).describe())
                .isEqualTo("F1 better than the champion's by 0.01 or more");
    }

    @Test
    void isAValueThatTravels() throws IOException, ClassNotFoundException {
        Gate gate = Gate.notWorseThanChampion(Metric.ROC_AUC, 0.005);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(gate);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(gate).hasSameHashCodeAs(gate);
        }
        assertThat(gate)
                .isNotEqualTo(Gate.notWorseThanChampion(Metric.ROC_AUC, 0.006))
                .isNotEqualTo(Gate.atLeast(Metric.ROC_AUC, 0.005));
    }

    @Test
    void refusesWrongBounds() {
        assertThatThrownBy(() -> Gate.atLeast(Metric.ROC_AUC, Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("gate atLeast needs a finite bound, found NaN");
        assertThatThrownBy(() -> Gate.notWorseThanChampion(Metric.ROC_AUC, -0.01))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("gate notWorseThanChampion(ROC_AUC) needs a margin of 0 or more, found -0.01");
        assertThatThrownBy(() -> Gate.fair(Criterion.EQUAL_ACCURACY, "group", 1.1))
                .hasMessage("gate fair needs a bound from 0 to 1, found 1.1");
        assertThatThrownBy(() -> Gate.robust(Metric.ROC_AUC, Perturbation.noise(1), -1))
                .hasMessage("gate robust(ROC_AUC) needs a loss of 0 or more, found -1");
        assertThatThrownBy(() -> Gate.latencyAtMost(1, Duration.ofMillis(1)))
                .hasMessage("gate latencyAtMost needs a quantile from 0.5 to 0.999, found 1.0");
        assertThatThrownBy(() -> Gate.sizeAtMost(0)).hasMessage("gate sizeAtMost needs a bound above zero, found 0");
    }

    @Test
    void evaluationRefusesRowsThatDoNotMatch() {
        assertThatThrownBy(() -> Evaluation.of(Task.BINARY, LABELS, new double[] {0.5}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("each row needs a label and a prediction, found 4 labels and 1 predictions");
        assertThatThrownBy(() -> FOUR_ROWS.against(new double[] {0.5})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> FOUR_ROWS.against(SCORES).difference(Metric.RMSE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("RMSE does not judge a model of task BINARY, these do: [ROC_AUC, PR_AUC, LOG_LOSS, BRIER,"
                        + " ACCURACY, F1, ECE]");
    }

    @Test
    void evaluationKeepsItsOwnNumbers() {
        double[] scores = SCORES.clone();
        Evaluation evaluation = Evaluation.of(Task.BINARY, LABELS, scores).against(scores);
        scores[0] = 0.99;
        assertThat(evaluation.difference(Metric.ROC_AUC).orElseThrow().value()).isZero();
        assertThat(evaluation.championMetrics()).isEqualTo(evaluation.metrics());
        assertThat(FOUR_ROWS.championMetrics()).isEmpty();
        assertThat(FOUR_ROWS.difference(Metric.ROC_AUC)).isEmpty();
    }
}
