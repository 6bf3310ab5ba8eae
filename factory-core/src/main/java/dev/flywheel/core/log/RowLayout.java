package dev.flywheel.core.log;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.io.Json;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * Where the values of a row are: 8 bytes of schema hash, one bit a column that says whether it is there, then the
 * columns in order, 8 bytes each, 1 for a boolean or 4 for each number of a vector, then the texts in UTF-8. A text's 8
 * bytes are its offset from the start of the row and its length. All numbers are big-endian.
 */
final class RowLayout {

    static final int BITS = 8;

    private final Schema schema;
    private final long hash;
    private final int[] offsets;
    private final int fixedBytes;

    RowLayout(Schema schema) {
        this.schema = schema;
        this.hash = hash(schema);
        this.offsets = new int[schema.size()];
        int at = BITS + (schema.size() + 7) / 8;
        for (int column = 0; column < offsets.length; column++) {
            offsets[column] = at;
            at = Math.addExact(at, bytes(schema.column(column)));
        }
        this.fixedBytes = at;
    }

    Schema schema() {
        return schema;
    }

    long hash() {
        return hash;
    }

    /** {@return the bytes of a row without its texts} */
    int fixedBytes() {
        return fixedBytes;
    }

    /** {@return where a column of a type is} */
    int offset(int column, ColumnType type) {
        ColumnType actual = schema.column(column).type();
        if (actual != type) {
            throw new IllegalArgumentException(
                    "column \"" + schema.column(column).name() + "\" is " + actual + ", not " + type);
        }
        return offsets[column];
    }

    private static int bytes(Column column) {
        return switch (column.type()) {
            case BOOLEAN -> 1;
            case VECTOR -> Float.BYTES * column.length();
            default -> 8;
        };
    }

    private static long hash(Schema schema) {
        MessageDigest sha256 = Json.sha256();
        for (Column column : schema.columns()) {
            byte[] name = column.name().getBytes(StandardCharsets.UTF_8);
            sha256.update(ByteBuffer.allocate(4).putInt(0, name.length));
            sha256.update(name);
            sha256.update((column.type().name() + (column.nullable() ? "?" : "!")).getBytes(StandardCharsets.UTF_8));
            if (column.type() == ColumnType.VECTOR) {
                sha256.update(ByteBuffer.allocate(4).putInt(0, column.length()));
            }
        }
        return ByteBuffer.wrap(sha256.digest()).getLong();
    }
}
