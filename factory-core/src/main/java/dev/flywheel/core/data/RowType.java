package dev.flywheel.core.data;

import java.io.Serializable;

/**
 * How rows of a Java type become columns and back. Immutable and thread-safe.
 *
 * @param <T> the Java type of a row: a record, or {@link Row}
 */
public interface RowType<T> extends Serializable {

    /** {@return the columns, in the order in which {@link #write} addresses them} */
    Schema schema();

    /** Writes every column of one row. */
    void write(T row, RowWriter out);

    /**
     * {@return a row made of the current values of {@code in}, whose schema equals {@link #schema()}}
     *
     * @throws dev.flywheel.core.DataException if a value is missing where the Java type cannot hold that
     */
    T read(RowReader in);
}
