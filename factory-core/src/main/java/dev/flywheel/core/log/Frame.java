package dev.flywheel.core.log;

import java.util.zip.CRC32C;

/**
 * The layout of frames. A record is a checksum (4 bytes), its length (4 bytes) and its payload. A mark says how much of
 * the segment had reached the disk when it was written: checksum, {@link #MARK_LENGTH} in place of a length,
 * {@link #MARK_MAGIC}, and the offset before which all is on the disk. All numbers are big-endian.
 *
 * <p>Marks tell a torn tail from rot. What comes after the last offset that a mark vouches for was never acknowledged,
 * and a crash may leave it in any state, because a disk writes blocks in any order: it is cut off. What a mark vouches
 * for was whole once: if it is not now, the disk has damaged it, and nobody may pass over it.
 */
final class Frame {

    static final int HEADER_BYTES = 8;
    static final int MARK_BYTES = HEADER_BYTES + 16;
    static final int MARK_LENGTH = -1;
    static final long MARK_MAGIC = 0xF17E57A9D0C4B36EL;

    /** The longest record: a wrong length must not make a reader allocate without bound. */
    static final int RECORD_BYTES_LIMIT = 64 << 20;

    private Frame() {}

    static int crc(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset, length);
        return (int) crc.getValue();
    }

    /** The sum of a record's length and payload, bound to its segment and sequence. */
    static int recordSum(Segment segment, long sequence, byte[] bytes, int offset, int length) {
        return crc(bytes, offset, length) ^ mix(segment.salt() + sequence);
    }

    /** The sum of a mark, bound to its segment. */
    static int markSum(Segment segment, byte[] bytes, int offset) {
        return crc(bytes, offset + 4, MARK_BYTES - 4) ^ mix(~segment.salt());
    }

    // the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)
    private static int mix(long z) {
        long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return (int) (x ^ (x >>> 31));
    }
}
