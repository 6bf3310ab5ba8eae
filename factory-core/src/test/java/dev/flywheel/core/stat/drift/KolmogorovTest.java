package dev.flywheel.core.stat.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class KolmogorovTest {

    @Test
    void agreesWithPublishedValuesForSmallSamples() {
        // Marsaglia, Tsang and Wang (2003), section 1; Simard and L'Ecuyer (2011), table 1
        assertThat(1 - Kolmogorov.survival(10, 0.274)).isCloseTo(0.6284796154565043, within(1e-13));
        // n = 2: P(D < x) = 2 (2 x - 1/2)^2 for 1/4 <= x <= 1/2
        assertThat(1 - Kolmogorov.survival(2, 0.4)).isCloseTo(2 * 0.3 * 0.3, within(1e-13));
        assertThat(Kolmogorov.survival(1, 0.75)).isCloseTo(0.5, within(1e-13));
    }

    @Test
    void itsMethodsAgreeWhereTheyMeet() {
        for (double z : new double[] {0.5, 0.8, 1, 1.3, 1.6, 1.9}) {
            double matrix = Kolmogorov.survival(140, z / Math.sqrt(140));
            double expansion = Kolmogorov.survival(141, z / Math.sqrt(141));
            assertThat(matrix).isCloseTo(expansion, within(2e-4));
        }
        for (long n : new long[] {50, 140, 1000, 99_000}) {
            double below = Kolmogorov.survival(n, Math.sqrt(2.199999 / n));
            double above = Kolmogorov.survival(n, Math.sqrt(2.200001 / n));
            assertThat(below / above).isCloseTo(1, within(2e-3));
        }
        double exact = Kolmogorov.survival(100_000, 0.008);
        assertThat(Kolmogorov.survival(100_001, 0.008) / exact).isCloseTo(1, within(1e-4));
    }

    @Test
    void isOneAtTheLeastAndZeroAtTheGreatestStatistic() {
        assertThat(Kolmogorov.survival(100, 0)).isEqualTo(1);
        assertThat(Kolmogorov.survival(100, 0.005)).isEqualTo(1);
        assertThat(Kolmogorov.survival(100, 1)).isZero();
        assertThat(Kolmogorov.survival(50_000_000, 0.9)).isZero();
    }
}
