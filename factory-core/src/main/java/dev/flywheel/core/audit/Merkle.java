package dev.flywheel.core.audit;

import dev.flywheel.core.io.Json;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The Merkle tree of RFC 6962 (2.1) and RFC 9162 (2.1), over SHA-256: its hashes, which parts of a tree a proof is made
 * of, and the check of proofs. Hashes are of 32 bytes. Thread-safe: no state.
 */
public final class Merkle {

    private Merkle() {}

    /** Entries of a tree: from, inclusive, to, exclusive. */
    record Range(long from, long to) {}

    /** {@return the root of the tree without entries} */
    public static byte[] emptyRoot() {
        return Json.sha256().digest();
    }

    /** {@return the hash of an entry} */
    public static byte[] leaf(byte[] entry) {
        MessageDigest sha256 = Json.sha256();
        sha256.update((byte) 0);
        return sha256.digest(entry);
    }

    /** {@return the hash of a node over two others} */
    public static byte[] node(byte[] left, byte[] right) {
        MessageDigest sha256 = Json.sha256();
        sha256.update((byte) 1);
        sha256.update(left);
        return sha256.digest(right);
    }

    /**
     * {@return whether a proof shows that a tree holds an entry (RFC 9162, 2.1.3.2)}
     *
     * @param leaf the entry's hash
     * @param index its place, from 0; an unsigned number
     * @param size the number of entries in the tree; an unsigned number
     * @param root the tree's root
     * @param path the proof, from the leaf upwards
     */
    public static boolean includes(byte[] leaf, long index, long size, byte[] root, List<byte[]> path) {
        if (Long.compareUnsigned(index, size) >= 0 || leaf.length != Frontier.HASH_BYTES || malformed(path)) {
            return false;
        }
        long f = index;
        long s = size - 1;
        byte[] hash = leaf;
        for (byte[] part : path) {
            if (s == 0) {
                return false;
            }
            if ((f & 1) == 1 || f == s) {
                hash = node(part, hash);
                while ((f & 1) == 0 && f != 0) {
                    f >>>= 1;
                    s >>>= 1;
                }
            } else {
                hash = node(hash, part);
            }
            f >>>= 1;
            s >>>= 1;
        }
        return s == 0 && Arrays.equals(hash, root);
    }

    /**
     * {@return whether a proof shows that a tree begins with all that another holds (RFC 9162, 2.1.4.2); nothing can be
     * shown of the empty tree}
     *
     * @param older the number of entries in the older tree
     * @param newer the number of entries in the newer tree
     * @param olderRoot the older tree's root
     * @param newerRoot the newer tree's root
     * @param path the proof
     */
    public static boolean begins(long older, long newer, byte[] olderRoot, byte[] newerRoot, List<byte[]> path) {
        if (older <= 0 || newer < older) {
            return false;
        }
        if (older == newer) {
            return path.isEmpty() && Arrays.equals(olderRoot, newerRoot);
        }
        if (path.isEmpty() || malformed(path)) {
            return false;
        }
        int shift = Long.numberOfTrailingZeros(older);
        long f = (older - 1) >>> shift;
        long s = (newer - 1) >>> shift;
        List<byte[]> parts = new ArrayList<>(path);
        // the older tree is one whole part of the newer, so that its root begins the path
        if (Long.bitCount(older) == 1) {
            parts.add(0, olderRoot);
        }
        byte[] oldHash = parts.get(0);
        byte[] newHash = oldHash;
        for (byte[] part : parts.subList(1, parts.size())) {
            if (s == 0) {
                return false;
            }
            if ((f & 1) == 1 || f == s) {
                oldHash = node(part, oldHash);
                newHash = node(part, newHash);
                while ((f & 1) == 0 && f != 0) {
                    f >>>= 1;
                    s >>>= 1;
                }
            } else {
                newHash = node(newHash, part);
            }
            f >>>= 1;
            s >>>= 1;
        }
        return s == 0 && Arrays.equals(oldHash, olderRoot) && Arrays.equals(newHash, newerRoot);
    }

    private static boolean malformed(List<byte[]> path) {
        return path.stream().anyMatch(part -> part.length != Frontier.HASH_BYTES);
    }

    /** {@return the parts of a tree whose roots prove that it holds an entry, in the order of the proof} */
    static List<Range> inclusion(long index, long size) {
        List<Range> parts = new ArrayList<>();
        inclusion(index, 0, size, parts);
        return parts;
    }

    private static void inclusion(long index, long from, long to, List<Range> parts) {
        if (to - from > 1) {
            long middle = from + Long.highestOneBit(to - from - 1);
            boolean left = index < middle;
            inclusion(index, left ? from : middle, left ? middle : to, parts);
            parts.add(left ? new Range(middle, to) : new Range(from, middle));
        }
    }

    /** {@return the parts of a tree whose roots prove that it begins with a smaller one, in the order of the proof} */
    static List<Range> consistency(long older, long newer) {
        List<Range> parts = new ArrayList<>();
        if (older > 0) {
            consistency(older, 0, newer, parts);
        }
        return parts;
    }

    private static void consistency(long older, long from, long to, List<Range> parts) {
        if (older == to) {
            if (from > 0) {
                parts.add(new Range(from, to));
            }
            return;
        }
        long middle = from + Long.highestOneBit(to - from - 1);
        boolean left = older <= middle;
        consistency(older, left ? from : middle, left ? middle : to, parts);
        parts.add(left ? new Range(middle, to) : new Range(from, middle));
    }
}
