package dev.flywheel.core.data;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Objects;

/**
 * Consecutive rows of a dataset, column by column, read in place from the mapped file. Rows and columns count from 0;
 * the accessor must fit the column's type, otherwise it throws {@link IllegalArgumentException}. Valid until the scan
 * moves on or closes. Thread-safe but for {@link #row}.
 */
public final class Batch {

    private final Schema schema;
    private final int rows;
    private final ColumnView[] columns;
    private final Cursor cursor = new Cursor();

    Batch(Schema schema, int rows, ByteBuffer message, ByteBuffer body) {
        this.schema = schema;
        this.rows = rows;
        this.columns = ArrowFormat.columns(schema, message, body);
    }

    /** {@return the columns} */
    public Schema schema() {
        return schema;
    }

    /** {@return the number of rows, at least 1} */
    public int rows() {
        return rows;
    }

    /** {@return whether a value is missing; asked first, because the other accessors are undefined then} */
    public boolean missing(int column, int row) {
        return columns[column].missing(row);
    }

    /** {@return the value of a NUMBER, INTEGER or BOOLEAN (0 or 1) column} */
    public double number(int column, int row) {
        return columns[column].number(row);
    }

    /** {@return the value of an INTEGER column} */
    public long integer(int column, int row) {
        return columns[column].integer(row);
    }

    /** {@return the value of a BOOLEAN column} */
    public boolean bool(int column, int row) {
        return columns[column].bool(row);
    }

    /**
     * {@return the value of a TEXT column}
     *
     * @throws dev.flywheel.core.StoreException if the file is damaged there
     */
    public String text(int column, int row) {
        return columns[column].text(row);
    }

    /** {@return the value of a TIME column, in microseconds since 1970-01-01T00:00:00Z} */
    public long time(int column, int row) {
        return columns[column].time(row);
    }

    /** {@return a copy of the value of a VECTOR column} */
    public float[] vector(int column, int row) {
        return columns[column].vector(row);
    }

    /**
     * Copies the vectors of consecutive rows at once, NaN in every place of one that is missing.
     *
     * @param from the first row
     * @param count how many
     * @param target takes them at its position, which moves behind them; direct and in native order for speed
     * @throws IndexOutOfBoundsException if there are no such rows
     * @throws java.nio.BufferOverflowException if the target is too small
     */
    public void vectors(int column, int from, int count, FloatBuffer target) {
        columns[column].vectors(from, count, target);
    }

    /**
     * {@return a cursor on one row; the same object at every call, moved to the row asked for last}
     *
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public RowReader row(int row) {
        cursor.row = Objects.checkIndex(row, rows);
        return cursor;
    }

    /**
     * Copies a whole NUMBER, INTEGER or BOOLEAN column: the value of row r goes to {@code target[offset + r * stride]},
     * NaN where it is missing. A value beyond the range of a float becomes an infinity.
     *
     * @throws IndexOutOfBoundsException if the target is too small
     */
    public void numbers(int column, float[] target, int offset, int stride) {
        columns[column].numbers(target, offset, stride);
    }

    private final class Cursor implements RowReader {

        private int row;

        @Override
        public Schema schema() {
            return schema;
        }

        @Override
        public boolean missing(int column) {
            return columns[column].missing(row);
        }

        @Override
        public double number(int column) {
            return columns[column].number(row);
        }

        @Override
        public long integer(int column) {
            return columns[column].integer(row);
        }

        @Override
        public boolean bool(int column) {
            return columns[column].bool(row);
        }

        @Override
        public String text(int column) {
            return columns[column].text(row);
        }

        @Override
        public long time(int column) {
            return columns[column].time(row);
        }

        @Override
        public float[] vector(int column) {
            return columns[column].vector(row);
        }
    }
}
