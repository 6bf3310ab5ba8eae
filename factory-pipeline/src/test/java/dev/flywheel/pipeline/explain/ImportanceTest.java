package dev.flywheel.pipeline.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.stat.Metric;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportanceTest {

    @TempDir
    Path folder;

    private List<Importance> plane(int rows, long data, long seed) {
        Dataset examples = Planes.rows(folder, rows, data);
        return Importance.of(
                Subject.of(Planes.SIGNATURE, Planes.scorer(Planes::plane), examples, Planes.labels(examples), seed),
                Metric.RMSE);
    }

    /** A permuted column of weight w adds 2 w^2 var to a mean squared error of 1; that of the kind 2 * 9 * 3/16. */
    @Test
    void aColumnIsWorthWhatItsLossCosts() {
        List<Importance> found = plane(4_000, 1, 7);

        assertThat(found.stream().map(Importance::column))
                .startsWith("a", "kind", "b")
                .containsExactlyInAnyOrder("a", "kind", "b", "idle", "count");
        double[] increases = {8, 3.375, 2};
        for (int i = 0; i < 3; i++) {
            Importance each = found.get(i);
            assertThat(each.loss().value()).isCloseTo(Math.sqrt(1 + increases[i]) - 1, within(0.15));
            assertThat(each.loss().low()).isPositive().isLessThan(each.loss().value());
            assertThat(each.rows()).isEqualTo(Importance.MOST_ROWS);
            assertThat(each.repeats()).isEqualTo(Importance.MOST_REPEATS);
        }
        assertThat(found.get(3).loss().value()).isZero();
        assertThat(found.get(4).loss().value()).isZero();
    }

    /** Of 40 tests of 300 rows each the interval around the mean of five permutations misses few. */
    @Test
    void theIntervalHoldsTheTruthNoLessOftenThanItClaims() {
        double truth = Math.sqrt(1 + 2) - 1;
        int held = 0;
        for (int test = 0; test < 40; test++) {
            Importance b = plane(300, 100 + test, test).stream()
                    .filter(each -> each.column().equals("b"))
                    .findFirst()
                    .orElseThrow();
            held += b.loss().low() <= truth && truth <= b.loss().high() ? 1 : 0;
        }

        assertThat(held).isGreaterThanOrEqualTo(36);
    }

    @Test
    void theSameSeedFindsTheSame() {
        assertThat(plane(500, 1, 7)).isEqualTo(plane(500, 1, 7)).isNotEqualTo(plane(500, 1, 8));
    }

    @Test
    void asksNoMoreOfTheModelThanItsBound() {
        AtomicInteger scored = new AtomicInteger();
        ToDoubleFunction<RowReader> counting = row -> {
            scored.incrementAndGet();
            return Planes.plane(row);
        };
        Dataset examples = Planes.rows(folder, 3_000, 1);
        Subject subject = Subject.of(Planes.SIGNATURE, Planes.scorer(counting), examples, Planes.labels(examples), 7);
        scored.set(0);

        List<Importance> found = Importance.of(subject, Metric.RMSE);

        assertThat(scored).hasValue(2_000 * (1 + 5 * 5));
        assertThat(found).hasSize(5);
    }
}
