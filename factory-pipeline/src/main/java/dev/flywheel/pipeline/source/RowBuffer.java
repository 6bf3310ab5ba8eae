package dev.flywheel.pipeline.source;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One row between a parser, the checks and the dataset. Not thread-safe. */
final class RowBuffer implements RowReader {

    private final Schema schema;
    private final ColumnType[] types;
    private final boolean[] present;
    /** Numbers as raw bits, integers, times, and 0 or 1 for booleans. */
    private final long[] values;

    private final @Nullable String[] texts;

    RowBuffer(Schema schema) {
        this.schema = schema;
        this.types = schema.columns().stream().map(Column::type).toArray(ColumnType[]::new);
        this.present = new boolean[types.length];
        this.values = new long[types.length];
        this.texts = new String[types.length];
    }

    /** Makes every value missing. */
    void clear() {
        Arrays.fill(present, false);
    }

    @Override
    public Schema schema() {
        return schema;
    }

    @Override
    public boolean missing(int column) {
        return !present[column];
    }

    @Override
    public double number(int column) {
        return switch (types[column]) {
            case NUMBER -> Double.longBitsToDouble(values[column]);
            case INTEGER, BOOLEAN -> values[column];
            default -> throw wrong(column, "number");
        };
    }

    @Override
    public long integer(int column) {
        return fixed(column, ColumnType.INTEGER);
    }

    @Override
    public boolean bool(int column) {
        return fixed(column, ColumnType.BOOLEAN) != 0;
    }

    @Override
    public long time(int column) {
        return fixed(column, ColumnType.TIME);
    }

    @Override
    public String text(int column) {
        String text = texts[column];
        if (types[column] != ColumnType.TEXT || text == null) {
            throw wrong(column, "text");
        }
        return text;
    }

    void number(int column, double value) {
        put(column, ColumnType.NUMBER, Double.doubleToRawLongBits(value));
    }

    void integer(int column, long value) {
        put(column, ColumnType.INTEGER, value);
    }

    void bool(int column, boolean value) {
        put(column, ColumnType.BOOLEAN, value ? 1 : 0);
    }

    void time(int column, long epochMicros) {
        put(column, ColumnType.TIME, epochMicros);
    }

    void text(int column, String value) {
        put(column, ColumnType.TEXT, 0);
        texts[column] = value;
    }

    private void put(int column, ColumnType type, long value) {
        if (types[column] != type) {
            throw wrong(column, type.name());
        }
        values[column] = value;
        present[column] = true;
    }

    private long fixed(int column, ColumnType type) {
        if (types[column] != type) {
            throw wrong(column, type.name());
        }
        return values[column];
    }

    private IllegalArgumentException wrong(int column, String as) {
        return new IllegalArgumentException(
                "column \"" + schema.column(column).name() + "\" is " + types[column] + " and cannot be used as " + as);
    }
}
