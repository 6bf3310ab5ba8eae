package dev.flywheel.core.stat.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.io.Json;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MomentsTest {

    @Test
    void mergedPartsAreTheWhole() {
        Random random = new Random(1);
        Moments whole = Moments.NONE;
        CrossMoments pairs = CrossMoments.NONE;
        Moments[] parts = {Moments.NONE, Moments.NONE, Moments.NONE};
        CrossMoments[] pairParts = {CrossMoments.NONE, CrossMoments.NONE, CrossMoments.NONE};
        for (int i = 0; i < 10_000; i++) {
            double x = 1e6 + random.nextGaussian();
            double y = 3 * x + random.nextGaussian();
            int part = random.nextInt(2);
            whole = whole.plus(x);
            pairs = pairs.plus(x, y);
            parts[part] = parts[part].plus(x);
            pairParts[part] = pairParts[part].plus(x, y);
        }
        Moments merged = parts[0].merge(parts[1]).merge(parts[2]);
        CrossMoments mergedPairs = pairParts[2].merge(pairParts[0]).merge(pairParts[1]);
        assertThat(merged.n()).isEqualTo(10_000);
        assertThat(merged.mean()).isCloseTo(whole.mean(), within(1e-8));
        assertThat(merged.variance()).isCloseTo(whole.variance(), within(1e-8));
        // digits that sums of squares around a million would have lost
        assertThat(merged.variance()).isBetween(0.95, 1.05);
        assertThat(mergedPairs.covariance()).isCloseTo(pairs.covariance(), within(1e-7));
        assertThat(mergedPairs.varianceY()).isCloseTo(pairs.varianceY(), within(1e-7));
        assertThat(mergedPairs.covariance() / mergedPairs.varianceX()).isBetween(2.95, 3.05);
        assertThat(mergedPairs.y().sample())
                .isEqualTo(new Sample(10_000, mergedPairs.meanY(), mergedPairs.varianceY()));
    }

    @Test
    void comeBackFromJsonBitForBit() {
        Moments moments = Moments.NONE.plus(0.1).plus(0.7).plus(1e300 / 3);
        CrossMoments pairs = CrossMoments.NONE.plus(0.1, 1 / 3.0).plus(0.7, 2);
        assertThat(Json.read(Json.write(moments), Moments.class, "test")).isEqualTo(moments);
        assertThat(Json.read(Json.write(pairs), CrossMoments.class, "test")).isEqualTo(pairs);
    }

    @Test
    void fewerThanTwoNumbersHaveNoVariance() {
        assertThat(Moments.NONE.variance()).isNaN();
        assertThat(Moments.NONE.plus(3).variance()).isNaN();
        assertThat(Moments.NONE.plus(3).mean()).isEqualTo(3);
    }

    @Test
    void refusesWhatNoNumbersHave() {
        assertThatThrownBy(() -> new Moments(3, 1, Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("moments need n >= 0 and m2 >= 0, found n 3 and m2 NaN");
        assertThatThrownBy(() -> new CrossMoments(-1, 0, 0, 0, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("moments need n, m2X and m2Y of at least 0, found n -1, m2X 0.0 and m2Y 0.0");
        assertThatThrownBy(() -> Sample.proportion(3, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a proportion needs 0 <= successes <= n and n >= 1, found 3 successes of 2");
    }

    /** Visitors differ in how often they look and how often they click; naive intervals would be half as wide. */
    @Test
    void theIntervalOfARatioKnowsThatViewsOfOneVisitorAreAlike() {
        Random random = new Random(2);
        int covered = 0;
        int coveredNaively = 0;
        for (int experiment = 0; experiment < 1_000; experiment++) {
            CrossMoments visitors = CrossMoments.NONE;
            long clicks = 0;
            long views = 0;
            for (int i = 0; i < 400; i++) {
                double taste = random.nextDouble();
                int own = 1 + random.nextInt(19);
                int clicked = 0;
                for (int view = 0; view < own; view++) {
                    clicked += random.nextDouble() < taste ? 1 : 0;
                }
                visitors = visitors.plus(clicked, own);
                clicks += clicked;
                views += own;
            }
            covered += covers(visitors.ratio()) ? 1 : 0;
            coveredNaively += covers(Sample.proportion(clicks, views)) ? 1 : 0;
        }
        assertThat(covered).isBetween(925, 970);
        assertThat(coveredNaively).isLessThan(800);
    }

    private static boolean covers(Sample sample) {
        return Math.abs(sample.mean() - 0.5) <= 1.96 * Math.sqrt(sample.variance() / sample.n());
    }

    @Test
    void theRootOfAMeanSquaredErrorHasTheVarianceOfTheDeltaMethod() {
        Sample root = new Sample(100, 4, 16).root();
        assertThat(root).isEqualTo(new Sample(100, 2, 1));
        assertThat(new Sample(100, 0, 0).root()).isEqualTo(new Sample(100, 0, 0));
    }
}
