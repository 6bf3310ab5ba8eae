package dev.flywheel.pipeline.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.pipeline.search.Asha.Place;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class AshaTest {

    @Test
    void promotesTheBestInSoManyAsSoonAsTheyAre() {
        Asha asha = new Asha(3, 3);
        asha.report(new Place(1, 0), 0.5);
        asha.report(new Place(2, 0), 0.7);
        assertThat(asha.promote()).isEmpty();
        asha.report(new Place(3, 0), 0.6);
        assertThat(asha.promote()).contains(new Place(2, 1));
        assertThat(asha.promote()).as("once").isEmpty();
        for (int trial = 4; trial <= 6; trial++) {
            asha.report(new Place(trial, 0), trial / 10.0 + 0.4);
        }
        // of six the best two are 6 and 5; 2 was promoted when it was the best
        assertThat(asha.promote()).contains(new Place(6, 1));
        assertThat(asha.promote()).contains(new Place(5, 1));
        assertThat(asha.promote()).isEmpty();
    }

    @Test
    void promotesFromTheHighestRungFirst() {
        Asha asha = new Asha(3, 2);
        for (int trial = 1; trial <= 4; trial++) {
            asha.report(new Place(trial, 0), trial);
        }
        asha.report(asha.promote().orElseThrow(), 4);
        asha.report(asha.promote().orElseThrow(), 3);
        assertThat(asha.promote()).contains(new Place(4, 2));
    }

    @Test
    void takesTheBestOfFewUpInTheEnd() {
        Asha asha = new Asha(3, 3);
        asha.report(new Place(1, 0), 0.5);
        asha.report(new Place(2, 0), 0.7);
        assertThat(asha.promoteLast()).contains(new Place(2, 1));
        assertThat(asha.promoteLast()).isEmpty();
        asha.report(new Place(2, 1), 0.4);
        assertThat(asha.promoteLast()).contains(new Place(2, 2));
        asha.report(new Place(2, 2), 0.3);
        assertThat(asha.ranking()).containsExactly(new Place(2, 2), new Place(1, 0));
    }

    @Test
    void neverPromotesWhatFailed() {
        Asha asha = new Asha(2, 2);
        for (int trial = 1; trial <= 8; trial++) {
            asha.report(new Place(trial, 0), Double.NaN);
        }
        assertThat(asha.promote()).isEmpty();
        assertThat(asha.promoteLast()).isEmpty();
        assertThat(asha.ranking()).isEmpty();
    }

    @Test
    void spendsAFewTrialsAtFullLength() {
        SplittableRandom random = new SplittableRandom(4);
        Asha asha = new Asha(3, 3);
        int[] places = new int[3];
        for (int trial = 1; trial <= 81; trial++) {
            Place place = new Place(trial, 0);
            for (; place != null; place = asha.promote().orElse(null)) {
                places[place.rung()]++;
                asha.report(place, random.nextDouble());
            }
        }
        assertThat(places[0]).isEqualTo(81);
        assertThat(places[1]).isBetween(27, 60);
        assertThat(places[2]).isBetween(9, 27);
    }

    @Test
    void refusesWhatCannotBe() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Asha(0, 3))
                .withMessage("there must be at least 1 rung, found 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Asha(2, 1))
                .withMessage("one in at least 2 must be promoted, found one in 1");
    }

    /** Of SciPy 1.17.1, {@code scipy.stats.wilcoxon(d, alternative='greater', zero_method='zsplit')}. */
    @Test
    void ranksWithTiesAndZerosLikeSciPy() {
        assertThat(WilcoxonPruner.chance(new double[] {-1, 1, 2, 3, 4, 5, -2})).isCloseTo(0.0859375, within(1e-12));
        assertThat(WilcoxonPruner.chance(new double[] {-1, 1, 2, 3, 4, 5, -2, -3}))
                .isCloseTo(0.17578125, within(1e-12));
        assertThat(WilcoxonPruner.chance(new double[] {0, 0, 1, 2, -1.5})).isCloseTo(0.375, within(1e-12));
        assertThat(WilcoxonPruner.chance(new double[3])).isEqualTo(1);
    }
}
