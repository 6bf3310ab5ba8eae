package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class GateTest {

    // An AUC of 0.75 and an accuracy of 0.75: one of four pairs is in the wrong order, one of four rows is wrong.
    private static final double[] LABELS = {0, 0, 1, 1};
    private static final double[] SCORES = {0.1, 0.4, 0.35, 0.8};
    private static final Evaluation FOUR_ROWS = Evaluation.of(Task.BINARY, LABELS, SCORES);

    @Test
    void boundsOfAValueAreInclusive() {
        assertThat(Gate.atLeast(Metric.ROC_AUC, 0.75).judge(FOUR_ROWS).outcome())
                .isEqualTo(PASS);
        assertThat(Gate.atLeast(Metric.ROC_AUC, 0.7500001).judge(FOUR_ROWS).outcome())
                .isEqualTo(FAIL);
        assertThat(Gate.atMost(Metric.ROC_AUC, 0.75).judge(FOUR_ROWS).outcome()).isEqualTo(PASS);
        assertThat(Gate.atMost(Metric.ROC_AUC, 0.7499999).judge(FOUR_ROWS).outcome())
                .isEqualTo(FAIL);
    }

    @Test
    void evidenceCarriesTheNumbers() {
        assertThat(Gate.atLeast(Metric.ACCURACY, 0.9).judge(FOUR_ROWS))
                .isEqualTo(new Verdict(
                        "Accuracy at least 0.9", FAIL, "Accuracy is 0.7500 (95% 0.3006 to 0.9544, Wilson)"));
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
            assertThat(Gate.decide(low, high, -c.get("margin").asDouble()))
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
