package dev.flywheel.core.log;

import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Makes one row after another into bytes, for a log; {@link RowDecoder} reads them. The columns of a row may be written
 * in any order. Not thread-safe.
 *
 * @see dev.flywheel.core.data.RowType#write
 */
public final class RowEncoder implements RowWriter {

    // a buffer that one long row has grown beyond this is not kept for the next
    private static final int KEPT_BYTES = 1 << 20;

    private final RowLayout layout;
    private byte[] bytes;
    private ByteBuffer view;
    private int size;

    /** Makes an encoder that is at the beginning of a row. */
    public RowEncoder(Schema schema) {
        this.layout = new RowLayout(schema);
        this.bytes = new byte[layout.fixedBytes() + 64];
        this.view = ByteBuffer.wrap(bytes);
        clear();
    }

    /** Begins a row, all of whose values are missing. */
    public void clear() {
        int needed = layout.fixedBytes() + 64;
        if (bytes.length > Math.max(KEPT_BYTES, needed)) {
            bytes = new byte[needed];
            view = ByteBuffer.wrap(bytes);
        }
        size = layout.fixedBytes();
        Arrays.fill(bytes, 0, size, (byte) 0);
        view.putLong(0, layout.hash());
    }

    /** {@return the row as it was written so far: a view, valid until the row is changed} */
    public ByteBuffer row() {
        return ByteBuffer.wrap(bytes, 0, size).slice();
    }

    @Override
    public void number(int column, double value) {
        view.putDouble(layout.offset(column, ColumnType.NUMBER), value);
        present(column);
    }

    @Override
    public void integer(int column, long value) {
        view.putLong(layout.offset(column, ColumnType.INTEGER), value);
        present(column);
    }

    @Override
    public void bool(int column, boolean value) {
        view.put(layout.offset(column, ColumnType.BOOLEAN), (byte) (value ? 1 : 0));
        present(column);
    }

    @Override
    public void text(int column, String value) {
        int slot = layout.offset(column, ColumnType.TEXT);
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        int end = Math.addExact(size, utf8.length);
        if (end > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(end, 2L * bytes.length)));
            view = ByteBuffer.wrap(bytes);
        }
        System.arraycopy(utf8, 0, bytes, size, utf8.length);
        view.putInt(slot, size).putInt(slot + 4, utf8.length);
        size = end;
        present(column);
    }

    @Override
    public void time(int column, long epochMicros) {
        view.putLong(layout.offset(column, ColumnType.TIME), epochMicros);
        present(column);
    }

    @Override
    public void vector(int column, float[] value) {
        int at = layout.offset(column, ColumnType.VECTOR);
        layout.schema().column(column).requireLength(value);
        view.position(at).asFloatBuffer().put(value);
        present(column);
    }

    @Override
    public void missing(int column) {
        bytes[RowLayout.BITS + column / 8] &= (byte) ~(1 << column % 8);
    }

    private void present(int column) {
        bytes[RowLayout.BITS + column / 8] |= (byte) (1 << column % 8);
    }
}
