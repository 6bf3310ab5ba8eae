package dev.flywheel.core.audit;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What must be known of a Merkle tree to go on with it: the roots of its complete parts, the largest first, one for
 * each bit of its size. Immutable.
 */
final class Frontier {

    static final int HASH_BYTES = 32;
    static final Frontier EMPTY = new Frontier(0, List.of());

    private final long size;
    private final List<byte[]> parts;

    private Frontier(long size, List<byte[]> parts) {
        this.size = size;
        this.parts = parts;
    }

    long size() {
        return size;
    }

    Frontier append(byte[] leaf) {
        List<byte[]> more = new ArrayList<>(parts);
        byte[] part = leaf;
        for (long bits = size; (bits & 1) == 1; bits >>>= 1) {
            part = Merkle.node(more.remove(more.size() - 1), part);
        }
        more.add(part);
        return new Frontier(size + 1, more);
    }

    byte[] root() {
        if (parts.isEmpty()) {
            return Merkle.emptyRoot();
        }
        byte[] root = parts.get(parts.size() - 1);
        for (int i = parts.size() - 2; i >= 0; i--) {
            root = Merkle.node(parts.get(i), root);
        }
        return root;
    }

    static int bytes(long size) {
        return Long.bitCount(size) * HASH_BYTES;
    }

    void write(ByteBuffer out) {
        parts.forEach(out::put);
    }

    static Frontier read(long size, ByteBuffer in) {
        List<byte[]> parts = new ArrayList<>();
        for (int i = Long.bitCount(size); i > 0; i--) {
            byte[] part = new byte[HASH_BYTES];
            in.get(part);
            parts.add(part);
        }
        return new Frontier(size, parts);
    }
}
