package dev.flywheel.core.data;

/**
 * One row to read from, by column position. Which accessor fits is told by the schema; another one throws
 * {@link IllegalArgumentException}. {@link #missing} is asked first: the other accessors are undefined for a missing
 * value.
 */
public interface RowReader {

    /** {@return the schema of the row} */
    Schema schema();

    /** {@return whether the value is missing} */
    boolean missing(int column);

    /** {@return the value of a NUMBER, INTEGER or BOOLEAN (0 or 1) column} */
    double number(int column);

    /** {@return the value of an INTEGER column} */
    long integer(int column);

    /** {@return the value of a BOOLEAN column} */
    boolean bool(int column);

    /** {@return the value of a TEXT column} */
    String text(int column);

    /** {@return the value of a TIME column, in microseconds since 1970-01-01T00:00:00Z} */
    long time(int column);

    /** {@return a copy of the value of a VECTOR column} */
    default float[] vector(int column) {
        throw Columns.wrongRead(schema().column(column), "vector");
    }

    /**
     * Writes every column to the same position of another row.
     *
     * @param out a row whose first columns have the types of this one's
     */
    default void copyTo(RowWriter out) {
        Schema schema = schema();
        for (int column = 0; column < schema.size(); column++) {
            if (missing(column)) {
                out.missing(column);
                continue;
            }
            switch (schema.column(column).type()) {
                case NUMBER -> out.number(column, number(column));
                case INTEGER -> out.integer(column, integer(column));
                case BOOLEAN -> out.bool(column, bool(column));
                case TEXT -> out.text(column, text(column));
                case TIME -> out.time(column, time(column));
                case VECTOR -> out.vector(column, vector(column));
            }
        }
    }
}
