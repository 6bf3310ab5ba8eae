package dev.flywheel.core.log;

import dev.flywheel.core.DataException;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads rows that {@link RowEncoder} has made into bytes. It trusts nothing in them: every place is checked against the
 * bytes that are there, so garbage costs an exception and no memory. Not thread-safe.
 */
public final class RowDecoder implements RowReader {

    private final RowLayout layout;
    private ByteBuffer bytes = ByteBuffer.allocate(0);

    /** Makes a decoder of rows of a schema; {@link #read} sets the row. */
    public RowDecoder(Schema schema) {
        this.layout = new RowLayout(schema);
    }

    /** {@return whether these bytes, from position to limit, begin as a row of this schema does} */
    public boolean fits(ByteBuffer row) {
        return row.remaining() >= layout.fixedBytes() && row.getLong(row.position()) == layout.hash();
    }

    /**
     * Sets the row that the accessors read.
     *
     * @param row the bytes from position to limit; they must not change while the row is read
     * @return this
     * @throws DataException if they are not a row of this schema
     */
    public RowDecoder read(ByteBuffer row) {
        if (row.remaining() < layout.fixedBytes()) {
            throw damaged("it has " + row.remaining() + " bytes, expected at least " + layout.fixedBytes());
        }
        long hash = row.getLong(row.position());
        if (hash != layout.hash()) {
            throw new DataException(
                    "reading a logged row",
                    "it was written with a schema of hash " + Long.toHexString(hash) + ", expected "
                            + Long.toHexString(layout.hash()) + ", which is " + layout.schema(),
                    "read it with the row type that wrote it, or skip it: RowDecoder.fits tells");
        }
        bytes = row.slice();
        for (int column = 0; column < layout.schema().size(); column++) {
            if (layout.schema().column(column).type() == ColumnType.TEXT && !missing(column)) {
                checkText(column);
            }
        }
        return this;
    }

    @Override
    public Schema schema() {
        return layout.schema();
    }

    @Override
    public boolean missing(int column) {
        return (bytes.get(RowLayout.BITS + column / 8) & 1 << column % 8) == 0;
    }

    @Override
    public double number(int column) {
        return switch (layout.schema().column(column).type()) {
            case INTEGER -> integer(column);
            case BOOLEAN -> bool(column) ? 1 : 0;
            default -> bytes.getDouble(layout.offset(column, ColumnType.NUMBER));
        };
    }

    @Override
    public long integer(int column) {
        return bytes.getLong(layout.offset(column, ColumnType.INTEGER));
    }

    @Override
    public boolean bool(int column) {
        return bytes.get(layout.offset(column, ColumnType.BOOLEAN)) != 0;
    }

    @Override
    public String text(int column) {
        int slot = layout.offset(column, ColumnType.TEXT);
        byte[] utf8 = new byte[bytes.getInt(slot + 4)];
        bytes.get(bytes.getInt(slot), utf8);
        return new String(utf8, StandardCharsets.UTF_8);
    }

    @Override
    public long time(int column) {
        return bytes.getLong(layout.offset(column, ColumnType.TIME));
    }

    @Override
    public float[] vector(int column) {
        int at = layout.offset(column, ColumnType.VECTOR);
        float[] value = new float[layout.schema().column(column).length()];
        bytes.slice(at, Float.BYTES * value.length).asFloatBuffer().get(value);
        return value;
    }

    private void checkText(int column) {
        int slot = layout.offset(column, ColumnType.TEXT);
        int offset = bytes.getInt(slot);
        int length = bytes.getInt(slot + 4);
        if (offset < layout.fixedBytes() || length < 0 || length > bytes.limit() - offset) {
            throw damaged(
                    "the text of column \"" + layout.schema().column(column).name() + "\" is at " + offset + " with "
                            + length + " bytes, outside of a row of " + bytes.limit() + " bytes");
        }
    }

    private static DataException damaged(String why) {
        return new DataException("reading a logged row", why, "restore the log from a backup");
    }
}
