package dev.flywheel.pipeline.source;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One row between a parser, the checks and the dataset. Not thread-safe. */
final class RowBuffer implements RowReader, RowWriter {

    private final Schema schema;
    private final ColumnType[] types;
    private final boolean[] present;
    /** Numbers as raw bits, integers, times, and 0 or 1 for booleans. */
    private final long[] values;

    private final @Nullable String[] texts;
    private final float[][] vectors;

    RowBuffer(Schema schema) {
        this.schema = schema;
        this.types = schema.columns().stream().map(Column::type).toArray(ColumnType[]::new);
        this.present = new boolean[types.length];
        this.values = new long[types.length];
        this.texts = new String[types.length];
        this.vectors = schema.columns().stream().map(c -> new float[c.length()]).toArray(float[][]::new);
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

    @Override
    public float[] vector(int column) {
        if (types[column] != ColumnType.VECTOR) {
            throw wrong(column, "vector");
        }
        return vectors[column].clone();
    }

    @Override
    public void number(int column, double value) {
        put(column, ColumnType.NUMBER, Double.doubleToRawLongBits(value));
    }

    @Override
    public void integer(int column, long value) {
        put(column, ColumnType.INTEGER, value);
    }

    @Override
    public void bool(int column, boolean value) {
        put(column, ColumnType.BOOLEAN, value ? 1 : 0);
    }

    @Override
    public void time(int column, long epochMicros) {
        put(column, ColumnType.TIME, epochMicros);
    }

    @Override
    public void text(int column, String value) {
        put(column, ColumnType.TEXT, 0);
        texts[column] = value;
    }

    @Override
    public void vector(int column, float[] value) {
        put(column, ColumnType.VECTOR, 0);
        schema.column(column).requireLength(value);
        System.arraycopy(value, 0, vectors[column], 0, value.length);
    }

    @Override
    public void missing(int column) {
        present[column] = false;
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
