package dev.flywheel.core.stat.drift;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows that are given as objects, null where a value is missing. */
final class Rows {

    private Rows() {}

    static Column column(String name, ColumnType type) {
        return new Column(name, type, true);
    }

    static RowReader row(Schema schema, @Nullable Object... values) {
        return new RowReader() {
            @Override
            public Schema schema() {
                return schema;
            }

            @Override
            public boolean missing(int column) {
                return values[column] == null;
            }

            @Override
            public double number(int column) {
                return value(column) instanceof Boolean b ? (b ? 1 : 0) : ((Number) value(column)).doubleValue();
            }

            @Override
            public long integer(int column) {
                return ((Number) value(column)).longValue();
            }

            @Override
            public boolean bool(int column) {
                return (Boolean) value(column);
            }

            @Override
            public String text(int column) {
                return (String) value(column);
            }

            @Override
            public long time(int column) {
                return (Long) value(column);
            }

            private Object value(int column) {
                return java.util.Objects.requireNonNull(values[column]);
            }
        };
    }

    static Profile filled(Profile empty, List<RowReader> rows) {
        rows.forEach(empty::add);
        return empty;
    }
}
