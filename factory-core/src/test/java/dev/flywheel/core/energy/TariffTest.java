package dev.flywheel.core.energy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TariffTest {

    @Test
    void costsByTheHostsOwnFigures() {
        Tariff tariff = Tariff.unknown()
                .pricePerKilowattHour(0.30, "EUR")
                .gramsPerKilowattHour(400)
                .pue(1.5);
        Tariff.Cost cost = tariff.cost(7.2e6);
        assertThat(cost.kilowattHours()).isEqualTo(3);
        assertThat(cost.price().orElseThrow()).isCloseTo(0.9, within(1e-12));
        assertThat(cost.grams()).hasValue(1200);
        assertThat(cost.describe()).isEqualTo("3.000 kWh, 0.9000 EUR, 1,200 g CO2");
    }

    @Test
    void tellsNothingThatItWasNotTold() {
        Tariff.Cost cost = Tariff.unknown().cost(3.6e6);
        assertThat(cost.price()).isEmpty();
        assertThat(cost.grams()).isEmpty();
        assertThat(cost.describe()).isEqualTo("1.000 kWh");
    }

    @Test
    void refusesImpossibleFigures() {
        assertThatThrownBy(() -> Tariff.unknown().pue(0.9))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a power usage effectiveness is invalid: found 0.9, expected at least 1");
        assertThatThrownBy(() -> Tariff.unknown().gramsPerKilowattHour(Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a carbon intensity is invalid: found NaN, expected at least 0");
        assertThatThrownBy(() -> Tariff.unknown().pricePerKilowattHour(Double.POSITIVE_INFINITY, "EUR"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a price is invalid: found Infinity, expected a finite number");
    }
}
