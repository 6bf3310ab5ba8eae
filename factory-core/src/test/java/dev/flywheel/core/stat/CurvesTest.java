package dev.flywheel.core.stat;

import static dev.flywheel.core.stat.ReferenceNumbers.array;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CurvesTest {

    @Test
    void rocHasAPointForEachDistinctScore() {
        for (JsonNode c : ReferenceNumbers.fixture("metrics.json").get("binary")) {
            JsonNode expected = c.get("metrics_a").get("roc");
            List<Curves.Point> found = Curves.roc(array(c.get("labels")), array(c.get("a")));
            double[] x = array(expected.get(0));
            double[] y = array(expected.get(1));
            if (x.length > 200) {
                assertThat(found).hasSizeBetween(50, 200);
                continue;
            }
            assertThat(found).hasSize(x.length);
            for (int i = 0; i < x.length; i++) {
                assertThat(found.get(i).x()).isCloseTo(x[i], within(1e-12));
                assertThat(found.get(i).y()).isCloseTo(y[i], within(1e-12));
            }
        }
    }

    @Test
    void longCurvesAreThinnedWithoutChangingTheirShape() {
        Random random = new Random(3);
        double[] labels = new double[20_000];
        double[] scores = new double[labels.length];
        for (int i = 0; i < labels.length; i++) {
            scores[i] = random.nextDouble();
            labels[i] = random.nextDouble() < scores[i] ? 1 : 0;
        }
        List<Curves.Point> roc = Curves.roc(labels, scores);
        double area = 0;
        for (int i = 1; i < roc.size(); i++) {
            area += (roc.get(i).x() - roc.get(i - 1).x())
                    * (roc.get(i).y() + roc.get(i - 1).y())
                    / 2;
        }
        assertThat(roc).hasSizeBetween(150, 200);
        assertThat(roc.get(0)).isEqualTo(new Curves.Point(0, 0, Double.POSITIVE_INFINITY));
        assertThat(roc.get(roc.size() - 1))
                .extracting(Curves.Point::x, Curves.Point::y)
                .containsExactly(1.0, 1.0);
        assertThat(area)
                .isCloseTo(Metrics.estimate(Metric.ROC_AUC, labels, scores).value(), within(1e-4));

        List<Curves.Point> precisionRecall = Curves.precisionRecall(labels, scores);
        assertThat(precisionRecall).hasSizeBetween(150, 200);
        assertThat(precisionRecall).extracting(Curves.Point::x).isSorted();
        assertThat(precisionRecall.get(precisionRecall.size() - 1).y()).isCloseTo(0.5, within(0.02));
    }

    @Test
    void precisionRecallFollowsTheScoresDownwards() {
        assertThat(Curves.precisionRecall(new double[] {0, 0, 1, 1}, new double[] {0.1, 0.4, 0.35, 0.8}))
                .containsExactly(
                        new Curves.Point(0.5, 1, 0.8),
                        new Curves.Point(0.5, 0.5, 0.4),
                        new Curves.Point(1, 2.0 / 3, 0.35),
                        new Curves.Point(1, 0.5, 0.1));
    }

    @Test
    void oneClassHasNoCurve() {
        assertThat(Curves.roc(new double[] {1, 1}, new double[] {0.1, 0.2})).isEmpty();
        assertThat(Curves.precisionRecall(new double[] {0, 0}, new double[] {0.1, 0.2}))
                .isEmpty();
    }

    @Test
    void calibrationGroupsRowsByScoreAndKeepsTiesTogether() {
        double[] scores = {0.1, 0.1, 0.1, 0.2, 0.8, 0.9, 0.9, 0.9};
        double[] labels = {0, 0, 1, 0, 1, 1, 1, 0};
        List<Curves.Bin> bins = Curves.calibration(labels, scores, 4);

        assertThat(bins).extracting(Curves.Bin::rows).containsExactly(3L, 1L, 4L);
        assertThat(bins.get(0).observed()).isEqualTo(Proportion.wilson(1, 3));
        assertThat(bins.get(2).predicted()).isCloseTo(0.875, within(1e-12));
        assertThat(bins.get(2).low()).isEqualTo(0.8);
        assertThat(bins.get(2).high()).isEqualTo(0.9);
    }

    @Test
    void refusesNoBins() {
        assertThatThrownBy(() -> Curves.calibration(new double[] {1}, new double[] {1}, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a calibration curve needs at least 1 bin, found 0");
    }
}
