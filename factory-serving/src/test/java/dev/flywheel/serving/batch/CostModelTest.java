package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class CostModelTest {

    private final CostModel model = new CostModel();

    private void learn(double a, double b, int runs, long... tokens) {
        for (int i = 0; i < runs; i++) {
            long n = tokens[i % tokens.length];
            model.observe(n, Math.round(a + b * n));
        }
    }

    @Test
    void aModelThatWasNotMeasuredIsTakenForALongOne() {
        assertThat(model.shorterThanHandover()).isFalse();
        assertThat(model.budget()).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void twoSizesTellWhatARunAndWhatATokenCosts() {
        learn(1_700_000, 115_000, 20, 8, 300);
        assertThat(model.a()).isCloseTo(1_700_000, within(1_700.0));
        assertThat(model.b()).isCloseTo(115_000, within(115.0));
        assertThat(model.nanos(100)).isCloseTo(13_200_000, within(20_000.0));
        assertThat(model.shorterThanHandover()).isFalse();
        assertThat(model).hasToString("CostModel[1700000 ns + 115000 ns a token]");
    }

    @Test
    void beyondTheBudgetAllLargerBatchesTogetherGainSixPercent() {
        learn(1_700_000, 115_000, 20, 8, 300);
        int budget = model.budget();
        assertThat(budget).isCloseTo(236, within(2));
        assertThat(model.nanos(budget) / budget).isCloseTo(115_000 * 1.0625, within(200.0));
    }

    @Test
    void shortRunsTakeAsMuchAsTheTimeOfWakingAThread() {
        learn(1_800, 26, 20, 1, 16);
        assertThat(model.shorterThanHandover()).isTrue();
        assertThat(model.nanos(model.budget())).isCloseTo(CostModel.HANDOVER_NANOS, within(1_000.0));
    }

    @Test
    void oneSizeAloneGivesTheCostOfThatSize() {
        learn(2_000, 0, 20, 1);
        assertThat(model.nanos(1)).isCloseTo(2_000, within(1.0));
        assertThat(model.b()).isNotNegative();
    }

    @Test
    void aThreadThatLosesItsProcessorHardlyCounts() {
        learn(2_000, 30, 100, 1, 16);
        model.observe(1, 50_000_000);
        assertThat(model.nanos(1)).isLessThan(3_000);
        assertThat(model.shorterThanHandover()).isTrue();
    }

    @Test
    void aModelThatBecomesSlowerIsNoticed() {
        learn(2_000, 30, 100, 1, 16);
        learn(200_000, 3_000, 600, 1, 16);
        assertThat(model.nanos(1)).isCloseTo(203_000, within(20_000.0));
        assertThat(model.shorterThanHandover()).isFalse();
    }

    @Test
    void noiseMakesNoCostNegative() {
        Random random = new Random(3);
        for (int i = 0; i < 10_000; i++) {
            model.observe(1 + random.nextInt(64), random.nextInt(1_000_000));
            assertThat(model.a()).isNotNegative();
            assertThat(model.b()).isNotNegative();
            assertThat(model.budget()).isPositive();
        }
    }
}
