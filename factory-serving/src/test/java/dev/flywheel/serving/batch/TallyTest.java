package dev.flywheel.serving.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.serving.monitor.Activity;
import dev.flywheel.serving.monitor.Histogram;
import org.junit.jupiter.api.Test;

class TallyTest {

    @Test
    void talliesAddUp() {
        Tally one = new Tally();
        one.calls(3, 100);
        one.batch(3);
        Tally two = new Tally();
        two.call(1_000_000);
        two.error();
        two.batch(1);
        two.misses(5);
        two.expired(6);
        two.cancelled(7);
        two.replaced(8);
        two.refused(9);
        two.add(one);
        Activity sum = two.activity();
        assertThat(sum.requests()).isEqualTo(4);
        assertThat(sum.errors()).isEqualTo(1);
        assertThat(sum.batches()).isEqualTo(2);
        assertThat(sum.rows()).isEqualTo(4);
        assertThat(sum.meanBatch()).isEqualTo(2);
        assertThat(sum.batchSizes().max()).isEqualTo(3);
        assertThat(sum.cacheMisses()).isEqualTo(5);
        assertThat(sum.expired()).isEqualTo(6);
        assertThat(sum.cancelled()).isEqualTo(7);
        assertThat(sum.lanesReplaced()).isEqualTo(8);
        assertThat(sum.refused()).isEqualTo(9);
        assertThat(sum.latency(0.5).toNanos()).isCloseTo(100, within(6L));
        assertThat(new Tally().activity()).isEqualTo(Activity.none());
    }

    @Test
    void whatIsBeyondTheLastBucketIsCountedThere() {
        Tally tally = new Tally();
        tally.call(Long.MAX_VALUE);
        tally.call(-1);
        tally.batch(Integer.MAX_VALUE);
        Activity activity = tally.activity();
        assertThat(activity.latencies().max()).isGreaterThanOrEqualTo(1L << 42);
        assertThat(activity.latencies().count()).isEqualTo(2);
        assertThat(activity.batchSizes()).isEqualTo(Histogram.of(counts(1 << 20)));
        assertThat(activity.rows()).isEqualTo(Integer.MAX_VALUE);
    }

    private static long[] counts(long value) {
        long[] counts = new long[Histogram.bucket(value) + 1];
        counts[counts.length - 1] = 1;
        return counts;
    }
}
