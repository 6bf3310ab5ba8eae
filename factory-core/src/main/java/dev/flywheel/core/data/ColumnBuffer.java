package dev.flywheel.core.data;

import dev.flywheel.core.DataException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * One column of the batch being written. A slot whose validity bit is not set when its row ends is missing. Not
 * thread-safe.
 */
final class ColumnBuffer {

    private static final long MISSING_NUMBER = Double.doubleToRawLongBits(Double.NaN);

    private final Column column;
    private final ColumnType type;
    private final long[] validity;
    /** Doubles as raw bits, integers, times; for BOOLEAN the packed bits; empty for TEXT and VECTOR. */
    private final long[] values;

    private final float[] vectors;
    private final int[] ends;
    private byte[] bytes;
    private int nulls;

    ColumnBuffer(Column column, int capacity) {
        this.column = column;
        this.type = column.type();
        int words = (capacity + 63) >> 6;
        this.validity = new long[words];
        this.values = new long
                [switch (type) {
                    case BOOLEAN -> words;
                    case TEXT, VECTOR -> 0;
                    default -> capacity;
                }];
        this.vectors = new float[capacity * column.length()];
        this.ends = new int[type == ColumnType.TEXT ? capacity + 1 : 1];
        this.bytes = new byte[type == ColumnType.TEXT ? 8 * capacity : 0];
    }

    void fixed(int row, ColumnType written, long bits) {
        if (type != written) {
            throw Columns.wrongWrite(column, written);
        }
        values[row] = bits;
        validity[row >> 6] |= 1L << row;
    }

    void bool(int row, boolean value) {
        if (type != ColumnType.BOOLEAN) {
            throw Columns.wrongWrite(column, ColumnType.BOOLEAN);
        }
        long bit = 1L << row;
        if (value) {
            values[row >> 6] |= bit;
        } else {
            values[row >> 6] &= ~bit;
        }
        validity[row >> 6] |= bit;
    }

    void text(int row, String value) {
        if (type != ColumnType.TEXT) {
            throw Columns.wrongWrite(column, ColumnType.TEXT);
        }
        int at = ends[row];
        reserve(at + 3L * value.length());
        ends[row + 1] = encode(value, at);
        validity[row >> 6] |= 1L << row;
    }

    void vector(int row, float[] value) {
        column.requireLength(value);
        System.arraycopy(value, 0, vectors, row * value.length, value.length);
        validity[row >> 6] |= 1L << row;
    }

    void missing(int row) {
        validity[row >> 6] &= ~(1L << row);
    }

    /** {@return whether a row can end: it has a value, or may lack one} */
    boolean complete(int row) {
        return column.nullable() || has(row);
    }

    /** Closes a row that is complete: whatever was not written is missing. */
    void endRow(int row) {
        if (has(row)) {
            return;
        }
        nulls++;
        switch (type) {
            case NUMBER -> values[row] = MISSING_NUMBER;
            case INTEGER, TIME -> values[row] = 0;
            case BOOLEAN -> values[row >> 6] &= ~(1L << row);
            case TEXT -> ends[row + 1] = ends[row];
            case VECTOR -> Arrays.fill(vectors, row * column.length(), (row + 1) * column.length(), 0);
        }
    }

    private boolean has(int row) {
        return (validity[row >> 6] & (1L << row)) != 0;
    }

    Column column() {
        return column;
    }

    int nulls() {
        return nulls;
    }

    /** {@return the bytes of text gathered up to a row} */
    int textBytes(int row) {
        return type == ColumnType.TEXT ? ends[row] : 0;
    }

    /** {@return how many buffers Arrow keeps for this type} */
    int buffers() {
        return ArrowFormat.buffers(type);
    }

    /** {@return the length in bytes of a buffer for a number of rows} */
    long length(int buffer, int rows) {
        long bitmap = (rows + 7L) / 8;
        if (buffer == 0) {
            return nulls == 0 ? 0 : bitmap;
        }
        return switch (type) {
            case BOOLEAN -> bitmap;
            case TEXT -> buffer == 1 ? 4L * (rows + 1L) : ends[rows];
            // no number in a vector is missing, so that Arrow's buffer of these is empty
            case VECTOR -> buffer == 1 ? 0 : 4L * rows * column.length();
            default -> 8L * rows;
        };
    }

    /** Copies a buffer to the position of {@code out}, which is little-endian and zero there. */
    void copy(int buffer, int rows, ByteBuffer out) {
        int words = (rows + 63) >> 6;
        if (buffer == 0) {
            if (nulls > 0) {
                out.asLongBuffer().put(validity, 0, words);
            }
        } else if (type == ColumnType.BOOLEAN) {
            out.asLongBuffer().put(values, 0, words);
        } else if (type == ColumnType.VECTOR) {
            out.asFloatBuffer().put(vectors, 0, buffer == 1 ? 0 : rows * column.length());
        } else if (type != ColumnType.TEXT) {
            out.asLongBuffer().put(values, 0, rows);
        } else if (buffer == 1) {
            out.asIntBuffer().put(ends, 0, rows + 1);
        } else {
            out.put(bytes, 0, ends[rows]);
        }
    }

    /** Empties the buffer for the next batch. */
    void clear() {
        Arrays.fill(validity, 0);
        nulls = 0;
        if (type == ColumnType.BOOLEAN) {
            Arrays.fill(values, 0);
        }
    }

    private void reserve(long needed) {
        if (needed <= bytes.length) {
            return;
        }
        if (needed > Integer.MAX_VALUE - 8) {
            throw new DataException(
                    "text of column \"" + column.name() + "\" cannot be written",
                    "one batch would hold more than 2 GiB of it",
                    "keep documents of this size in files, and their names in the dataset");
        }
        bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(needed, 2L * bytes.length)));
    }

    /** Encodes as UTF-8 at a position; {@return the position behind it}. */
    private int encode(String value, int start) {
        byte[] out = bytes;
        int at = start;
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < 0x80) {
                out[at++] = (byte) c;
            } else if (c < 0x800) {
                out[at++] = (byte) (0xC0 | (c >> 6));
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else if (!Character.isSurrogate(c)) {
                out[at++] = (byte) (0xE0 | (c >> 12));
                out[at++] = (byte) (0x80 | ((c >> 6) & 0x3F));
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else {
                int point = value.codePointAt(i++);
                if (point <= 0xFFFF) {
                    throw new DataException(
                            "text of column \"" + column.name() + "\" cannot be written",
                            "its character " + (i - 1) + " is half of a surrogate pair, which UTF-8 cannot hold",
                            "repair the text where it is cut or decoded");
                }
                out[at++] = (byte) (0xF0 | (point >> 18));
                out[at++] = (byte) (0x80 | ((point >> 12) & 0x3F));
                out[at++] = (byte) (0x80 | ((point >> 6) & 0x3F));
                out[at++] = (byte) (0x80 | (point & 0x3F));
            }
        }
        return at;
    }
}
