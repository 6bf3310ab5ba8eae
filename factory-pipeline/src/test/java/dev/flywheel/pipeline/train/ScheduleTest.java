package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ScheduleTest {

    /** PyTorch 1.13: {@code OneCycleLR(optimizer, max_lr=1., total_steps=100000).get_last_lr()} at these steps. */
    @Test
    void oneCycleIsThatOfPyTorch() {
        double[][] known = {
            {0, 0.04},
            {0.1, 0.2800145110248331},
            {0.2, 0.7600290211722918},
            {0.3, 0.9999999994964508},
            {0.5, 0.8117281094485477},
            {0.75, 0.2830407808139408},
            {0.9, 0.04950963215081897},
            {1, 4e-06}
        };
        for (double[] pair : known) {
            assertThat(Schedule.ONE_CYCLE.rate(pair[0])).isCloseTo(pair[1], within(3e-5));
        }
    }

    @Test
    void othersWarmUpAndThenFallOrStay() {
        assertThat(Schedule.COSINE.rate(0.05)).isEqualTo(0.5);
        assertThat(Schedule.COSINE.rate(0.1)).isEqualTo(1);
        assertThat(Schedule.COSINE.rate(0.55)).isCloseTo((1 + 1e-3) / 2, within(1e-12));
        assertThat(Schedule.COSINE.rate(1)).isEqualTo(1e-3);
        assertThat(Schedule.CONSTANT.rate(0.05)).isEqualTo(0.5);
        assertThat(Schedule.CONSTANT.rate(1)).isEqualTo(1);
    }

    @Test
    void isASettingOnlyWhereItIsNotTheUsualOne() {
        assertThat(Trainers.mlp(8).settings()).doesNotContainKey("schedule");
        assertThat(Trainers.mlp(8).schedule(Schedule.ONE_CYCLE).settings()).containsEntry("schedule", "ONE_CYCLE");
        assertThat(Trainers.mlp(8).schedule(Schedule.COSINE)).isEqualTo(Trainers.mlp(8));
    }
}
