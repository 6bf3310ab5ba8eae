package dev.flywheel.pipeline;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.source.Source;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Reads and cuts datasets of examples: the input's columns, then the label, the event time and the event id. */
final class Examples {

    private Examples() {}

    /** {@return the labels, in the raw unit, one per row} */
    static double[] labels(Dataset examples) {
        double[] labels = new double[Math.toIntExact(examples.rows())];
        int column = examples.schema().indexOf(Source.LABEL);
        int at = 0;
        try (Scan scan = examples.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    labels[at++] = batch.number(column, row);
                }
            }
        }
        return labels;
    }

    /** {@return the event times in microseconds since the epoch, one per row} */
    static long[] times(Dataset examples) {
        long[] times = new long[Math.toIntExact(examples.rows())];
        int column = examples.schema().indexOf(Source.TIME);
        int at = 0;
        try (Scan scan = examples.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    times[at++] = batch.time(column, row);
                }
            }
        }
        return times;
    }

    static boolean hasTimes(Dataset examples) {
        return examples.schema().contains(Source.TIME);
    }

    /** {@return the rows whose bit in {@code rows} equals {@code selected}, as a dataset of their own} */
    static Dataset select(Dataset examples, BitSet rows, boolean selected, Path directory) {
        try (Dataset.Writer writer = Dataset.writer(directory, examples.schema())) {
            int at = 0;
            try (Scan scan = examples.scan()) {
                for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                    for (int row = 0; row < batch.rows(); row++) {
                        if (rows.get(at++) == selected) {
                            batch.row(row).copyTo(writer);
                            writer.endRow();
                        }
                    }
                }
            }
            return writer.finish();
        }
    }

    /** {@return the columns of the input alone} */
    static Schema inputs(Schema examples) {
        List<Column> columns = new ArrayList<>(examples.columns());
        columns.removeIf(column -> column.name().startsWith("$"));
        return Schema.of(columns);
    }

    /** {@return the schema of examples with these inputs, a label and, if wanted, an event time} */
    static Schema schema(Schema inputs, boolean timed) {
        List<Column> columns = new ArrayList<>(inputs.columns());
        columns.add(new Column(Source.LABEL, ColumnType.NUMBER, false));
        if (timed) {
            columns.add(new Column(Source.TIME, ColumnType.TIME, false));
        }
        return Schema.of(columns);
    }

    /** Copies the first columns of a row to a place whose schema begins with the same columns. */
    static void copy(RowReader from, RowWriter to, int columns) {
        for (int column = 0; column < columns; column++) {
            if (from.missing(column)) {
                to.missing(column);
                continue;
            }
            switch (from.schema().column(column).type()) {
                case NUMBER -> to.number(column, from.number(column));
                case INTEGER -> to.integer(column, from.integer(column));
                case BOOLEAN -> to.bool(column, from.bool(column));
                case TEXT -> to.text(column, from.text(column));
                case TIME -> to.time(column, from.time(column));
                case VECTOR -> to.vector(column, from.vector(column));
            }
        }
    }
}
