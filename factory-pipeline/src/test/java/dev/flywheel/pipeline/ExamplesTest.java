package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Joined;
import dev.flywheel.pipeline.source.Source;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExamplesTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00.123456Z");
    private static final Schema INPUTS = Schema.of(
            new Column("number", ColumnType.NUMBER, true),
            new Column("integer", ColumnType.INTEGER, true),
            new Column("flag", ColumnType.BOOLEAN, true),
            new Column("text", ColumnType.TEXT, true),
            new Column("when", ColumnType.TIME, true));
    private static final Row FULL =
            Row.of("number", 1.5, "integer", 7L, "flag", true, "text", "\u00E4", "when", NOON.minusSeconds(60));
    private static final Row EMPTY = Row.of("number", null);

    @TempDir
    Path directory;

    private static String text(RowReader row) {
        List<String> values = new ArrayList<>();
        for (int i = 0; i < row.schema().size(); i++) {
            values.add(
                    row.missing(i)
                            ? "-"
                            : switch (row.schema().column(i).type()) {
                                case NUMBER -> Double.toString(row.number(i));
                                case INTEGER -> Long.toString(row.integer(i));
                                case BOOLEAN -> Boolean.toString(row.bool(i));
                                case TEXT -> row.text(i);
                                case TIME -> row.time(i) + "us";
                                case VECTOR -> throw new AssertionError("no vector was written");
                            });
        }
        return String.join(" ", values);
    }

    private static List<String> texts(Dataset dataset) {
        List<String> rows = new ArrayList<>();
        forEach(dataset, row -> rows.add(text(row)));
        return rows;
    }

    private static void forEach(Dataset dataset, Consumer<RowReader> reader) {
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    reader.accept(batch.row(row));
                }
            }
        }
    }

    private Dataset inputs(Row... rows) {
        RowType<Row> type = Row.type(INPUTS);
        try (Dataset.Writer writer = Dataset.writer(directory, INPUTS)) {
            for (Row row : rows) {
                type.write(row, writer);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    @Test
    void examplesAreTheInputsThenTheLabelThenTheTime() {
        assertThat(Examples.schema(INPUTS, false).columns().subList(5, 6))
                .containsExactly(new Column(Source.LABEL, ColumnType.NUMBER, false));
        assertThat(Examples.schema(INPUTS, true).columns().subList(5, 7))
                .containsExactly(
                        new Column(Source.LABEL, ColumnType.NUMBER, false),
                        new Column(Source.TIME, ColumnType.TIME, false));
        assertThat(Examples.inputs(Examples.schema(INPUTS, true))).isEqualTo(INPUTS);
    }

    @Test
    void aJoinedPredictionIsAnExample() {
        Schema timed = Examples.schema(INPUTS, true);
        Schema untimed = Examples.schema(INPUTS, false);
        List<String> timedRows = new ArrayList<>();
        List<String> untimedRows = new ArrayList<>();
        forEach(inputs(FULL, EMPTY), row -> {
            Joined joined = new Joined(UUID.randomUUID(), 1, row, 0.7, 1, NOON);
            timedRows.add(text(new JoinedRow(joined, timed)));
            untimedRows.add(text(new JoinedRow(joined, untimed)));
        });
        assertThat(timedRows)
                .containsExactly(
                        "1.5 7 true \u00E4 1769860740123456us 1.0 1769860800123456us",
                        "- - - - - 1.0 1769860800123456us");
        assertThat(untimedRows).containsExactly("1.5 7 true \u00E4 1769860740123456us 1.0", "- - - - - 1.0");
    }

    @Test
    void aJoinedPredictionTellsWhetherANumberIsInfinite() {
        List<Boolean> infinite = new ArrayList<>();
        Schema schema = Examples.schema(INPUTS, false);
        Row odd = Row.of("number", Double.NEGATIVE_INFINITY);
        forEach(
                inputs(FULL, EMPTY, odd),
                row -> infinite.add(
                        new JoinedRow(new Joined(UUID.randomUUID(), 1, row, 0.7, 1, NOON), schema).infinite()));
        assertThat(infinite).containsExactly(false, false, true);
    }

    @Test
    void copiesTheFirstColumnsMissingOnesToo() {
        Schema narrow = Schema.of(INPUTS.columns().subList(0, 4));
        try (Dataset.Writer writer = Dataset.writer(directory, narrow)) {
            forEach(inputs(FULL, EMPTY), row -> {
                Examples.copy(row, writer, 4);
                writer.endRow();
            });
            assertThat(texts(writer.finish())).containsExactly("1.5 7 true \u00E4", "- - - -");
        }
    }

    @Test
    void selectsRowsOverManyBatches() {
        Schema schema = Examples.schema(Schema.of(new Column("x", ColumnType.INTEGER, false)), true);
        int rows = 20_000;
        Dataset all;
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            for (int row = 0; row < rows; row++) {
                writer.integer(0, row);
                writer.number(1, row % 2);
                writer.time(2, -row);
                writer.endRow();
            }
            all = writer.finish();
        }
        BitSet thirds = new BitSet();
        IntStream.iterate(0, row -> row < rows, row -> row + 3).forEach(thirds::set);
        Dataset chosen = Examples.select(all, thirds, true, directory);
        Dataset others = Examples.select(all, thirds, false, directory);
        assertThat(chosen.rows()).isEqualTo(6_667);
        assertThat(others.rows()).isEqualTo(13_333);
        assertThat(Examples.times(chosen)[6_666]).isEqualTo(-19_998);
        assertThat(Examples.labels(chosen)).startsWith(0, 1, 0, 1);
        assertThat(Examples.times(others)).startsWith(-1, -2, -4, -5);
        assertThat(Examples.hasTimes(chosen)).isTrue();
        assertThat(Examples.hasTimes(inputs(FULL))).isFalse();
    }
}
