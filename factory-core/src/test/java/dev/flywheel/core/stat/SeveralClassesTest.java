package dev.flywheel.core.stat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SeveralClassesTest {

    private static final double[] LABELS = {0, 1, 2, 2, 1, 0, 2, 1, 0, 2};
    private static final double[] SCORES = {
        0.7, 0.2, 0.1, 0.1, 0.6, 0.3, 0.2, 0.2, 0.6, 0.5, 0.3, 0.2, 0.3, 0.4, 0.3, 0.2, 0.7, 0.1, 0.1, 0.1, 0.8, 0.05,
        0.05, 0.9, 0.9, 0.05, 0.05, 0.25, 0.35, 0.4
    };

    // scikit-learn 1.2.1, y the labels, p the scores as [10, 3], q = p.argmax(1), l = -log(p[range(10), y]):
    // accuracy_score(y, q), f1_score(y, q, average='macro'), log_loss(y, p), ((p - eye(3)[y])**2).sum(1).mean(),
    // and over b = (p.max(1) * 10).astype(int): sum(abs((p.max(1) - (q == y))[b == i].sum()) for i in range(10)) / 10
    @Test
    void agreesWithScikitLearn() {
        Map<Metric, Estimate> all = Metrics.all(Task.MULTICLASS, LABELS, SCORES);
        assertThat(all.keySet())
                .containsExactly(Metric.ACCURACY, Metric.MACRO_F1, Metric.LOG_LOSS, Metric.BRIER, Metric.ECE);
        assertValue(all, Metric.ACCURACY, 0.7);
        assertValue(all, Metric.MACRO_F1, 0.6944444444444443);
        assertValue(all, Metric.LOG_LOSS, 0.9754019820613251);
        assertValue(all, Metric.BRIER, 0.5635);
        assertValue(all, Metric.ECE, 0.39);
        assertThat(all.get(Metric.ACCURACY)).isEqualTo(Proportion.wilson(7, 10));
    }

    private static void assertValue(Map<Metric, Estimate> all, Metric metric, double expected) {
        Estimate found = Objects.requireNonNull(all.get(metric));
        assertThat(found.value()).as(metric.name()).isCloseTo(expected, within(1e-12));
        assertThat(found.low()).as(metric.name()).isLessThan(expected);
        assertThat(found.high()).as(metric.name()).isGreaterThan(expected);
    }

    @Test
    void twoModelsAreComparedByTheRowsThatOnlyOneDecidesRightly() {
        double[] other = SCORES.clone();
        // row 3, of class 2, was decided as class 0
        other[9] = 0.1;
        other[10] = 0.1;
        other[11] = 0.8;
        assertThat(McNemar.of(LABELS, other, SCORES)).isEqualTo(new McNemar(7, 1, 0, 2));
        for (Metric metric : Metric.of(Task.MULTICLASS)) {
            Estimate difference = Metrics.difference(metric, LABELS, other, SCORES);
            double expected = Metrics.estimate(metric, LABELS, other).value()
                    - Metrics.estimate(metric, LABELS, SCORES).value();
            assertThat(difference.value()).as(metric.name()).isCloseTo(expected, within(1e-12));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Metric.class,
            names = {"ACCURACY", "MACRO_F1", "LOG_LOSS", "BRIER"})
    void intervalHoldsTheTruthNineteenTimesInTwenty(Metric metric) {
        Random random = new Random(13);
        double[] scores = new double[3 * 100_000];
        double truth = Metrics.estimate(metric, labels(random, scores), scores).value();
        int rounds = 300;
        int covered = 0;
        for (int i = 0; i < rounds; i++) {
            double[] few = new double[3 * 250];
            Estimate found = Metrics.estimate(metric, labels(random, few), few);
            covered += found.low() <= truth && truth <= found.high() ? 1 : 0;
        }
        assertThat((double) covered / rounds).isBetween(0.91, 0.98);
    }

    /** Fills in probabilities of three classes, and draws a label for each row from them. */
    private static double[] labels(Random random, double[] scores) {
        double[] labels = new double[scores.length / 3];
        for (int row = 0; row < labels.length; row++) {
            double sum = 0;
            for (int i = 0; i < 3; i++) {
                scores[3 * row + i] = Math.exp(random.nextGaussian() - 0.5 * i);
                sum += scores[3 * row + i];
            }
            for (int i = 0; i < 3; i++) {
                scores[3 * row + i] /= sum;
            }
            double draw = random.nextDouble() - scores[3 * row];
            labels[row] = draw < 0 ? 0 : draw < scores[3 * row + 1] ? 1 : 2;
        }
        return labels;
    }

    // confusion_matrix(y, q), precision_score(y, q, average=None), recall_score(y, q, average=None)
    @Test
    void countsWhatIsDecidedAsWhat() {
        ClassConfusion confusion = ClassConfusion.of(LABELS, SCORES);
        assertThat(confusion.counts()).containsExactly(2L, 1L, 0L, 0L, 2L, 1L, 1L, 0L, 3L);
        assertThat(confusion.precision(0)).isEqualTo(2.0 / 3);
        assertThat(confusion.precision(2)).isEqualTo(0.75);
        assertThat(confusion.recall(1)).isEqualTo(2.0 / 3);
    }

    @Test
    void reliabilityIsThatOfTheMostProbableClass() {
        double predicted = 0;
        long right = 0;
        for (Curves.Bin bin : Curves.calibration(LABELS, SCORES, 5)) {
            predicted += bin.predicted() * bin.rows();
            right += Math.round(bin.observed().value() * bin.rows());
        }
        assertThat(predicted).isCloseTo(6.5, within(1e-12));
        assertThat(right).isEqualTo(7);
    }

    @Test
    void whatIsNoProbabilityOfEachClassIsRefused() {
        assertThatThrownBy(() -> Metrics.estimate(Metric.ACCURACY, new double[] {3}, new double[] {0.2, 0.3, 0.5}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the label of row 0 is 3.0, expected the number of a class from 0 to 2");
        assertThatThrownBy(() -> Metrics.estimate(Metric.LOG_LOSS, new double[] {0}, new double[] {0.2, 0.3, 0.6}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the scores of row 0 sum to 1.1");
        assertThatThrownBy(() -> Metrics.estimate(Metric.MACRO_F1, new double[] {0, 1}, new double[] {0.2, 0.3}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("each row needs a label and the scores of 2 classes or more, found 2 labels and 2 scores");
        assertThatThrownBy(() -> Metrics.estimate(Metric.ROC_AUC, new double[] {0, 1}, new double[4]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("each row needs a label and a score, found 2 labels and 4 scores");
    }
}
