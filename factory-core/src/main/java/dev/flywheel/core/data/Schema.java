package dev.flywheel.core.data;

import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The ordered columns of a dataset or of a row type. Immutable. */
public final class Schema implements Serializable {

    private static final long serialVersionUID = 1L;

    private final List<Column> columns;
    private final Map<String, Integer> positions;

    private Schema(List<Column> columns) {
        this.columns = List.copyOf(columns);
        this.positions = new HashMap<>();
        for (Column column : this.columns) {
            if (positions.put(column.name(), positions.size()) != null) {
                throw new IllegalArgumentException("column \"" + column.name() + "\" appears twice in a schema");
            }
        }
    }

    /**
     * {@return the schema of these columns, in this order}
     *
     * @throws IllegalArgumentException if two columns share a name
     */
    public static Schema of(List<Column> columns) {
        return new Schema(columns);
    }

    /**
     * {@return the schema of these columns, in this order}
     *
     * @throws IllegalArgumentException if two columns share a name
     */
    public static Schema of(Column... columns) {
        return new Schema(List.of(columns));
    }

    /** {@return the columns in order} */
    public List<Column> columns() {
        return columns;
    }

    /** {@return the number of columns} */
    public int size() {
        return columns.size();
    }

    /** {@return the column at a position, from 0} */
    public Column column(int position) {
        return columns.get(position);
    }

    /** {@return whether a column of this name exists} */
    public boolean contains(String name) {
        return positions.containsKey(name);
    }

    /**
     * {@return the position of a column, from 0}
     *
     * @throws IllegalArgumentException if there is no such column; the message lists those that exist
     */
    public int indexOf(String name) {
        Integer position = positions.get(name);
        if (position == null) {
            throw new IllegalArgumentException("no column \"" + name + "\"; the columns are "
                    + columns.stream().map(Column::name).collect(Collectors.joining(", ")));
        }
        return position;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Schema that && columns.equals(that.columns);
    }

    @Override
    public int hashCode() {
        return columns.hashCode();
    }

    @Override
    public String toString() {
        return columns.stream()
                .map(c -> c.name() + ":" + c.type().name().toLowerCase(Locale.ROOT)
                        + (c.type() == ColumnType.VECTOR ? "(" + c.length() + ")" : "")
                        + (c.nullable() ? "?" : ""))
                .collect(Collectors.joining(", ", "[", "]"));
    }
}
