package dev.flywheel.core.stat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class McNemarTest {

    @Test
    void countsPairsOfDecisions() {
        double[] labels = {1, 1, 0, 0, 1};
        double[] first = {0.9, 0.9, 0.1, 0.9, 0.5};
        double[] second = {0.9, 0.1, 0.9, 0.9, 0.5};
        assertThat(McNemar.of(labels, first, second)).isEqualTo(new McNemar(2, 2, 0, 1));
    }

    @Test
    void modelsThatNeverDisagreeAreNotDifferent() {
        McNemar same = new McNemar(10, 0, 0, 3);
        assertThat(same.exactP()).isEqualTo(1);
        assertThat(same.chiSquare()).isZero();
        assertThat(same.chiSquareP()).isEqualTo(1);
        assertThat(same.correctedChiSquare()).isZero();
        assertThat(new McNemar(0, 4, 4, 0).correctedChiSquare()).isZero();
    }

    @Test
    void refusesNegativeCounts() {
        assertThatThrownBy(() -> new McNemar(1, -1, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("counts cannot be negative, found 1, -1, 0, 0");
    }
}
