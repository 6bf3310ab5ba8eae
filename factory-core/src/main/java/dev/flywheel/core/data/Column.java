package dev.flywheel.core.data;

import dev.flywheel.core.DataException;
import java.io.Serializable;
import java.util.Objects;

/**
 * A named, typed column.
 *
 * @param name the name, unique in its schema, not blank
 * @param type the kind of value
 * @param nullable whether a value may be missing
 * @param length the number of floats in a {@link ColumnType#VECTOR}, from 1 to 16,777,216; 0 for other types
 */
public record Column(String name, ColumnType type, boolean nullable, int length) implements Serializable {

    private static final int LONGEST = 1 << 24;

    /** @throws IllegalArgumentException if the name is blank, or the length does not fit the type */
    public Column {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        if (name.isBlank()) {
            throw new IllegalArgumentException("a column needs a name, found \"" + name + "\"");
        }
        if (type == ColumnType.VECTOR && (length < 1 || length > LONGEST)) {
            throw new IllegalArgumentException("column \"" + name + "\" is a vector and needs a length of 1 to "
                    + LONGEST + ", found " + length + ": make it with Column.vector(name, length)");
        }
        if (type != ColumnType.VECTOR && length != 0) {
            throw new IllegalArgumentException(
                    "column \"" + name + "\" is " + type + " and has no length, found " + length);
        }
    }

    /**
     * Makes a column of any type but VECTOR.
     *
     * @throws IllegalArgumentException if the name is blank, or the type is {@link ColumnType#VECTOR}, which needs a
     *     length
     */
    public Column(String name, ColumnType type, boolean nullable) {
        this(name, type, nullable, 0);
    }

    /**
     * {@return a column of vectors, which may be missing}
     *
     * @param length the number of floats in each, from 1 to 16,777,216
     * @throws IllegalArgumentException if the name is blank or the length out of range
     */
    public static Column vector(String name, int length) {
        return new Column(name, ColumnType.VECTOR, true, length);
    }

    /**
     * Refuses a vector that this column cannot hold.
     *
     * @throws DataException if it has another length
     * @throws IllegalArgumentException if this is no column of vectors
     */
    public void requireLength(float[] vector) {
        if (type != ColumnType.VECTOR) {
            throw Columns.wrongWrite(this, ColumnType.VECTOR);
        }
        if (vector.length != length) {
            throw new DataException(
                    "the vector of column \"" + name + "\" cannot be used",
                    "it has " + vector.length + " floats, expected " + length,
                    "give every row a vector of the column's length, or null where it is missing");
        }
    }
}
