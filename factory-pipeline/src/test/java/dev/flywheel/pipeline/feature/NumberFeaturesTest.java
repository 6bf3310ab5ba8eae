package dev.flywheel.pipeline.feature;

import static dev.flywheel.pipeline.feature.Transform.bucketize;
import static dev.flywheel.pipeline.feature.Transform.clip;
import static dev.flywheel.pipeline.feature.Transform.impute;
import static dev.flywheel.pipeline.feature.Transform.imputeMean;
import static dev.flywheel.pipeline.feature.Transform.log1p;
import static dev.flywheel.pipeline.feature.Transform.missingAt;
import static dev.flywheel.pipeline.feature.Transform.missingFlag;
import static dev.flywheel.pipeline.feature.Transform.standardize;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NumberFeaturesTest {

    @TempDir
    Path folder;

    @Test
    void imputesTheMedianAndStandardizesWhereNoStepIsNamed() {
        double[] x = TestData.fitted(folder, TestData.list(1, 2, null, 9, 2));
        double deviation = Math.sqrt((2.2 * 2.2 + 3 * 1.2 * 1.2 + 5.8 * 5.8) / 5);
        assertThat(x)
                .containsExactly(
                        new double[] {
                            -2.2 / deviation, -1.2 / deviation, -1.2 / deviation, 5.8 / deviation, -1.2 / deviation
                        },
                        within(1e-6));
    }

    @Test
    void imputesTheMeanOrAConstantWhereAsked() {
        assertThat(TestData.fitted(folder, TestData.list(1, null, 5), imputeMean()))
                .containsExactly(1, 3, 5);
        assertThat(TestData.fitted(folder, TestData.list(1, null, 5), impute(-7)))
                .containsExactly(1, -7, 5);
    }

    @Test
    void takesTheLogarithmOfNothingBelowZero() {
        assertThat(TestData.fitted(folder, TestData.list(0, Math.E - 1, -5, null), impute(0), log1p()))
                .containsExactly(new double[] {0, 1, 0, 0}, within(1e-6));
    }

    @Test
    void clipsAfterOrBeforeTheLogarithmAsNamed() {
        assertThat(TestData.fitted(folder, TestData.list(0, 100), log1p(), clip(1, 2)))
                .containsExactly(1, 2);
        assertThat(TestData.fitted(folder, TestData.list(0, 100), clip(1, 2), log1p()))
                .containsExactly(new double[] {Math.log(2), Math.log(3)}, within(1e-6));
    }

    @Test
    void standardizesWhatTheStepsBeforeItGive() {
        double[] x =
                TestData.fitted(folder, TestData.list(0, 9, null, 99), missingAt(9), impute(0), log1p(), standardize());
        double top = Math.log(100);
        double deviation = Math.sqrt((3 * top / 4 * top / 4 + 9 * top / 4 * top / 4) / 4);
        double low = -top / 4 / deviation;
        assertThat(x).containsExactly(new double[] {low, low, low, 3 * top / 4 / deviation}, within(1e-6));
    }

    @Test
    void movesWildValuesToFourStandardDeviations() {
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            values.add(i % 2);
        }
        Dataset data = TestData.column(folder, TestData.number("x"), values);
        Dataset wild = TestData.column(
                folder,
                TestData.number("x"),
                TestData.list(1e9, -1e9, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e300, 1));
        FeatureMatrix matrix = Features.rows().number("x").fit(data).matrix(wild);
        assertThat(TestData.numbers(matrix)[0]).containsExactly(4, -4, 4, -4, 4, 1);
    }

    @Test
    void makesAConstantColumnZeroAndSaysSo() {
        Dataset data = TestData.column(folder, TestData.number("x"), TestData.list(0.1, 0.1, 0.1));
        FittedFeatures fitted = Features.rows().number("x").fit(data);
        assertThat(fitted.notes()).containsExactly("column \"x\" is 0.1 in every training row");
        Dataset other = TestData.column(folder, TestData.number("x"), TestData.list(0.1, 5, null));
        assertThat(TestData.numbers(fitted.matrix(other))[0]).containsExactly(0, 0, 0);
    }

    @Test
    void saysWhereSinglePrecisionTellsLittleApart() {
        String end =
                ", where single precision, in which models compute, tells only steps of 128.0: bring its difference"
                        + " from a fixed value";
        assertThat(notes(1.7e9, 1.7e9 + 10)).containsExactly("column \"x\" is from 1700000000 to 1700000000" + end);
        assertThat(notes(1.7e9, 1.7e9 + 3_600)).containsExactly("column \"x\" is from 1700000000 to 1700003580" + end);
        assertThat(notes(1.7e9, 1.7e9 + 1e6)).isEmpty();
        assertThat(notes(0, 1)).isEmpty();
    }

    private List<String> notes(double low, double high) {
        return Features.rows()
                .number("x")
                .fit(TestData.column(folder, TestData.number("x"), TestData.list(low, high)))
                .notes();
    }

    @Test
    void survivesAColumnWithoutAnyValueAndSaysSo() {
        Dataset data = TestData.column(folder, TestData.number("x"), TestData.list(null, null));
        for (Transform step : List.of(standardize(), bucketize(4), imputeMean(), missingFlag())) {
            FittedFeatures fitted = Features.rows().number("x", step).fit(data);
            assertThat(fitted.notes()).containsExactly("column \"x\" has no value in the training rows");
            Dataset other = TestData.column(folder, TestData.number("x"), TestData.list(1, null));
            FeatureMatrix matrix = fitted.matrix(other);
            for (double[] column : TestData.numbers(matrix)) {
                assertThat(column).as(step.toString()).doesNotContain(Double.NaN);
            }
        }
    }

    @Test
    void cutsBinsOfEqualSizeWithAnIdForMissing() {
        Dataset data =
                TestData.column(folder, TestData.number("x"), TestData.list(10, 20, 30, 40, 50, 60, 70, 80, null));
        FeatureMatrix matrix =
                Features.rows().number("x", bucketize(4)).fit(data).matrix(data);
        assertThat(matrix.features().idColumns()).containsExactly(new IdColumn("x bucket", 0, 5));
        assertThat(TestData.ids(matrix)[0]).containsExactly(1, 1, 2, 2, 3, 3, 4, 4, 0);
        Dataset outside = TestData.column(
                folder,
                TestData.number("x"),
                TestData.list(-1e30, Double.NEGATIVE_INFINITY, 1e30, Double.POSITIVE_INFINITY, 29.9, 30));
        assertThat(TestData.ids(matrix.features().matrix(outside))[0]).containsExactly(1, 1, 4, 4, 1, 2);
    }

    @Test
    void cutsFewerBinsWhereValuesRepeat() {
        Dataset data = TestData.column(folder, TestData.number("x"), TestData.list(0, 0, 0, 0, 0, 0, 1, 2));
        FeatureMatrix matrix =
                Features.rows().number("x", bucketize(8)).fit(data).matrix(data);
        assertThat(matrix.features().idColumns().get(0).cardinality()).isEqualTo(4);
        assertThat(TestData.ids(matrix)[0]).containsExactly(1, 1, 1, 1, 1, 1, 2, 3);
    }

    @Test
    void bucketsColumnsOfDifferentlyManyBinsTogether() {
        Dataset data = TestData.rows(
                folder,
                Schema.of(TestData.number("a"), TestData.number("b")),
                Arrays.asList(new Object[] {1, null}, new Object[] {2, 7}, new Object[] {3, 9}, new Object[] {4, 9}));
        FeatureMatrix matrix = Features.rows()
                .number("a", bucketize(4))
                .number("b", bucketize(2))
                .fit(data)
                .matrix(data);
        assertThat(TestData.ids(matrix)).isDeepEqualTo(new int[][] {{1, 2, 3, 4}, {0, 1, 2, 2}});
    }

    @Test
    void flagsWhatWasMissing() {
        Dataset data = TestData.rows(
                folder,
                Schema.of(TestData.number("a"), TestData.number("b")),
                Arrays.asList(new Object[] {1, 2}, new Object[] {null, 0}, new Object[] {3, null}));
        FeatureMatrix matrix = Features.rows()
                .number("a", impute(0))
                .number("b", missingAt(0), missingFlag(), impute(5))
                .fit(data)
                .matrix(data);
        assertThat(matrix.features().numberNames()).containsExactly("b missing", "a", "b");
        assertThat(TestData.numbers(matrix)).isDeepEqualTo(new double[][] {{0, 1, 1}, {1, 0, 3}, {2, 5, 5}});
    }

    @Test
    void turnsInACircle() {
        Dataset data = TestData.column(folder, TestData.number("x"), TestData.list(0, 90, 450, null));
        double[][] columns =
                TestData.numbers(Features.rows().cyclic("x", 360).fit(data).matrix(data));
        assertThat(columns[0]).containsExactly(new double[] {0, 1, 1, 0}, within(1e-5));
        assertThat(columns[1]).containsExactly(new double[] {1, 0, 0, 0}, within(1e-5));
    }

    @Test
    void takesAColumnInSeveralWays() {
        Dataset data = TestData.rows(
                folder,
                Schema.of(
                        TestData.number("a"),
                        new Column("b", ColumnType.INTEGER, true),
                        new Column("c", ColumnType.BOOLEAN, true)),
                Arrays.asList(new Object[] {1, 10L, true}, new Object[] {3, 30L, false}));
        FeatureMatrix matrix = Features.rows()
                .number("b", impute())
                .number("a", log1p())
                .number("a", impute())
                .number("c")
                .cyclic("b", 20)
                .number("b", bucketize(2))
                .category("b")
                .fit(data)
                .matrix(data);
        assertThat(matrix.features().inputs().get(0).columns()).containsExactlyInAnyOrder("a", "b", "c");
        assertThat(matrix.features().numberNames()).containsExactly("c", "b", "a", "a", "b sin", "b cos");
        double[][] numbers = TestData.numbers(matrix);
        assertThat(numbers[0]).containsExactly(1, -1);
        assertThat(numbers[1]).containsExactly(10, 30);
        assertThat(numbers[2]).containsExactly(1, 3);
        assertThat(numbers[3]).containsExactly(new double[] {Math.log(2), Math.log(4)}, within(1e-6));
        assertThat(TestData.ids(matrix)).isDeepEqualTo(new int[][] {{1, 2}, {2, 3}});
    }

    @Test
    void doesManyColumnsInAsManyNodesAsOne() {
        List<Column> columns = new ArrayList<>();
        Object[] row = new Object[200];
        Object[] other = new Object[200];
        for (int i = 0; i < row.length; i++) {
            columns.add(TestData.number("x" + i));
            row[i] = i;
            other[i] = -1;
        }
        Dataset data = TestData.rows(folder, Schema.of(columns), Arrays.asList(row, other, new Object[200]));
        var graph = new dev.flywheel.pipeline.onnx.OnnxGraph("test");
        FittedFeatures fitted = Features.auto().fit(data);
        fitted.emit(graph);
        assertThat(graph.nodeCount()).isEqualTo(3);
        assertThat(fitted.matrix(data).numberCount()).isEqualTo(200);
    }
}
