package dev.flywheel.serving;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * What a version was asked, to the bit: the shapes and values that the codec wrote. Two are equal only if every byte
 * is. Immutable.
 */
final class RowKey {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Nobody outside can then choose inputs of equal hashes, to make every look-up slow. */
    private static final long SECRET = new SecureRandom().nextLong() | 1;

    private final Object version;
    private final byte[] row;
    private final int hash;

    /** @param version whose answer it is; told apart by identity, since numbers of versions may come again */
    RowKey(Object version, byte[] row) {
        this.version = version;
        this.row = row;
        long hash = hash(row);
        this.hash = (int) (hash ^ (hash >>> 32));
    }

    Object version() {
        return version;
    }

    boolean is(byte[] other) {
        return Arrays.equals(row, other);
    }

    int bytes() {
        return row.length;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RowKey that
                && hash == that.hash
                && version == that.version
                && Arrays.equals(row, that.row);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** Multiplies eight bytes at a time and folds the 128-bit product, as Wang Yi's wyhash does. */
    static long hash(byte[] bytes) {
        long hash = fold(bytes.length ^ SECRET);
        int at = 0;
        for (; at + Long.BYTES <= bytes.length; at += Long.BYTES) {
            hash = fold(hash ^ (long) LONGS.get(bytes, at));
        }
        long rest = 0;
        for (; at < bytes.length; at++) {
            rest = (rest << Byte.SIZE) | (bytes[at] & 0xFF);
        }
        return fold(hash ^ rest);
    }

    private static long fold(long value) {
        return (value * SECRET) ^ Math.multiplyHigh(value, SECRET);
    }
}
