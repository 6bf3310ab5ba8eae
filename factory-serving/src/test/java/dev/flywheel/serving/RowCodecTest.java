package dev.flywheel.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowCodecTest {

    @TempDir
    static Path directory;

    /** Rows that are written by a lambda. */
    private static final class Rows implements RowType<Rows.Row> {

        private static final long serialVersionUID = 1L;

        interface Row extends BiConsumer<RowWriter, Schema> {}

        private final Schema schema;

        Rows(Column... columns) {
            this.schema = Schema.of(columns);
        }

        @Override
        public Schema schema() {
            return schema;
        }

        @Override
        public void write(Row row, RowWriter out) {
            row.accept(out, schema);
        }

        @Override
        public Row read(RowReader in) {
            throw new UnsupportedOperationException();
        }
    }

    private static Column column(String name, ColumnType type) {
        return new Column(name, type, true);
    }

    private static final Rows PLAIN = new Rows(
            column("t", ColumnType.TIME),
            column("unused", ColumnType.TEXT),
            column("d", ColumnType.TEXT),
            column("a", ColumnType.NUMBER),
            column("c", ColumnType.TEXT),
            column("b", ColumnType.NUMBER));

    private static double predict(Rows type, Rows.Row... rows) {
        double last = Double.NaN;
        try (Endpoint<Rows.Row, Double> endpoint = Endpoint.onnx(
                        TestModels.raw(directory.resolve("raw.onnx")), Codec.<Rows.Row, Double>rows(type, p -> p))
                .lanes(1)
                .open()) {
            for (Rows.Row row : rows) {
                last = endpoint.predict(row).value();
            }
        }
        return last;
    }

    @Test
    void writesEveryColumnWhereTheModelWantsIt() {
        double value = predict(PLAIN, (out, schema) -> {
            out.time(0, 3_000_000_000_000L);
            out.text(1, "ignored");
            out.text(2, "7");
            out.number(3, 2);
            out.text(4, "red");
            out.number(5, 3);
        });
        assertThat(value).isEqualTo(2000 + 300 + 10 + 2 + 3, within(1e-4));
    }

    @Test
    void whatIsNotWrittenIsMissingWhateverTheRowBeforeHeld() {
        Rows.Row full = (out, schema) -> {
            out.time(0, 3_000_000_000_000L);
            out.text(2, "7");
            out.number(3, 2);
            out.text(4, "red");
            out.number(5, 3);
        };
        assertThat(predict(PLAIN, full, (out, schema) -> {})).isEqualTo(-1100);
        assertThat(predict(PLAIN, full, (out, schema) -> {
                    for (int i = 0; i < schema.size(); i++) {
                        out.missing(i);
                    }
                }))
                .isEqualTo(-1100);
        assertThat(predict(PLAIN, full, (out, schema) -> out.number(3, Double.NaN)))
                .isEqualTo(-1100);
    }

    @Test
    void numbersThatNoFloatHoldsAreRefused() {
        for (double odd : new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 3.5e38, -1e300}) {
            assertThatThrownBy(() -> predict(PLAIN, (out, schema) -> out.number(3, odd)))
                    .isInstanceOf(PredictionException.class)
                    .hasMessage("column \"a\" of an input cannot be used: its number is infinite, or beyond the 3.4e38"
                            + " that a float holds. Fix: leave it missing (null or NaN), or do not ask for such"
                            + " inputs.");
        }
    }

    @Test
    void timesAreWholeSecondsRoundedDownAlsoBefore1970() {
        assertThat(predict(PLAIN, (out, schema) -> out.time(0, -1_000_000_000_001L)))
                .isEqualTo(-1100 - 1.000001, within(1e-4));
    }

    @Test
    void integersAndBooleansServeAsNumbersAndAsTexts() {
        Rows mixed = new Rows(
                column("a", ColumnType.BOOLEAN),
                column("b", ColumnType.INTEGER),
                column("c", ColumnType.BOOLEAN),
                column("d", ColumnType.INTEGER),
                column("t", ColumnType.TIME));
        assertThat(predict(mixed, (out, schema) -> {
                    out.bool(0, true);
                    out.integer(1, 4);
                    out.bool(2, true);
                    out.integer(3, 7);
                    out.time(4, 0);
                }))
                .isEqualTo(1000 + 400 + 10 + 2);
        assertThat(predict(mixed, (out, schema) -> {
                    out.bool(0, false);
                    out.bool(2, false);
                    out.integer(3, -8);
                }))
                .as("\"false\" and \"-8\" are texts that the model does not know")
                .isEqualTo(-100 + 90 + 9);
    }

    @Test
    void oneColumnMayServeTwice() {
        Path model = TestModels.raw(new OnnxGraph()
                        .input("numbers", OnnxGraph.FLOAT, -1, 2)
                        .input("texts", OnnxGraph.STRING, -1, 2)
                        .input("times", OnnxGraph.INT64, -1, 1)
                        .metadata("flywheel.numbers", "[\"n\",\"m\"]")
                        .metadata("flywheel.texts", "[\"n\",\"m\"]")
                        .metadata("flywheel.times", "[\"t\"]"))
                .write(directory.resolve("twice.onnx"));
        Rows rows = new Rows(
                column("n", ColumnType.INTEGER), column("m", ColumnType.BOOLEAN), column("t", ColumnType.TIME));
        try (Endpoint<Rows.Row, Double> endpoint =
                Endpoint.onnx(model, Codec.<Rows.Row, Double>rows(rows, p -> p)).open()) {
            assertThat(endpoint.predict((out, schema) -> {
                                out.integer(0, 7);
                                out.bool(1, true);
                            })
                            .value())
                    .isEqualTo(7000 + 100 + 20 + 1);
        }
    }

    @Test
    void aColumnThatTheRowsDoNotHaveIsRefusedWhenOpening() {
        Rows rows = new Rows(column("a", ColumnType.NUMBER), column("c", ColumnType.TEXT));
        assertThatThrownBy(() -> predict(rows))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "the model does not fit the rows: its input \"numbers\" takes column \"b\", but there is no "
                                + "such column; the columns of the rows are [a:number?, c:text?]. Fix: use rows with the "
                                + "columns that the model was trained on.");
    }

    @Test
    void aColumnOfTheWrongTypeIsRefusedWhenOpening() {
        Rows rows = new Rows(
                column("a", ColumnType.TEXT),
                column("b", ColumnType.NUMBER),
                column("c", ColumnType.TEXT),
                column("d", ColumnType.TEXT),
                column("t", ColumnType.TIME));
        assertThatThrownBy(() -> predict(rows))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("its input \"numbers\" takes column \"a\", but it is TEXT, expected one of "
                        + "[NUMBER, INTEGER, BOOLEAN]");
    }

    @Test
    void aModelWithoutColumnNamesIsRefusedWhenOpening() {
        assertThatThrownBy(() -> Endpoint.onnx(
                                TestModels.times(directory.resolve("times.onnx"), 2),
                                Codec.<Rows.Row, Double>rows(PLAIN, p -> p))
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(
                        "the model does not fit the rows: its input \"x\" (FLOAT of shape [-1, 1]) does not name raw "
                                + "columns, expected numbers (FLOAT), texts (STRING) or times (INT64) with column names in the "
                                + "file's metadata, or the name of a column of vectors. Fix: serve a model made by a pipeline, "
                                + "or write a Codec that fills this input.");
    }

    @Test
    void aModelWithSeveralNumbersARowIsRefusedWhenOpening() {
        Path model = new OnnxGraph()
                .input("numbers", OnnxGraph.FLOAT, -1, 2)
                .metadata("flywheel.numbers", "[\"a\",\"b\"]")
                .node("Identity", List.of("numbers"), "y")
                .output("y", OnnxGraph.FLOAT, -1, 2)
                .write(directory.resolve("two.onnx"));
        assertThatThrownBy(() -> Endpoint.onnx(model, Codec.<Rows.Row, Double>rows(PLAIN, p -> p))
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("expected a single one, FLOAT or DOUBLE of shape [-1, 1]");
    }

    @Test
    void writingAnotherTypeThanTheColumnsIsRefused() {
        assertThatThrownBy(() -> predict(PLAIN, (out, schema) -> out.integer(3, 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("column \"a\" is NUMBER and cannot be written as INTEGER");
    }
}
