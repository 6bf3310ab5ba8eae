package dev.flywheel.core.stat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ProportionTest {

    @Test
    void wilsonStaysInsideZeroToOne() {
        assertThat(Proportion.wilson(0, 30).low()).isZero();
        assertThat(Proportion.wilson(38, 38).high()).isEqualTo(1);
        // Published for 19 of 38 by Newcombe and by R's binom package.
        assertThat(Proportion.wilson(19, 38).low()).isCloseTo(0.348499283643951, within(1e-12));
    }

    @Test
    void refusesAnImpossibleShare() {
        assertThatThrownBy(() -> Proportion.wilson(3, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a share needs 0 <= count <= n and n >= 1, found count 3 and n 2");
        assertThatThrownBy(() -> Proportion.jeffreys(0, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
