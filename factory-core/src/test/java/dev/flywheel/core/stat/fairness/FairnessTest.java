package dev.flywheel.core.stat.fairness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.model.Estimate;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FairnessTest {

    /** Rows of a group of which some are selected; half of both are positive, if the numbers are even. */
    private static void add(StringBuilder rows, char group, int selected, int n) {
        for (int i = 0; i < n; i++) {
            rows.append(group).append(i < selected ? '1' : '0').append(i % 2);
        }
    }

    private static Fairness fairness(CharSequence rows) {
        int n = rows.length() / 3;
        return Fairness.of(
                IntStream.range(0, n)
                        .mapToDouble(i -> rows.charAt(3 * i + 2) - '0')
                        .toArray(),
                IntStream.range(0, n)
                        .mapToDouble(i -> rows.charAt(3 * i + 1) - '0')
                        .toArray(),
                0.5,
                IntStream.range(0, n)
                        .mapToObj(i -> String.valueOf(rows.charAt(3 * i)))
                        .toArray(String[]::new));
    }

    @Test
    void theIntervalOfTwoGroupsIsNewcombes() {
        StringBuilder rows = new StringBuilder();
        add(rows, 'a', 7, 34);
        add(rows, 'b', 1, 34);
        Estimate found = fairness(rows).difference(Criterion.DEMOGRAPHIC_PARITY);
        // statsmodels 0.13.5: confint_proportions_2indep(7, 34, 1, 34, method="newcomb", compare="diff")
        assertThat(found.value()).isCloseTo(6 / 34.0, within(1e-15));
        assertThat(found.low()).isCloseTo(0.018921443885772937, within(1e-12));
        assertThat(found.high()).isCloseTo(0.3403686870327074, within(1e-12));
    }

    @Test
    void theIntervalsHoldTheFarthestOfAllPairsNineteenTimesInTwenty() {
        Random random = new Random(5);
        double[][] truths = {{0.3, 0.5}, {0.1, 0.15, 0.12, 0.3}, {0.2, 0.2, 0.2, 0.2, 0.2, 0.2}};
        for (double[] truth : truths) {
            double least = Arrays.stream(truth).min().orElseThrow();
            double most = Arrays.stream(truth).max().orElseThrow();
            int differences = 0;
            int ratios = 0;
            int rounds = 500;
            for (int round = 0; round < rounds; round++) {
                StringBuilder rows = new StringBuilder();
                for (int i = 0; i < truth.length; i++) {
                    double p = truth[i];
                    int n = 60 + 40 * i;
                    add(
                            rows,
                            (char) ('a' + i),
                            (int) random.doubles(n).filter(x -> x < p).count(),
                            n);
                }
                Estimate difference = fairness(rows).difference(Criterion.DEMOGRAPHIC_PARITY);
                differences += difference.low() <= most - least && most - least <= difference.high() ? 1 : 0;
                Estimate ratio = fairness(rows).ratio(Criterion.DEMOGRAPHIC_PARITY);
                ratios += ratio.low() <= least / most && least / most <= ratio.high() ? 1 : 0;
                assertThat(ratio.value()).isBetween(ratio.low(), ratio.high());
                assertThat(difference.value()).isBetween(difference.low(), difference.high());
            }
            assertThat((double) differences / rounds).isGreaterThan(0.92);
            assertThat((double) ratios / rounds).isGreaterThan(0.92);
        }
    }

    @Test
    void groupsOfFewRowsAreNamedAndNotJudged() {
        StringBuilder rows = new StringBuilder();
        add(rows, 'a', 50, 100);
        add(rows, 'b', 40, 100);
        add(rows, 'c', 58, 58);
        add(rows, 'd', 29, 29);
        Fairness fairness = fairness(rows);
        assertThat(fairness.groups()).extracting(Group::name).containsExactly("a", "b", "c", "d");
        assertThat(fairness.overall().rows()).isEqualTo(287);
        assertThat(fairness.tooFew(Criterion.DEMOGRAPHIC_PARITY)).containsExactly("d");
        assertThat(fairness.difference(Criterion.DEMOGRAPHIC_PARITY).value()).isCloseTo(0.6, within(1e-12));
        // of the 58 rows of c, 29 are positive
        assertThat(fairness.tooFew(Criterion.EQUALIZED_ODDS)).containsExactly("c", "d");
        assertThat(fairness.difference(Criterion.EQUALIZED_ODDS).value()).isCloseTo(0.1, within(1e-12));
    }

    @Test
    void nothingIsSaidOfOneGroup() {
        StringBuilder rows = new StringBuilder();
        add(rows, 'a', 50, 100);
        add(rows, 'b', 29, 29);
        Estimate found = fairness(rows).ratio(Criterion.EQUAL_OPPORTUNITY);
        assertThat(found.value()).isNaN();
        assertThat(found.method())
                .isEqualTo("undefined: fewer than two groups have 30 rows for the true positive rate");
    }

    @Test
    void groupsThatNobodyIsSelectedFromAreAlike() {
        StringBuilder rows = new StringBuilder();
        add(rows, 'a', 0, 100);
        add(rows, 'b', 0, 100);
        assertThat(fairness(rows).ratio(Criterion.DEMOGRAPHIC_PARITY)).isEqualTo(new Estimate(1, 0, 1, "Donner-Zou"));
        add(rows, 'c', 50, 100);
        Estimate ratio = fairness(rows).ratio(Criterion.DEMOGRAPHIC_PARITY);
        assertThat(ratio.value()).isZero();
        assertThat(ratio.low()).isZero();
        assertThat(ratio.high()).isBetween(0.05, 0.3);
    }

    @Test
    void equalWeightsChangeNothingAndUnequalOnesWidenTheInterval() {
        double[] labels = IntStream.range(0, 200).mapToDouble(i -> i % 2).toArray();
        double[] scores =
                IntStream.range(0, 200).mapToDouble(i -> i % 5 < 2 ? 0.9 : 0.1).toArray();
        String[] groups = Stream.generate(() -> "all").limit(200).toArray(String[]::new);
        double[] same = new double[200];
        Arrays.fill(same, 3);
        double[] unequal =
                IntStream.range(0, 200).mapToDouble(i -> i < 100 ? 1 : 9).toArray();
        Estimate plain = Fairness.of(labels, scores, 0.5, groups).overall().rate(Rate.SELECTION);
        Estimate weighted =
                Fairness.of(labels, scores, 0.5, groups, same).overall().rate(Rate.SELECTION);
        Estimate wide =
                Fairness.of(labels, scores, 0.5, groups, unequal).overall().rate(Rate.SELECTION);
        assertThat(weighted.low()).isCloseTo(plain.low(), within(1e-12));
        assertThat(weighted.high()).isCloseTo(plain.high(), within(1e-12));
        assertThat(wide.value()).isCloseTo(plain.value(), within(1e-12));
        // 1000 squared by 8200 are 122 rows instead of 200
        assertThat((wide.high() - wide.low()) / (plain.high() - plain.low()))
                .isCloseTo(Math.sqrt(200 / 122.0), within(0.01));
    }

    @Test
    void theAreaIsThatWithinTheGroup() {
        double[] labels = {0, 0, 1, 1, 1, 1};
        double[] scores = {0.1, 0.4, 0.35, 0.8, 0.2, 0.3};
        Fairness fairness = Fairness.of(labels, scores, 0.5, new String[] {"a", "a", "a", "a", "b", "b"});
        // scikit-learn's own example of roc_auc_score
        assertThat(fairness.groups().get(0).auc().value()).isEqualTo(0.75);
        assertThat(fairness.groups().get(1).auc().method()).isEqualTo("undefined: one class");
    }

    @Test
    void refusesWhatHasNoGroup() {
        assertThatThrownBy(() -> Fairness.of(new double[] {1}, new double[] {1}, 0.5, new String[0]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("each of 1 rows needs a group and a weight, found 0 groups and 1 weights");
        assertThatThrownBy(() ->
                        Fairness.of(new double[] {1}, new double[] {1}, 0.5, new String[] {"a"}, new double[] {-1}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the weight of row 0 is -1.0, expected 0 or more");
        assertThatThrownBy(() -> Fairness.intersection(new String[2], new String[3]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an intersection needs attributes of the same rows, found lengths [2, 3]");
    }
}
