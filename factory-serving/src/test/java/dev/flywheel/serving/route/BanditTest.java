package dev.flywheel.serving.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.serving.route.Vectors.Case;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BanditTest {

    private static final String FILE = "promotion_gates_and_bandits.json";
    private static final int DRAWS = 200_000;

    /** More than five standard deviations of a share of so many draws. */
    private static final double NOISE = 0.006;

    private static double[] shares(Bandit bandit) {
        double[] shares = new double[bandit.versions().size()];
        for (int i = 0; i < DRAWS; i++) {
            shares[bandit.choose(null)] += 1.0 / DRAWS;
        }
        return shares;
    }

    @Test
    void gaussianSamplingChoosesEachVersionAsOftenAsItIsTheBest() {
        List<Case> cases = Vectors.cases(FILE, "two_arm_best_probability");
        assertThat(cases).hasSizeGreaterThanOrEqualTo(3);
        for (Case c : cases) {
            double[] means = c.numbers("posterior_mean");
            double[] variances = c.numbers("posterior_variance");
            Bandit bandit = Bandit.gaussian(1, 2);
            for (int arm = 0; arm < 2; arm++) {
                // 100 rewards at this distance from their mean give their mean this variance
                double distance = Math.sqrt(99 * variances[arm]);
                for (int i = 0; i < 100; i++) {
                    bandit.reward(arm + 1, means[arm] + (i % 2 == 0 ? distance : -distance));
                }
                assertThat(bandit.mean(arm + 1)).isCloseTo(means[arm], within(1e-9));
            }
            assertThat(shares(bandit)).as("%s", c).containsExactly(c.numbers("expected"), within(NOISE));
        }
    }

    @Test
    void aFloorMixesTheSharesWithEqualOnes() {
        for (Case c : Vectors.cases(FILE, "bandit_min_weight_floor")) {
            double floor = c.number("floor");
            if (floor < 0) {
                assertThatThrownBy(() -> Bandit.thompson(1, 2).floor(floor))
                        .hasMessage("a floor must be 0 to 1, found " + floor);
                continue;
            }
            int count = c.numbers("weights").length;
            assertThat(floored(c.numbers("weights"), floor))
                    .as("%s", c)
                    .containsExactly(c.numbers("expected"), within(c.number("abs_tol")));
            // Of UCB1 the shares without a floor are known: all to the best.
            Bandit bandit = Bandit.ucb1(IntStream.range(0, count).toArray());
            double[] weights = new double[count];
            weights[0] = 1;
            for (int arm = 0; arm < count; arm++) {
                bandit.reward(arm, weights[arm]);
            }
            assertThat(shares(bandit.floor(floor))).containsExactly(floored(weights, floor), within(NOISE));
        }
    }

    private static double[] floored(double[] weights, double floor) {
        int count = weights.length;
        return Arrays.stream(weights)
                .map(w -> count * floor >= 1 ? 1.0 / count : floor + (1 - count * floor) * w)
                .toArray();
    }

    @Test
    void thompsonSamplingChoosesEachVersionAsOftenAsItIsTheBest() {
        Bandit bandit = Bandit.thompson(4, 9);
        assertThat(shares(bandit)).as("nothing is known").containsExactly(new double[] {0.5, 0.5}, within(NOISE));
        // Beta(2, 1) against Beta(1, 1): the first is better with probability E[x] = 2/3
        bandit.reward(4, 1);
        assertThat(shares(bandit)).containsExactly(new double[] {2.0 / 3, 1.0 / 3}, within(NOISE));
        // Beta(2, 1) against Beta(1, 2): 1 - P(x < y) = 1 - 1/6
        bandit.reward(9, 0);
        assertThat(shares(bandit)).containsExactly(new double[] {5.0 / 6, 1.0 / 6}, within(NOISE));
    }

    @Test
    void ucb1TriesEveryVersionAndThenTakesTheHighestBound() {
        Bandit bandit = Bandit.ucb1(1, 2);
        assertThat(shares(bandit)).containsExactly(new double[] {0.5, 0.5}, within(NOISE));
        bandit.reward(1, 0.6);
        bandit.reward(2, 0.5);
        assertThat(bandit.choose(null)).isZero();
        bandit.reward(1, 0.6);
        // 0.6 + sqrt(2 ln 3 / 2) = 1.648 against 0.5 + sqrt(2 ln 3 / 1) = 1.982
        assertThat(bandit.choose("any key")).isEqualTo(1);
    }

    @Test
    void everyPolicyFindsTheBestVersion() {
        for (Bandit bandit : List.of(Bandit.thompson(1, 2, 3), Bandit.gaussian(1, 2, 3), Bandit.ucb1(1, 2, 3))) {
            double[] rates = {0.2, 0.5, 0.8};
            Random random = new Random(11);
            int best = 0;
            for (int i = 0; i < 20_000; i++) {
                int arm = bandit.choose(null);
                bandit.reward(arm + 1, random.nextDouble() < rates[arm] ? 1 : 0);
                best += i >= 10_000 && arm == 2 ? 1 : 0;
            }
            assertThat(best).as("%s", bandit).isGreaterThan(9_500);
            assertThat(bandit.mean(3)).isCloseTo(0.8, within(0.05));
            assertThat(bandit.rewards(1) + bandit.rewards(2) + bandit.rewards(3))
                    .isEqualTo(20_000);
        }
    }

    @Test
    void rewardsOfOthersAreIgnoredAndNonsenseIsRefused() {
        Bandit bandit = Bandit.thompson(1, 2);
        bandit.reward(7, 1);
        assertThat(bandit.rewards(1)).isZero();
        assertThat(bandit.mean(1)).isNaN();
        assertThatThrownBy(() -> bandit.reward(1, 1.5)).hasMessage("a reward must be 0 to 1, found 1.5");
        assertThatThrownBy(() -> Bandit.gaussian(1).reward(1, Double.NaN))
                .hasMessage("a reward must be finite, found NaN");
        assertThatThrownBy(() -> bandit.rewards(7)).hasMessage("version 7 is not among [1, 2]");
        assertThatThrownBy(() -> Bandit.ucb1()).hasMessage("a bandit needs versions, each once, found []");
    }
}
