package dev.flywheel.core.data;

/**
 * The place where one row goes, column by column: a dataset being written, a slot of a batch, a log frame. Columns are
 * addressed by their position in the schema of the {@link RowType} that writes; a column not written is missing. Not
 * thread-safe.
 */
public interface RowWriter {

    /** Writes a {@link ColumnType#NUMBER}. */
    void number(int column, double value);

    /** Writes an {@link ColumnType#INTEGER}. */
    void integer(int column, long value);

    /** Writes a {@link ColumnType#BOOLEAN}. */
    void bool(int column, boolean value);

    /** Writes a {@link ColumnType#TEXT}. */
    void text(int column, String value);

    /** Writes a {@link ColumnType#TIME}, in microseconds since 1970-01-01T00:00:00Z. */
    void time(int column, long epochMicros);

    /**
     * Writes a {@link ColumnType#VECTOR}.
     *
     * @param value copied before the call returns; NaN where one of its numbers is missing
     * @throws dev.flywheel.core.DataException if its length is not the column's
     */
    default void vector(int column, float[] value) {
        throw new IllegalArgumentException("column " + column + " cannot take a vector: these rows hold none");
    }

    /** Marks a value as missing. */
    void missing(int column);
}
