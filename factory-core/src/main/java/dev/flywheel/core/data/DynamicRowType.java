package dev.flywheel.core.data;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@link Row}s as columns of a schema. Immutable and thread-safe. */
record DynamicRowType(Schema schema) implements RowType<Row> {

    DynamicRowType {
        Objects.requireNonNull(schema, "schema");
    }

    @Override
    public void write(Row row, RowWriter out) {
        int named = 0;
        for (int i = 0; i < schema.size(); i++) {
            Column column = schema.column(i);
            Object value = row.value(column.name());
            if (value == null) {
                named += row.names().contains(column.name()) ? 1 : 0;
                out.missing(i);
            } else {
                named++;
                write(column, i, value, out);
            }
        }
        if (named != row.size()) {
            throw unknown(row);
        }
    }

    private static void write(Column column, int i, Object value, RowWriter out) {
        if (column.type() == ColumnType.NUMBER && value instanceof Number number) {
            out.number(i, number.doubleValue());
        } else if (column.type() == ColumnType.INTEGER && value instanceof Long integer) {
            out.integer(i, integer);
        } else if (column.type() == ColumnType.BOOLEAN && value instanceof Boolean bool) {
            out.bool(i, bool);
        } else if (column.type() == ColumnType.TEXT && value instanceof String text) {
            out.text(i, text);
        } else if (column.type() == ColumnType.TIME && value instanceof Instant time) {
            out.time(i, Times.micros(time));
        } else if (column.type() == ColumnType.VECTOR && value instanceof Row.Vector vector) {
            out.vector(i, vector.values);
        } else {
            throw new IllegalArgumentException("column \"" + column.name() + "\" is " + column.type()
                    + " and cannot take the row's value " + value + " ("
                    + value.getClass().getSimpleName() + ")");
        }
    }

    private IllegalArgumentException unknown(Row row) {
        String extra = row.names().stream()
                .filter(name -> !schema.contains(name))
                .findFirst()
                .orElseThrow();
        return new IllegalArgumentException("a row has a column \"" + extra + "\" that is not one of " + schema);
    }

    @Override
    public Row read(RowReader in) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        for (int i = 0; i < schema.size(); i++) {
            Column column = schema.column(i);
            values.put(column.name(), in.missing(i) ? null : value(column, i, in));
        }
        return Row.of(values);
    }

    private static Object value(Column column, int i, RowReader in) {
        return switch (column.type()) {
            case NUMBER -> in.number(i);
            case INTEGER -> in.integer(i);
            case BOOLEAN -> in.bool(i);
            case TEXT -> in.text(i);
            case TIME -> Times.instant(in.time(i));
            case VECTOR -> in.vector(i);
        };
    }
}
