package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.model.Task;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DiagnosticsTest {

    @Test
    void gridCountsEveryRowOnceAndKeepsGoodOnesOnTheDiagonal() {
        Random random = new Random(1);
        double[] labels = random.doubles(5_000, -50, 50).toArray();
        double[] scores = labels.clone();
        scores[0] = 1e6;
        Diagnostics.Grid grid = Objects.requireNonNull(
                Diagnostics.of(Task.REGRESSION, labels, scores).grid());
        long sum = 0;
        long diagonal = 0;
        for (int cell = 0; cell < grid.counts().size(); cell++) {
            sum += grid.counts().get(cell);
            diagonal += cell / grid.size() == cell % grid.size() ? grid.counts().get(cell) : 0;
        }
        assertThat(sum).isEqualTo(5_000);
        assertThat(diagonal).isEqualTo(4_999);
        assertThat(grid.high()).isLessThan(51);
    }

    @Test
    void residualsArePredictionMinusOutcome() {
        Histogram residuals =
                Objects.requireNonNull(Diagnostics.of(Task.REGRESSION, new double[] {1, 2, 3}, new double[] {2, 3, 4})
                        .residuals());
        assertThat(residuals.low()).isEqualTo(1);
        assertThat(residuals.counts()).containsExactly(3L);
    }

    @Test
    void nonsenseHasNoDiagnostics() {
        Diagnostics none = Diagnostics.of(Task.BINARY, new double[] {0, 1}, new double[] {0.2, Double.NaN});
        assertThat(none.roc()).isEmpty();
        assertThat(none.confusion()).isNull();
    }
}
