package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class FalseDiscoveryTest {

    @Test
    void takesNoTestsAndNoNumbersThatAreNoPValues() {
        assertThat(FalseDiscovery.benjaminiHochberg()).isEmpty();
        assertThatThrownBy(() -> FalseDiscovery.benjaminiHochberg(0.5, Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a p-value is within 0 to 1, found NaN");
    }
}
