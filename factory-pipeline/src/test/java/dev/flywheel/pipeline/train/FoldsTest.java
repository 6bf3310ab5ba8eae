package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DataException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FoldsTest {

    private static final long SECOND = 1_000_000;

    private static long[] seconds(long... seconds) {
        return Arrays.stream(seconds).map(second -> second * SECOND).toArray();
    }

    @Test
    void eachFoldLearnsFromAllThatCameBeforeIt() {
        // scikit-learn 1.2.1: TimeSeriesSplit(n_splits=3).split(range(8)) gives the same sets
        List<Folds.Fold> folds = Folds.expanding(3).of(seconds(0, 1, 2, 3, 4, 5, 6, 7));
        assertThat(folds)
                .extracting(Folds.Fold::train)
                .containsExactly(new int[] {0, 1}, new int[] {0, 1, 2, 3}, new int[] {0, 1, 2, 3, 4, 5});
        assertThat(folds)
                .extracting(Folds.Fold::test)
                .containsExactly(new int[] {2, 3}, new int[] {4, 5}, new int[] {6, 7});
    }

    @Test
    void aGapOfRowsLeavesOutTheLastOnes() {
        // scikit-learn 1.2.1: TimeSeriesSplit(n_splits=3, gap=1).split(range(8))
        assertThat(Folds.expanding(3).gap(1).of(seconds(7, 6, 5, 4, 3, 2, 1, 0)))
                .extracting(Folds.Fold::train)
                .containsExactly(new int[] {7}, new int[] {7, 6, 5}, new int[] {7, 6, 5, 4, 3});
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void noFoldLearnsFromItsTestOrFromWithinTheGapBeforeIt(int seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 100; round++) {
            int n = 30 + random.nextInt(200);
            long[] times = random.longs(n, 0, 20L + random.nextInt(500))
                    .map(t -> t * SECOND)
                    .toArray();
            Duration gap = Duration.ofSeconds(random.nextInt(3));
            int rows = random.nextInt(4);
            int count = 1 + random.nextInt(4);
            List<Folds.Fold> folds = Folds.expanding(count).gap(gap).gap(rows).of(times);
            assertThat(folds).hasSize(count);
            int[] tested = new int[n];
            for (Folds.Fold fold : folds) {
                long first = Arrays.stream(fold.test())
                        .mapToLong(row -> times[row])
                        .min()
                        .orElseThrow();
                assertThat(fold.train()).isNotEmpty();
                for (int row : fold.train()) {
                    assertThat(times[row]).isLessThan(first).isLessThanOrEqualTo(first - gap.toSeconds() * SECOND);
                }
                long earlier = Arrays.stream(times).filter(time -> time < first).count();
                assertThat((long) fold.train().length).isLessThanOrEqualTo(earlier - rows);
                // whatever is old enough is learned from, if no rows are to be left out
                if (rows == 0) {
                    assertThat(fold.train()).hasSize((int) Arrays.stream(times)
                            .filter(time -> time < first && time <= first - gap.toSeconds() * SECOND)
                            .count());
                }
                Arrays.stream(fold.test()).forEach(row -> tested[row]++);
            }
            // each row is tested at most once, and all after the first test row exactly once
            long start = Arrays.stream(folds.get(0).test())
                    .mapToLong(row -> times[row])
                    .min()
                    .orElseThrow();
            assertThat(IntStream.range(0, n)).allMatch(row -> tested[row] == (times[row] >= start ? 1 : 0));
        }
    }

    @Test
    void refusesWhatLeavesNothing() {
        assertThatThrownBy(() -> Folds.expanding(3).of(seconds(1, 1, 2, 2, 3, 3)))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("there are too few different times");
        assertThatThrownBy(() -> Folds.expanding(2).gap(Duration.ofSeconds(5)).of(seconds(1, 2, 3, 4, 5, 6, 7, 8, 9)))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("the gap leaves fold 1 nothing to learn from");
        assertThatThrownBy(() -> Folds.expanding(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Folds.expanding is invalid: found 0, expected at least 1");
        assertThatThrownBy(() -> Folds.expanding(1).gap(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Folds.gap is invalid: found PT-1S, expected zero or more");
        assertThatThrownBy(() -> Folds.expanding(1).gap(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Folds.gap is invalid: found -1, expected 0 or more");
    }
}
