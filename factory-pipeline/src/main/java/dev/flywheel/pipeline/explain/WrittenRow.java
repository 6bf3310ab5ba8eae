package dev.flywheel.pipeline.explain;

import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import org.jspecify.annotations.Nullable;

/** One row that is written, cell by cell as {@link Cells} holds them. Not thread-safe. */
final class WrittenRow implements RowWriter {

    private final Schema schema;
    private final @Nullable Object[] cells;

    WrittenRow(Schema schema) {
        this.schema = schema;
        this.cells = new @Nullable Object[schema.size()];
    }

    /** {@return the cell in the column of this name} */
    @Nullable
    Object cell(String column) {
        return cells[schema.indexOf(column)];
    }

    @Override
    public void number(int column, double value) {
        cells[column] = Double.isNaN(value) ? null : (Double) value;
    }

    @Override
    public void integer(int column, long value) {
        cells[column] = value;
    }

    @Override
    public void bool(int column, boolean value) {
        cells[column] = value;
    }

    @Override
    public void text(int column, String value) {
        cells[column] = value;
    }

    @Override
    public void time(int column, long epochMicros) {
        cells[column] = epochMicros;
    }

    @Override
    public void vector(int column, float[] value) {
        cells[column] = value.clone();
    }

    @Override
    public void missing(int column) {
        cells[column] = null;
    }
}
