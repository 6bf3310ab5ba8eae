package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SlicesTest {

    private static final int ROWS = 1_000;
    private static final String[] CITIES = {"big", "big", "big", "small", "big", "big", "small", "big", "big", "big"};

    private final double[] labels = new double[ROWS];
    private final double[] scores = new double[ROWS];
    private Dataset test;

    @BeforeEach
    void write(@TempDir Path directory) {
        Schema schema = Schema.of(
                new Column("city", ColumnType.TEXT, true),
                new Column("amount", ColumnType.NUMBER, true),
                new Column("weekday", ColumnType.INTEGER, false),
                new Column("same", ColumnType.BOOLEAN, false),
                new Column("day", ColumnType.TIME, false));
        Random random = new Random(8);
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            for (int row = 0; row < ROWS; row++) {
                scores[row] = random.nextDouble();
                labels[row] = random.nextDouble() < scores[row] ? 1 : 0;
                if (row >= 60) {
                    writer.text(0, row % 40 == 0 ? "rare" : CITIES[row % 10]);
                }
                writer.number(1, row < 80 ? Double.NaN : row);
                writer.integer(2, row % 7);
                writer.bool(3, true);
                writer.time(4, row * 86_400_000_000L);
                writer.endRow();
            }
            test = writer.finish();
        }
    }

    private List<Slices.Slice> slices(int most, String... columns) {
        return Slices.of(test, labels, scores, Task.BINARY, List.of(columns), most);
    }

    @Test
    void textsGiveASliceForEachFrequentValue() {
        assertThat(slices(10, "city")).extracting(Slices.Slice::value).containsExactly("big", "small", "(missing)");
    }

    @Test
    void aSliceIsJudgedByItsOwnRows() {
        int[] missing = IntStream.range(0, 60).toArray();
        double[] ownLabels =
                IntStream.of(missing).mapToDouble(row -> labels[row]).toArray();
        double[] ownScores =
                IntStream.of(missing).mapToDouble(row -> scores[row]).toArray();
        Slices.Slice slice = slices(10, "city").get(2);
        assertThat(slice.rows()).isEqualTo(60);
        assertThat(slice.metric()).isEqualTo(Metric.ROC_AUC);
        assertThat(slice.estimate()).isEqualTo(Metrics.estimate(Metric.ROC_AUC, ownLabels, ownScores));
        assertThat(slice.meanLabel())
                .isEqualTo(IntStream.of(missing)
                        .mapToDouble(row -> labels[row])
                        .average()
                        .orElseThrow());
    }

    @Test
    void numbersGiveASliceForEachQuarter() {
        assertThat(slices(10, "amount"))
                .extracting(Slices.Slice::value)
                .containsExactly("80 to 310", "311 to 540", "541 to 770", "771 to 999", "(missing)");
        assertThat(slices(10, "amount")).extracting(Slices.Slice::rows).containsExactly(231L, 230L, 230L, 229L, 80L);
    }

    @Test
    void integersOfFewValuesAreCategories() {
        assertThat(slices(10, "weekday"))
                .extracting(Slices.Slice::value)
                .containsExactlyInAnyOrder("0", "1", "2", "3", "4", "5", "6");
    }

    @Test
    void timesGivePeriods() {
        assertThat(slices(10, "day")).extracting(Slices.Slice::value).startsWith("1970-01-01 to 1970-09-08");
    }

    @Test
    void aColumnThatDoesNotVaryGivesNone() {
        assertThat(slices(10, "same")).isEmpty();
    }

    @Test
    void theNumberOfSlicesIsShared() {
        assertThat(slices(6, "weekday", "amount"))
                .extracting(Slices.Slice::column)
                .containsExactly("weekday", "weekday", "weekday", "amount", "amount", "amount");
        assertThat(slices(4, "weekday", "amount")).hasSize(4);
    }

    @Test
    void aModelThatPredictsNonsenseHasNone() {
        scores[5] = Double.NaN;
        assertThat(slices(10, "city")).isEmpty();
    }

    @Test
    void refusesRowsThatDoNotMatch() {
        assertThatThrownBy(() -> Slices.of(test, new double[1], scores, Task.BINARY, List.of("city"), 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "each of the 1000 rows needs a label and a prediction, found 1 labels and 1000 predictions");
        assertThatThrownBy(() -> slices(5, "town"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no column \"town\"");
    }

    @Test
    void theWeakPartsComeFirstAndAreNamed() {
        List<String> columns = List.of("city", "amount", "weekday");
        assertThat(Slices.weak(test, labels, scores, Task.BINARY, columns)).isEmpty();
        for (int row = 0; row < ROWS; row++) {
            if (row >= 60 && row % 40 != 0 && CITIES[row % 10].equals("small")) {
                labels[row] = scores[row] < 0.5 ? 1 : 0;
            }
        }
        List<Slices.Slice> found = Evaluation.of(Task.BINARY, labels, scores).slices(test, columns, 20);
        assertThat(found.get(0).column()).isEqualTo("Found to be weak");
        assertThat(found.get(0).value()).isEqualTo("city = small");
        assertThat(found.get(0).estimate().value()).isZero();
        assertThat(found.get(1))
                .isEqualTo(slices(20, "city", "amount", "weekday").get(0));
    }
}
