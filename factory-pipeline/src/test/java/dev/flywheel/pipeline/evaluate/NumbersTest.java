package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.stat.Metric;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTest {

    @ParameterizedTest
    @CsvSource({
        "0.648244, 0.6482",
        "12.3456, 12.35",
        "1234.56, '1,235'",
        "9.99996, 10.00",
        "0.00012, 0.0001200",
        "0, 0",
        "0.00001234, 1.234e-5",
        "-3.5e12, -3.5e12",
        "NaN, \u2013",
        "-Infinity, -\u221e",
        "-7.5, -7.500"
    })
    void significantKeepsFourDigits(double value, String expected) {
        assertThat(Numbers.significant(value, 4)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"1.5, 1.5", "12000, '12,000'", "0.25, 0.25", "100, 100", "0.000001, 1e-6", "2451.4, '2,451'"})
    void briefDropsTrailingZeros(double value, String expected) {
        assertThat(Numbers.brief(value)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0%",
        "1, 100%",
        "0.5, 50.0%",
        "0.12345, 12.3%",
        "0.0012, 0.12%",
        "0.00001, < 0.01%",
        "0.99999, > 99.9%",
        "NaN, \u2013"
    })
    void percentSaysNoneAndAllOnlyOfNoneAndAll(double share, String expected) {
        assertThat(Numbers.percent(share)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"ROC_AUC, 0.01, +0.0100", "RMSE, -12.346, -12.35", "R2, 0, 0.0000"})
    void signedShowsTheSignOfADifference(Metric metric, double value, String expected) {
        assertThat(Numbers.signed(metric, value)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"0.62, 0.62", "12000, 12000", "0.1, 0.1", "1e-7, 0.0000001"})
    void plainNamesTheVeryNumber(double value, String expected) {
        assertThat(Numbers.plain(value)).isEqualTo(expected);
    }
}
