package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Task;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeakageTest {

    private static final Schema SCHEMA = Schema.of(
            new Column("amount", ColumnType.NUMBER, true),
            new Column("reason", ColumnType.TEXT, true),
            new Column("$label", ColumnType.NUMBER, false),
            new Column("$time", ColumnType.TIME, false));

    @TempDir
    Path directory;

    /** What a row is. */
    private interface Row {
        void write(int row, Dataset.Writer writer);
    }

    private Dataset rows(int from, int to, Row row) {
        try (Dataset.Writer writer = Dataset.writer(directory, SCHEMA)) {
            for (int i = from; i < to; i++) {
                row.write(i, writer);
                writer.time(3, i * 1_000_000L);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private static Row honest(int seed) {
        return (i, writer) -> {
            Random random = new Random(seed + 31L * i);
            double amount = random.nextDouble();
            writer.number(0, amount);
            writer.text(1, "reason " + random.nextInt(5));
            writer.number(2, random.nextDouble() < amount ? 1 : 0);
        };
    }

    @Test
    void saysNothingOfAnHonestTest() {
        assertThat(Leakage.find(rows(0, 400, honest(1)), rows(400, 600, honest(1)), Task.BINARY))
                .isEmpty();
        assertThat(Leakage.find(rows(0, 400, honest(2)), rows(400, 600, honest(2)), Task.REGRESSION))
                .isEmpty();
    }

    @Test
    void countsTestRowsThatWereTrainedOn() {
        Row repeating = (i, writer) -> honest(3).write(i >= 400 && i < 430 ? i - 400 : i, writer);
        assertThat(Leakage.find(rows(0, 400, repeating), rows(400, 600, repeating), Task.BINARY))
                .containsExactly("30 of 200 test rows (15.0%) have the same inputs as a training row; within the "
                        + "training rows 0.0% are alike");
    }

    @Test
    void saysIfTheTestIsOlderThanWhatWasLearnedFrom() {
        assertThat(Leakage.find(rows(100, 500, honest(4)), rows(0, 200, honest(5)), Task.BINARY))
                .containsExactly("200 of 200 test rows are older than the newest training row, so that the test is no "
                        + "forecast");
    }

    @Test
    void namesAColumnThatGivesTheLabelAway() {
        Row text = (i, writer) -> {
            honest(6).write(i, writer);
            writer.text(1, i % 3 == 0 ? "closed" : "open " + i % 4);
            writer.number(2, i % 3 == 0 ? 1 : 0);
        };
        assertThat(Leakage.find(rows(0, 400, text), rows(400, 600, text), Task.BINARY))
                .containsExactly(
                        "column \"reason\" alone predicts the label of the test rows with a ROC AUC of 1.0000: "
                                + "is it known before the outcome?");
        // only that it is missing gives it away
        Row missing = (i, writer) -> {
            honest(7).write(i, writer);
            if (i % 3 == 0) {
                writer.missing(0);
            }
            writer.number(2, i % 3 == 0 ? 1 : 0);
        };
        assertThat(Leakage.find(rows(0, 400, missing), rows(400, 600, missing), Task.BINARY))
                .hasSize(2) // rows without an amount are alike, too
                .last()
                .asString()
                .startsWith("column \"amount\" alone predicts the label of the test rows with a ROC AUC of 1.0000");
        Row copy = (i, writer) -> {
            honest(8).write(i, writer);
            Random random = new Random(i);
            double label = random.nextGaussian();
            writer.number(0, 3 - 2 * label + 0.15 * random.nextGaussian());
            writer.number(2, label);
        };
        assertThat(Leakage.find(rows(0, 400, copy), rows(400, 600, copy), Task.REGRESSION))
                .hasSize(1)
                .first()
                .asString()
                .startsWith("column \"amount\" alone predicts the label of the test rows with a R\u00b2 of 0.99");
    }

    @Test
    void judgesNoColumnByAHandfulOfRows() {
        Row text = (i, writer) -> {
            honest(9).write(i, writer);
            writer.text(1, i % 40 == 0 ? "closed" : "open");
            writer.number(2, i % 40 == 0 ? 1 : 0);
        };
        assertThat(Leakage.find(rows(0, 400, text), rows(400, 600, text), Task.BINARY))
                .isEmpty();
    }
}
