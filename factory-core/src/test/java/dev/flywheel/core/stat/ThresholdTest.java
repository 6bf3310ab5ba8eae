package dev.flywheel.core.stat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.stat.Threshold.Costs;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThresholdTest {

    @Test
    void costsNothingWhereTheClassesAreApart() {
        double[] labels = {0, 0, 1, 1};
        double[] scores = {0.1, 0.2, 0.3, 0.9};
        Threshold found = Threshold.of(labels, scores, Costs.of(1, 1));
        assertThat(found.score().value()).isCloseTo(0.25, within(1e-12));
        assertThat(found.cost().value()).isZero();
        assertThat(found.costAtHalf().value()).isEqualTo(0.25);
        assertThat(found.calibrated()).isEqualTo(0.5);
    }

    @Test
    void weighsCostsAndBenefits() {
        // by hand: at 0.5 one of each error; from 0.2 on two false positives, which are cheaper than the miss
        double[] labels = {0, 1, 0, 1, 0};
        double[] scores = {0.1, 0.3, 0.4, 0.8, 0.9};
        Threshold dear = Threshold.of(labels, scores, Costs.of(1, 10));
        assertThat(dear.score().value()).isCloseTo(0.2, within(1e-12));
        assertThat(dear.cost().value()).isCloseTo(2 / 5.0, within(1e-12));
        assertThat(dear.costAtHalf().value()).isCloseTo(11 / 5.0, within(1e-12));
        assertThat(dear.calibrated()).isCloseTo(1 / 11.0, within(1e-12));
        Threshold gain = Threshold.of(labels, scores, new Costs(1, 0, 10));
        assertThat(gain.score()).isEqualTo(dear.score());
        assertThat(gain.cost().value()).isCloseTo((2 - 20) / 5.0, within(1e-12));
        // false positives so dear that nothing is selected but what is certain
        Threshold none = Threshold.of(labels, scores, Costs.of(100, 1));
        assertThat(none.score().value()).isCloseTo(0.95, within(1e-12));
        assertThat(none.cost().value()).isCloseTo(2 / 5.0, within(1e-12));
    }

    @Test
    void rowsOfOneScoreAreDecidedAlike() {
        double[] labels = {0, 1, 0, 1, 1};
        double[] scores = {0.5, 0.5, 0.5, 1, 1};
        Threshold found = Threshold.of(labels, scores, Costs.of(1, 1.5));
        assertThat(found.score().value()).isEqualTo(0.75);
        assertThat(found.cost().value()).isCloseTo(1.5 / 5, within(1e-12));
        double[] certain = {1, 1, 1};
        assertThat(Threshold.of(new double[] {0, 0, 0}, certain, Costs.of(1, 1))
                        .cost()
                        .value())
                .isEqualTo(1);
    }

    /** Of calibrated scores the truth is Elkan's; of their squares it is the square of it. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 5, 1", "3, 1, 1", "1, 5, 2"})
    void theIntervalHoldsTheBestThresholdNineteenTimesInTwenty(double positive, double negative, double power) {
        Random random = new Random(17);
        Costs costs = Costs.of(positive, negative);
        double truth = Math.pow(positive / (positive + negative), power);
        int rounds = 300;
        int covered = 0;
        for (int round = 0; round < rounds; round++) {
            double[] labels = new double[500];
            double[] scores = new double[500];
            for (int i = 0; i < labels.length; i++) {
                double p = 1 / (1 + Math.exp(0.5 - random.nextGaussian()));
                labels[i] = random.nextDouble() < p ? 1 : 0;
                scores[i] = Math.pow(p, power);
            }
            Threshold found = Threshold.of(labels, scores, costs);
            assertThat(found.score().value())
                    .isBetween(found.score().low(), found.score().high());
            assertThat(found.cost().value())
                    .isLessThanOrEqualTo(found.costAtHalf().value());
            covered += found.score().low() <= truth && truth <= found.score().high() ? 1 : 0;
        }
        assertThat((double) covered / rounds).isGreaterThan(0.92);
    }

    @Test
    void refusesCostsThatWeighNothing() {
        assertThatThrownBy(() -> Costs.of(0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a threshold weighs two costs above 0, found 0.0 of a false positive and 1.0 of a false "
                        + "negative with a benefit of 0.0");
        double[] three = new double[3];
        Arrays.fill(three, 2);
        assertThatThrownBy(() -> Threshold.of(three, three, Costs.of(1, 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the label of row 0 is 2.0, expected 0 or 1");
    }
}
