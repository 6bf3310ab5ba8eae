package dev.flywheel.serving.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HistogramTest {

    private static Histogram of(long... values) {
        long[] counts = new long[1000];
        for (long value : values) {
            counts[Histogram.bucket(value)]++;
        }
        return Histogram.of(counts);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 15, 16, 17, 31, 32, 33, 1_000, 1_023, 1_024, 999_999, 1L << 40, (1L << 60) - 1})
    void aValueIsKnownWithinSixPercent(long value) {
        Histogram one = of(value);
        assertThat((double) one.quantile(0.5)).isCloseTo((double) value, within(value * 0.0625));
        assertThat(one.max()).isBetween(value, value + value / 16);
        assertThat(one.mean()).isCloseTo((double) value, within(value * 0.0625));
        if (value < 32) {
            assertThat(one.quantile(1)).isEqualTo(value);
            assertThat(one.max()).isEqualTo(value);
        }
    }

    @Test
    void bucketsGrowWithTheirValues() {
        int last = -1;
        for (long value = 0; value < 100_000; value++) {
            int bucket = Histogram.bucket(value);
            assertThat(bucket).isBetween(last, last + 1);
            last = bucket;
        }
        assertThat(Histogram.bucket(-5)).isZero();
    }

    @Test
    void quantilesAreThoseOfTheSortedValues() {
        Random random = new Random(4);
        long[] values = new long[10_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = (long) Math.exp(6 + 4 * random.nextDouble());
        }
        Histogram histogram = of(values);
        Arrays.sort(values);
        for (double share : new double[] {0, 0.01, 0.5, 0.9, 0.99, 0.999, 1}) {
            long exact = values[Math.max(0, (int) Math.ceil(share * values.length) - 1)];
            assertThat((double) histogram.quantile(share)).isCloseTo((double) exact, within(exact * 0.0625));
        }
        assertThat(histogram.count()).isEqualTo(10_000);
        assertThat(histogram.mean())
                .isCloseTo(Arrays.stream(values).average().orElseThrow(), within(0.01 * histogram.mean()));
    }

    @Test
    void addsAndSubtracts() {
        Histogram early = of(3, 100, 100);
        Histogram late = of(3, 100, 100, 100, 5_000);
        assertThat(late.since(early)).isEqualTo(of(100, 5_000)).hasSameHashCodeAs(of(5_000, 100));
        assertThat(early.plus(of(100, 5_000))).isEqualTo(late);
        assertThat(early.since(late)).isEqualTo(Histogram.empty());
        assertThat(late.since(early).max()).isBetween(5_000L, 5_312L);
    }

    @Test
    void withoutValuesAllIsZero() {
        Histogram none = Histogram.of(new long[50]);
        assertThat(none).isSameAs(Histogram.empty());
        assertThat(none.quantile(0.5)).isZero();
        assertThat(none.max()).isZero();
        assertThat(none.mean()).isZero();
        assertThat(none).hasToString("0 values, p50 0, p90 0, p99 0, p99.9 0, at most 0");
        assertThat(of(7)).hasToString("1 value, p50 7, p90 7, p99 7, p99.9 7, at most 7");
    }

    @Test
    void refusesSharesThatAreNone() {
        assertThatThrownBy(() -> of(1).quantile(99))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a quantile is for a share of 0 to 1, found 99.0");
        assertThatThrownBy(() -> of(1).quantile(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }
}
