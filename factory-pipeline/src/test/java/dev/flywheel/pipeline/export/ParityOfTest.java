package dev.flywheel.pipeline.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.TrainedModel;
import dev.flywheel.pipeline.train.Trainers;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a graph that strays from its model is reported as. */
class ParityOfTest {

    private static final Features<Row> FEATURES = Features.rows().number("x");

    @TempDir
    Path folder;

    private FeatureMatrix matrix(int rows, double unit) {
        List<@Nullable Object[]> data = IntStream.range(0, rows)
                .mapToObj(i -> new @Nullable Object[] {(double) i, unit * (10 + i % 5)})
                .toList();
        Schema schema = Schema.of(TestData.number("x"), new Column("$label", ColumnType.NUMBER, false));
        var dataset = TestData.rows(folder, schema, data);
        return FEATURES.fit(dataset).matrix(dataset);
    }

    private static TrainedModel linear(FeatureMatrix matrix) {
        return Trainers.linear().train(matrix, Target.number("label"), 1, epoch -> {});
    }

    @Test
    void findsTheWorstRowWhateverTheUnit() {
        for (double unit : new double[] {1e-9, 1, 1e9}) {
            FeatureMatrix matrix = matrix(100, unit);
            TrainedModel model = linear(matrix);
            double[] scores = model.predict(matrix);

            Parity same = Parity.of(model, matrix, scores);
            assertThat(same.difference()).isZero();
            assertThat(same.holds()).isTrue();

            scores[41] *= 1 + 2e-5;
            scores[42] *= 1 + 4e-5;
            Parity strayed = Parity.of(model, matrix, scores);
            assertThat(strayed.row()).isEqualTo(42);
            assertThat(strayed.difference()).isCloseTo(4e-5, within(4e-6));
            assertThat(strayed.graph()).isEqualTo(scores[42]);
            assertThat(strayed.holds()).isFalse();
        }
    }

    @Test
    void zerosOfEitherSignAreTheSame() {
        FeatureMatrix matrix = matrix(100, 0);
        TrainedModel model = linear(matrix);
        double[] scores = model.predict(matrix);
        assertThat(scores).containsOnly(0.0);
        scores[7] = -0.0;
        assertThat(Parity.of(model, matrix, scores).holds()).isTrue();
    }

    @Test
    void aScoreThatIsNoNumberNeverHolds() {
        FeatureMatrix matrix = matrix(100, 1);
        TrainedModel model = linear(matrix);
        for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            double[] scores = model.predict(matrix);
            scores[7] = wrong;
            Parity parity = Parity.of(model, matrix, scores);
            assertThat(parity.difference()).isInfinite();
            assertThat(parity.row()).isEqualTo(7);
            assertThat(parity.holds()).isFalse();
        }
    }

    @Test
    void comparesRowsFromEverywhereWithoutComparingAll() {
        FeatureMatrix matrix = matrix(10_000, 1);
        TrainedModel model = linear(matrix);
        double[] scores = model.predict(matrix);
        for (int row = 9_990; row < 10_000; row++) {
            scores[row] = 0;
        }
        Parity parity = Parity.of(model, matrix, scores);
        assertThat(parity.rows()).isEqualTo(4_096);
        assertThat(parity.row()).isBetween(9_990, 9_999);
        assertThat(parity.holds()).isFalse();
    }

    @Test
    void refusesScoresOfOtherRows() {
        FeatureMatrix matrix = matrix(100, 1);
        TrainedModel model = linear(matrix);
        assertThatThrownBy(() -> Parity.of(model, matrix, new double[99]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("parity is found over one row and more, found 99 scores for 100 rows");
    }
}
