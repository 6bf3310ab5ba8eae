package dev.flywheel.core.stat;

import static dev.flywheel.core.stat.ReferenceNumbers.array;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class MetricsTest {

    private static final double Z = 1.959963984540054;

    static Stream<JsonNode> binaryCases() {
        return StreamSupport.stream(
                ReferenceNumbers.fixture("metrics.json").get("binary").spliterator(), false);
    }

    static Stream<JsonNode> regressionCases() {
        return StreamSupport.stream(
                ReferenceNumbers.fixture("metrics.json").get("regression").spliterator(), false);
    }

    @ParameterizedTest
    @MethodSource("binaryCases")
    void agreesWithScikitLearnOnBinaryModels(JsonNode c) {
        double[] labels = array(c.get("labels"));
        for (String model : List.of("a", "b")) {
            JsonNode expected = c.get("metrics_" + model);
            for (Metric metric : Metric.of(Task.BINARY)) {
                Estimate found = Metrics.estimate(metric, labels, array(c.get(model)));
                assertThat(found.value())
                        .as(metric.name())
                        .isCloseTo(expected.get(metric.name()).asDouble(), within(1e-12));
                assertThat(found.low()).as(metric.name()).isLessThan(found.value());
                assertThat(found.high()).as(metric.name()).isGreaterThan(found.value());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("regressionCases")
    void agreesWithScikitLearnOnRegressions(JsonNode c) {
        double[] labels = array(c.get("labels"));
        for (String model : List.of("a", "b")) {
            JsonNode expected = c.get("metrics_" + model);
            for (Metric metric : Metric.of(Task.REGRESSION)) {
                Estimate found = Metrics.estimate(metric, labels, array(c.get(model)));
                assertThat(found.value())
                        .as(metric.name())
                        .isCloseTo(expected.get(metric.name()).asDouble(), within(1e-12));
            }
            halfWidth(Metric.MAE, labels, array(c.get(model)), expected.get("mae_se"));
            halfWidth(Metric.RMSE, labels, array(c.get(model)), expected.get("rmse_se"));
        }
    }

    @ParameterizedTest
    @MethodSource("binaryCases")
    void intervalOfMeansIsTheNormalOne(JsonNode c) {
        double[] labels = array(c.get("labels"));
        halfWidth(Metric.LOG_LOSS, labels, array(c.get("a")), c.get("metrics_a").get("log_loss_se"));
        halfWidth(Metric.BRIER, labels, array(c.get("a")), c.get("metrics_a").get("brier_se"));
    }

    private static void halfWidth(Metric metric, double[] labels, double[] scores, JsonNode error) {
        Estimate found = Metrics.estimate(metric, labels, scores);
        assertThat(found.high() - found.value()).as(metric.name()).isCloseTo(Z * error.asDouble(), within(1e-12));
    }

    @ParameterizedTest
    @MethodSource("binaryCases")
    void intervalOfTheAreaIsDeLongsOnTheLogitScale(JsonNode c) {
        Estimate found = Metrics.estimate(Metric.ROC_AUC, array(c.get("labels")), array(c.get("a")));
        double area = found.value();
        double half = Z * c.get("metrics_a").get("delong_se").asDouble() / (area * (1 - area));

        assertThat(found.method()).isEqualTo("DeLong");
        assertThat(Math.log(found.low() / (1 - found.low())))
                .isCloseTo(Math.log(area / (1 - area)) - half, within(1e-9));
        assertThat(Math.log(found.high() / (1 - found.high())))
                .isCloseTo(Math.log(area / (1 - area)) + half, within(1e-9));
    }

    @ParameterizedTest
    @MethodSource("binaryCases")
    void differencesArePairedByRow(JsonNode c) {
        double[] labels = array(c.get("labels"));
        double[] a = array(c.get("a"));
        double[] b = array(c.get("b"));
        JsonNode errors = c.get("difference");

        difference(Metric.ROC_AUC, labels, a, b, errors.get("delong_se"));
        difference(Metric.LOG_LOSS, labels, a, b, errors.get("log_loss_se"));
        difference(Metric.BRIER, labels, a, b, errors.get("brier_se"));
        for (Metric metric : Metric.of(Task.BINARY)) {
            assertThat(Metrics.difference(metric, labels, a, b).value())
                    .as(metric.name())
                    .isCloseTo(
                            Metrics.estimate(metric, labels, a).value()
                                    - Metrics.estimate(metric, labels, b).value(),
                            within(1e-12));
        }
    }

    @ParameterizedTest
    @MethodSource("regressionCases")
    void differencesOfRegressionsArePairedByRow(JsonNode c) {
        double[] labels = array(c.get("labels"));
        difference(
                Metric.MAE,
                labels,
                array(c.get("a")),
                array(c.get("b")),
                c.get("difference").get("mae_se"));
        difference(
                Metric.RMSE,
                labels,
                array(c.get("a")),
                array(c.get("b")),
                c.get("difference").get("rmse_se"));
    }

    private static void difference(Metric metric, double[] labels, double[] a, double[] b, JsonNode error) {
        Estimate found = Metrics.difference(metric, labels, a, b);
        assertThat(found.high() - found.value()).as(metric.name()).isCloseTo(Z * error.asDouble(), within(1e-9));
        assertThat(found.value() - found.low()).as(metric.name()).isCloseTo(Z * error.asDouble(), within(1e-9));
    }

    @ParameterizedTest
    @EnumSource(
            value = Metric.class,
            names = {"ROC_AUC", "PR_AUC", "F1", "LOG_LOSS", "ACCURACY", "R2", "RMSE", "MAE"})
    void intervalHoldsTheTruthNineteenTimesInTwenty(Metric metric) {
        Random random = new Random(11);
        double truth = Metrics.estimate(metric, labels(random, metric, 100_000), lastScores)
                .value();
        int rounds = 300;
        int covered = 0;
        for (int i = 0; i < rounds; i++) {
            Estimate found = Metrics.estimate(metric, labels(random, metric, 250), lastScores);
            covered += found.low() <= truth && truth <= found.high() ? 1 : 0;
        }
        assertThat((double) covered / rounds)
                .as("share of intervals of %s that hold %s", metric, truth)
                .isBetween(0.91, 0.98);
    }

    @ParameterizedTest
    @EnumSource(
            value = Metric.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ECE", "MACRO_F1"})
    void intervalOfADifferenceHoldsTheTruthNineteenTimesInTwenty(Metric metric) {
        Random random = new Random(12);
        double[] labels = labels(random, metric, 100_000);
        double truth =
                Metrics.difference(metric, labels, lastScores, other(random)).value();
        int rounds = 300;
        int covered = 0;
        for (int i = 0; i < rounds; i++) {
            labels = labels(random, metric, 600);
            Estimate found = Metrics.difference(metric, labels, lastScores, other(random));
            covered += found.low() <= truth && truth <= found.high() ? 1 : 0;
        }
        assertThat((double) covered / rounds)
                .as("share of intervals of %s that hold %s", metric, truth)
                .isBetween(0.90, 0.985);
    }

    private double[] lastScores = {};

    private double[] labels(Random random, Metric metric, int rows) {
        double[] labels = new double[rows];
        lastScores = new double[rows];
        for (int i = 0; i < rows; i++) {
            double signal = random.nextGaussian();
            if (metric.judges(Task.BINARY)) {
                lastScores[i] = 1 / (1 + Math.exp(1 - signal));
                labels[i] = random.nextDouble() < lastScores[i] ? 1 : 0;
            } else {
                labels[i] = signal + random.nextGaussian();
                lastScores[i] = signal;
            }
        }
        return labels;
    }

    /** A second model that is a little worse than the last scores. */
    private double[] other(Random random) {
        double[] other = new double[lastScores.length];
        for (int i = 0; i < other.length; i++) {
            other[i] = 0.1 + 0.8 * lastScores[i] * (0.9 + 0.1 * random.nextDouble());
        }
        return other;
    }

    @Test
    void oneClassLeavesTheAreasUndefined() {
        double[] ones = {1, 1, 1};
        double[] scores = {0.1, 0.2, 0.3};
        for (Metric metric : List.of(Metric.ROC_AUC, Metric.PR_AUC)) {
            undefined(Metrics.estimate(metric, ones, scores), "undefined: one class");
            undefined(Metrics.difference(metric, ones, scores, scores), "undefined: one class");
        }
        assertThat(Metrics.estimate(Metric.LOG_LOSS, ones, scores).value()).isPositive();
    }

    @Test
    void undefinedMetricsSayWhy() {
        double[] zeros = {0, 0};
        double[] low = {0.1, 0.2};
        double[] high = {0.9, 0.2};
        undefined(Metrics.estimate(Metric.F1, zeros, low), "undefined: no positive row and none predicted");
        undefined(Metrics.difference(Metric.F1, zeros, high, low), "undefined: no positive row and none predicted");
        assertThat(Metrics.estimate(Metric.F1, zeros, high).value()).isZero();
        undefined(
                Metrics.estimate(Metric.R2, new double[] {3, 3}, new double[] {2, 4}),
                "undefined: the labels do not vary");
    }

    private static void undefined(Estimate found, String method) {
        assertThat(found).isEqualTo(new Estimate(Double.NaN, Double.NaN, Double.NaN, method));
    }

    @Test
    void perfectSeparationOfFewRowsIsNotCertain() {
        double[] labels = {0, 0, 0, 0, 1, 1, 1, 1};
        double[] scores = {0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9};
        Estimate perfect = Metrics.estimate(Metric.ROC_AUC, labels, scores);
        assertThat(perfect.value()).isEqualTo(1);
        assertThat(perfect.high()).isEqualTo(1);
        assertThat(perfect.low()).isBetween(0.5, 0.75);
        assertThat(perfect.method()).isEqualTo("Newcombe");

        double[] reversed = {1, 1, 1, 1, 0, 0, 0, 0};
        Estimate worst = Metrics.estimate(Metric.ROC_AUC, reversed, scores);
        assertThat(worst.low()).isZero();
        assertThat(worst.high()).isCloseTo(1 - perfect.low(), within(1e-9));
    }

    @Test
    void oneRowGivesNoInterval() {
        Estimate found = Metrics.estimate(Metric.MAE, new double[] {3}, new double[] {5});
        assertThat(found.value()).isEqualTo(2);
        assertThat(found.low()).isNaN();
        assertThat(found.high()).isNaN();
    }

    @Test
    void modelsThatAgreeOnFewRowsAreNotProvenEqual() {
        double[] labels = {0, 1, 0, 1, 1};
        double[] scores = {0.1, 0.9, 0.2, 0.8, 0.3};
        Estimate difference = Metrics.difference(Metric.ACCURACY, labels, scores, scores);
        assertThat(difference.value()).isZero();
        assertThat(difference.low()).isLessThan(-0.1);
        assertThat(difference.high()).isGreaterThan(0.1);
    }

    @ParameterizedTest
    @EnumSource(
            value = Metric.class,
            names = {"PR_AUC", "F1", "ECE"})
    void aPerfectModelOfFewRowsIsNotCertain(Metric metric) {
        double[] labels = {0, 1, 0, 1};
        Estimate found = Metrics.estimate(metric, labels, labels);
        double perfect = metric.higherIsBetter() ? 1 : 0;
        assertThat(found.value()).isEqualTo(perfect);
        assertThat(Math.abs(found.low() - perfect) + Math.abs(found.high() - perfect))
                .isGreaterThan(0.3);
    }

    @ParameterizedTest
    @EnumSource(
            value = Metric.class,
            names = {"ROC_AUC", "PR_AUC", "F1"})
    void twoPerfectModelsOfFewRowsAreNotProvenEqual(Metric metric) {
        double[] labels = {0, 1, 0, 1};
        Estimate found = Metrics.difference(metric, labels, new double[] {0.1, 0.9, 0.2, 0.8}, labels);
        assertThat(found.value()).isZero();
        assertThat(found.low()).isLessThan(-0.1);
        assertThat(found.high()).isGreaterThan(0.1);
    }

    @Test
    void sameRowsGiveTheSameInterval() {
        Random random = new Random(5);
        double[] labels = labels(random, Metric.PR_AUC, 2_000);
        assertThat(Metrics.estimate(Metric.PR_AUC, labels, lastScores))
                .isEqualTo(Metrics.estimate(Metric.PR_AUC, labels.clone(), lastScores.clone()));
    }

    @Test
    void certainButWrongRowCostsAFiniteLoss() {
        Estimate found = Metrics.estimate(Metric.LOG_LOSS, new double[] {1, 0}, new double[] {0, 0});
        assertThat(found.value()).isCloseTo(34.538776394910684 / 2, within(1e-9));
    }

    @Test
    void aScoreOfOneHalfCountsAsPositive() {
        assertThat(Metrics.estimate(Metric.ACCURACY, new double[] {1, 0}, new double[] {0.5, 0.5})
                        .value())
                .isEqualTo(0.5);
        assertThat(Confusion.of(new double[] {1, 0}, new double[] {0.5, 0.5}, 0.5))
                .isEqualTo(new Confusion(1, 1, 0, 0));
    }

    @Test
    void refusesWrongInputs() {
        double[] one = {1};
        refused(Metric.MAE, new double[] {}, new double[] {}, "a metric needs at least one row, found none");
        refused(
                Metric.MAE,
                one,
                new double[] {1, 2},
                "each row needs a label and a score, found 1 labels and 2 scores");
        refused(Metric.MAE, one, new double[] {Double.NaN}, "the score of row 0 is NaN, expected a finite number");
        refused(
                Metric.MAE,
                new double[] {Double.POSITIVE_INFINITY},
                one,
                "the label of row 0 is Infinity, expected a finite number");
        refused(Metric.ROC_AUC, new double[] {2}, one, "the label of row 0 is 2.0, expected 0 or 1");
        refused(Metric.BRIER, one, new double[] {1.5}, "the score of row 0 is 1.5, expected a probability from 0 to 1");
    }

    private static void refused(Metric metric, double[] labels, double[] scores, String message) {
        assertThatThrownBy(() -> Metrics.estimate(metric, labels, scores))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void listsTheMetricsOfATaskMostTellingFirst() {
        assertThat(Metric.of(Task.BINARY)).startsWith(Metric.ROC_AUC).doesNotContain(Metric.RMSE);
        assertThat(Metric.of(Task.REGRESSION)).containsExactly(Metric.RMSE, Metric.MAE, Metric.R2);
        assertThat(Metrics.all(Task.REGRESSION, new double[] {1, 2}, new double[] {1, 3}))
                .containsOnlyKeys(Metric.of(Task.REGRESSION));
        assertThat(Metric.LOG_LOSS.oriented(-0.1)).isEqualTo(0.1);
        assertThat(Metric.ROC_AUC.oriented(-0.1)).isEqualTo(-0.1);
    }
}
