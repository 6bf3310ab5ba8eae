package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TallyTest {

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 15, 16, 17, 31, 32, 33, 1_000, 1_023, 1_024, 999_999, 1L << 40, (1L << 42) - 1})
    void theMiddleOfABucketIsWithinSixPercent(long nanos) {
        long middle = Tally.middle(Tally.bucket(nanos));
        assertThat((double) middle).isCloseTo((double) nanos, within(Math.max(0.5, nanos * 0.0625)));
    }

    @Test
    void bucketsGrowWithTheirValues() {
        int last = -1;
        for (long nanos = 0; nanos < 100_000; nanos++) {
            int bucket = Tally.bucket(nanos);
            assertThat(bucket).isBetween(last, last + 1);
            last = bucket;
        }
        assertThat(Tally.bucket(Long.MAX_VALUE)).isEqualTo(Tally.bucket(1L << 50));
        assertThat(Tally.bucket(-5)).isZero();
    }

    @Test
    void quantilesAreThoseOfTheSortedValues() {
        Random random = new Random(4);
        Tally tally = new Tally();
        long[] nanos = new long[10_000];
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = (long) Math.exp(6 + 4 * random.nextDouble());
            tally.call(nanos[i]);
        }
        Arrays.sort(nanos);
        for (double share : new double[] {0.01, 0.5, 0.9, 0.99, 1}) {
            long exact = nanos[(int) Math.ceil(share * nanos.length) - 1];
            assertThat((double) tally.quantileNanos(share)).isCloseTo((double) exact, within(exact * 0.0625));
        }
        assertThat(tally.calls()).isEqualTo(10_000);
    }

    @Test
    void talliesAddUp() {
        Tally one = new Tally();
        one.calls(3, 100);
        one.batch();
        Tally two = new Tally();
        two.call(1_000_000);
        two.error();
        two.batch();
        two.add(one);
        assertThat(two.calls()).isEqualTo(4);
        assertThat(two.errors()).isEqualTo(1);
        assertThat(two.batches()).isEqualTo(2);
        assertThat((double) two.quantileNanos(0.5)).isCloseTo(100, within(6.0));
        assertThat(new Tally().quantileNanos(0.5)).isZero();
    }
}
