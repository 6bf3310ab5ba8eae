package dev.flywheel.core.data;

/** The words for a column used as what it is not. */
final class Columns {

    private Columns() {}

    static IllegalArgumentException wrongRead(Column column, String accessor) {
        String fit = switch (column.type()) {
            case NUMBER -> "number";
            case INTEGER -> "integer or number";
            case BOOLEAN -> "bool or number";
            case TEXT -> "text";
            case TIME -> "time";
            case VECTOR -> "vector";
        };
        return new IllegalArgumentException("column \"" + column.name() + "\" is " + column.type()
                + " and cannot be read as " + accessor + ": read it as " + fit);
    }

    static IllegalArgumentException wrongWrite(Column column, ColumnType written) {
        return new IllegalArgumentException(
                "column \"" + column.name() + "\" is " + column.type() + " and cannot take a value of type " + written);
    }
}
