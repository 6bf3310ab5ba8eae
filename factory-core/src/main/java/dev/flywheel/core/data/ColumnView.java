package dev.flywheel.core.data;

import dev.flywheel.core.StoreException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;

/** One column of a {@link Batch}, read where it stands in the mapped file. Immutable and thread-safe. */
final class ColumnView {

    /** Values converted at a time: a stack of cache lines, so that bulk reads run at the speed of memory. */
    private static final int TILE = 512;

    private final Column column;
    private final ColumnType type;
    private final int rows;
    private final boolean nulls;
    private final ByteBuffer body;
    private final int validity;
    private final int data;
    private final int bytes;
    private final int byteCount;

    /**
     * @param nulls whether a value is missing
     * @param body little-endian, position 0
     * @param places offset and length of each buffer in the body, in pairs, as many as the type has
     * @throws IllegalArgumentException if a buffer is too short for the rows
     */
    ColumnView(Column column, int rows, boolean nulls, ByteBuffer body, int[] places) {
        this.column = column;
        this.type = column.type();
        this.rows = rows;
        this.nulls = nulls;
        this.body = body;
        this.validity = places[0];
        this.data = places[2];
        this.bytes = places[4];
        this.byteCount = places[5];
        long bitmap = (rows + 7L) / 8;
        ArrowFormat.require(!nulls || places[1] >= bitmap);
        long needed = switch (type) {
            case BOOLEAN -> bitmap;
            case TEXT -> 4L * (rows + 1L);
            case VECTOR -> 0;
            default -> 8L * rows;
        };
        ArrowFormat.require(places[3] >= needed && places[5] >= 4L * rows * column.length());
    }

    boolean missing(int row) {
        Objects.checkIndex(row, rows);
        return nulls && !bit(validity, row);
    }

    double number(int row) {
        Objects.checkIndex(row, rows);
        return switch (type) {
            case NUMBER -> body.getDouble(data + (row << 3));
            case INTEGER -> body.getLong(data + (row << 3));
            case BOOLEAN -> bit(data, row) ? 1 : 0;
            default -> throw Columns.wrongRead(column, "number");
        };
    }

    long integer(int row) {
        return fixed(row, ColumnType.INTEGER, "integer");
    }

    long time(int row) {
        return fixed(row, ColumnType.TIME, "time");
    }

    boolean bool(int row) {
        Objects.checkIndex(row, rows);
        if (type != ColumnType.BOOLEAN) {
            throw Columns.wrongRead(column, "bool");
        }
        return bit(data, row);
    }

    String text(int row) {
        Objects.checkIndex(row, rows);
        if (type != ColumnType.TEXT) {
            throw Columns.wrongRead(column, "text");
        }
        int start = body.getInt(data + (row << 2));
        int end = body.getInt(data + (row << 2) + 4);
        if (start < 0 || end < start || end > byteCount) {
            throw new StoreException(
                    "text of column \"" + column.name() + "\" cannot be read",
                    "row " + row + " of its batch spans the bytes " + start + " to " + end + " of " + byteCount,
                    "the dataset file is damaged: check it with Dataset.verify() and restore or rebuild it");
        }
        byte[] utf8 = new byte[end - start];
        body.get(bytes + start, utf8);
        return new String(utf8, StandardCharsets.UTF_8);
    }

    float[] vector(int row) {
        float[] value = new float[column.length()];
        vectors(row, 1).get(value);
        return value;
    }

    void vectors(int from, int count, FloatBuffer target) {
        FloatBuffer all = vectors(from, count);
        int length = column.length();
        int at = target.position();
        target.put(all);
        if (nulls) {
            float[] none = null;
            for (int row = 0; row < count; row++) {
                if (!bit(validity, from + row)) {
                    none = none == null ? filled(length) : none;
                    target.put(at + row * length, none);
                }
            }
        }
    }

    private static float[] filled(int length) {
        float[] none = new float[length];
        Arrays.fill(none, Float.NaN);
        return none;
    }

    private FloatBuffer vectors(int from, int count) {
        Objects.checkFromIndexSize(from, count, rows);
        if (type != ColumnType.VECTOR) {
            throw Columns.wrongRead(column, "vector");
        }
        int rowBytes = column.length() << 2;
        return body.slice(bytes + from * rowBytes, count * rowBytes)
                .order(body.order())
                .asFloatBuffer();
    }

    void numbers(float[] target, int offset, int stride) {
        check(target, offset, stride);
        switch (type) {
            case NUMBER -> doubles(target, offset, stride);
            case INTEGER -> longs(target, offset, stride);
            case BOOLEAN -> {
                for (int row = 0, at = offset; row < rows; row++, at += stride) {
                    target[at] = bit(data, row) ? 1 : 0;
                }
            }
            default -> throw Columns.wrongRead(column, "numbers");
        }
        if (nulls) {
            for (int row = 0, at = offset; row < rows; row++, at += stride) {
                if (!bit(validity, row)) {
                    target[at] = Float.NaN;
                }
            }
        }
    }

    private void check(float[] target, int offset, int stride) {
        long last = offset + (rows - 1L) * stride;
        if (offset < 0 || stride < 1 || last >= target.length) {
            throw new IndexOutOfBoundsException(rows + " rows of column \"" + column.name() + "\" at offset " + offset
                    + " and stride " + stride + " do not fit a float[" + target.length + "]");
        }
    }

    private void doubles(float[] target, int offset, int stride) {
        var view = body.slice(data, rows << 3).order(body.order()).asDoubleBuffer();
        double[] tile = new double[Math.min(TILE, rows)];
        int at = offset;
        for (int from = 0; from < rows; from += TILE) {
            int count = Math.min(TILE, rows - from);
            view.get(from, tile, 0, count);
            for (int i = 0; i < count; i++, at += stride) {
                target[at] = (float) tile[i];
            }
        }
    }

    private void longs(float[] target, int offset, int stride) {
        var view = body.slice(data, rows << 3).order(body.order()).asLongBuffer();
        long[] tile = new long[Math.min(TILE, rows)];
        int at = offset;
        for (int from = 0; from < rows; from += TILE) {
            int count = Math.min(TILE, rows - from);
            view.get(from, tile, 0, count);
            for (int i = 0; i < count; i++, at += stride) {
                target[at] = tile[i];
            }
        }
    }

    private long fixed(int row, ColumnType expected, String accessor) {
        Objects.checkIndex(row, rows);
        if (type != expected) {
            throw Columns.wrongRead(column, accessor);
        }
        return body.getLong(data + (row << 3));
    }

    private boolean bit(int base, int row) {
        return (body.get(base + (row >> 3)) & (1 << (row & 7))) != 0;
    }
}
