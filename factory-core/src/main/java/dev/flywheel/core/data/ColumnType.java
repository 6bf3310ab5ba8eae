package dev.flywheel.core.data;

/** The kinds of value a column can hold. */
public enum ColumnType {
    /** A 64-bit floating point number. */
    NUMBER,
    /** A 64-bit signed integer. */
    INTEGER,
    /** True or false. */
    BOOLEAN,
    /** A Unicode string. */
    TEXT,
    /** An instant, in microseconds since 1970-01-01T00:00:00Z. */
    TIME,
    /**
     * 32-bit floating point numbers, as many in every row: an image, an embedding. Their number is the
     * {@link Column#length}.
     */
    VECTOR
}
