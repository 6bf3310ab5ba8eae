package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.source.Source;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitTest {

    private static final long HOUR = 3_600_000_000L;

    @TempDir
    Path directory;

    /** {@return examples at these times, in microseconds since the epoch} */
    private Dataset at(long... times) {
        Schema schema = Schema.of(
                new Column(Source.LABEL, ColumnType.NUMBER, false), new Column(Source.TIME, ColumnType.TIME, false));
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            for (long time : times) {
                writer.number(0, 1);
                writer.time(1, time);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private Dataset untimed(int rows) {
        try (Dataset.Writer writer =
                Dataset.writer(directory, Schema.of(new Column(Source.LABEL, ColumnType.NUMBER, false)))) {
            for (int row = 0; row < rows; row++) {
                writer.number(0, row);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private static int[] rows(Split split, Dataset examples) {
        return split.testRows(examples, 42).stream().toArray();
    }

    @Test
    void newestTakesTheLastShareByTimeInWhateverOrderRowsAre() {
        assertThat(rows(Split.newest(0.4), at(5, 1, 4, 2, 3))).containsExactly(0, 2);
        assertThat(rows(Split.newest(0.01), at(5, 1, 4, 2, 3))).containsExactly(0);
    }

    @Test
    void newestKeepsExamplesOfTheSameTimeTogether() {
        assertThat(rows(Split.newest(0.2), at(1, 1, 1, 2, 2, 2))).containsExactly(3, 4, 5);
        assertThat(rows(Split.newest(0.5), at(1, 2, 2, 2))).containsExactly(1, 2, 3);
    }

    @Test
    void newestByDurationTakesTheLastStretch() {
        Dataset examples = at(0, HOUR, 2 * HOUR, 3 * HOUR, -HOUR);
        assertThat(rows(Split.newest(Duration.ofHours(1)), examples)).containsExactly(3);
        assertThat(rows(Split.newest(Duration.ofHours(1).plusNanos(1_000)), examples))
                .containsExactly(2, 3);
        assertThat(rows(Split.newest(Duration.ofHours(4)), examples)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void aStretchLongerThanAllTimesLeavesNothingToTrainOn() {
        for (Duration stretch :
                new Duration[] {Duration.ofDays(1), Duration.ofDays(300L * 365), Duration.ofSeconds(Long.MAX_VALUE)}) {
            assertThatThrownBy(() -> rows(Split.newest(stretch), at(0, HOUR, 2 * HOUR)))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("no example is left to train on");
        }
        assertThat(rows(Split.newest(Duration.ofDays(300L * 365)), at(Long.MIN_VALUE, 0)))
                .as("a time of 292,000 years ago")
                .containsExactly(1);
    }

    @Test
    void timesThatAreAllEqualCannotBeSplitByTime() {
        assertThatThrownBy(() -> rows(Split.newest(0.2), at(7, 7, 7)))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        "split \"newest 0.2\" of 3 examples: no example is left to train on. Fix: bring more examples"
                                + " or choose another split.");
        assertThatThrownBy(() -> rows(Split.newest(Duration.ofHours(1)), at(7, 7, 7)))
                .isInstanceOf(DataException.class)
                .hasMessage("split \"newest PT1H\" of 3 examples: no example is left to train on. Fix: bring more"
                        + " examples or choose another split.");
    }

    @Test
    void oneExampleOrNoneCannotBeSplit() {
        Split[] splits = {Split.newest(0.2), Split.newest(Duration.ofHours(1)), Split.random(0.2), Split.everyNth(2)};
        for (Split split : splits) {
            assertThatThrownBy(() -> rows(split, at(7)))
                    .isInstanceOf(DataException.class)
                    .hasMessageStartingWith("split \"" + split.describe() + "\" of 1 examples: no example is left to ");
            assertThatThrownBy(() -> rows(split, at()))
                    .isInstanceOf(DataException.class)
                    .hasMessageStartingWith(
                            "split \"" + split.describe() + "\" of 0 examples: no example is left to test on. Fix: ");
        }
    }

    @Test
    void newestNeedsAnEventTime() {
        for (Split split : new Split[] {Split.newest(0.2), Split.newest(Duration.ofHours(1))}) {
            assertThatThrownBy(() -> rows(split, untimed(10)))
                    .isInstanceOf(DataException.class)
                    .hasMessage(
                            "split \"" + split.describe() + "\" of 10 examples: the source tells no event time. Fix:"
                                    + " name its column with eventTime(...), or choose another split.");
        }
    }

    @Test
    void everyNthCountsFromTheEndOfEachGroup() {
        assertThat(rows(Split.everyNth(3), untimed(10))).containsExactly(2, 5, 8);
        assertThat(rows(Split.everyNth(2), untimed(2))).containsExactly(1);
    }

    @Test
    void randomDependsOnSeedAndPositionAlone() {
        Dataset examples = untimed(10_000);
        Split split = Split.random(0.2);
        int[] chosen = rows(split, examples);
        assertThat(chosen).hasSizeBetween(1_880, 2_120); // 3 standard deviations
        assertThat(rows(split, examples)).isEqualTo(chosen);
        assertThat(split.testRows(examples, 43).stream().toArray()).isNotEqualTo(chosen);
        int[] shorter = rows(split, untimed(100));
        assertThat(Arrays.stream(chosen).filter(row -> row < 100))
                .containsExactly(Arrays.stream(shorter).boxed().toArray(Integer[]::new));
    }

    @Test
    void theNewestTenthOfManyIsATenth() {
        long[] times = LongStream.range(0, 1_000).map(i -> (i * 7_919) % 1_000).toArray();
        int[] chosen = rows(Split.newest(0.1), at(times));
        assertThat(chosen).hasSize(100);
        assertThat(Arrays.stream(chosen).mapToLong(row -> times[row])).allMatch(time -> time >= 900);
    }

    @Test
    void refusesWhatIsOutOfRange() {
        for (double share : new double[] {0, 1, -0.1, Double.NaN}) {
            assertThatThrownBy(() -> Split.newest(share))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("Split.newest is invalid: found " + share + ", expected above 0 and below 1");
            assertThatThrownBy(() -> Split.random(share))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("Split.random is invalid: found " + share + ", expected above 0 and below 1");
        }
        assertThatThrownBy(() -> Split.newest(Duration.ofHours(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Split.newest is invalid: found PT-1H, expected above zero");
        assertThatThrownBy(() -> Split.everyNth(1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Split.everyNth is invalid: found 1, expected at least 2");
    }

    @Test
    void saysWhatItIs() {
        assertThat(Split.newest(0.2).describe()).isEqualTo("newest 0.2");
        assertThat(Split.newest(Duration.ofDays(7)).describe()).isEqualTo("newest PT168H");
        assertThat(Split.random(0.25).describe()).isEqualTo("random 0.25");
        assertThat(Split.everyNth(5).describe()).isEqualTo("one in every 5");
    }

    @Test
    void whereTakesTheExamplesThatSaySo() {
        Schema schema = Schema.of(
                new Column("part", ColumnType.TEXT, true), new Column(Source.LABEL, ColumnType.NUMBER, false));
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            for (String part : new String[] {"test", "train", "", "Test", "test"}) {
                if (!part.isEmpty()) {
                    writer.text(0, part);
                }
                writer.number(1, 1);
                writer.endRow();
            }
            Dataset examples = writer.finish();
            assertThat(rows(Split.where("part", "test"), examples)).containsExactly(0, 4);
            assertThatThrownBy(() -> rows(Split.where("part", "dev"), examples))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining(
                            "split \"where part is \"dev\"\" of 5 examples: no example is left to test on");
            assertThatThrownBy(() -> rows(Split.where(Source.LABEL, "1"), examples))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("they have no column \"$label\" of texts");
        }
    }
}
