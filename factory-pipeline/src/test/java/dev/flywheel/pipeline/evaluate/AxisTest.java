package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class AxisTest {

    @Test
    void roundTicksEncloseTheValues() {
        Axis axis = Axis.round(0.6123, 0.6789, 100, 0, 4);
        assertThat(axis.low()).isCloseTo(0.60, within(1e-12));
        assertThat(axis.high()).isCloseTo(0.68, within(1e-12));
        assertThat(axis.ticks()).hasSize(5);
        assertThat(axis.at(0.64)).isCloseTo(50, within(1e-9));
    }

    @Test
    void exactEndsKeepRoundTicksInside() {
        Axis axis = Axis.exact(-3, 217, 0, 220, 5);
        assertThat(axis.ticks()).containsExactly(0.0, 50.0, 100.0, 150.0, 200.0);
        assertThat(axis.at(-3)).isZero();
    }

    @Test
    void equalValuesStillMakeAnAxis() {
        assertThat(Axis.round(5, 5, 0, 10, 4).at(5)).isBetween(0.0, 10.0);
        assertThat(Axis.exact(0, 0, 0, 10, 4).at(0)).isZero();
    }
}
