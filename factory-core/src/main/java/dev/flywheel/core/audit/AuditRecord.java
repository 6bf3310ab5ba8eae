package dev.flywheel.core.audit;

import dev.flywheel.core.StoreException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An entry as the segment log holds it: the format (1 byte), the head of the chain with this entry (32 bytes), the
 * signature of the checkpoint that ends with it (64 bytes), in every {@link #STRIDE}th the chain before it (its head,
 * then the frontier), and the payload. Immutable.
 */
final class AuditRecord {

    /** How far apart the entries are from which a reader can begin: opening hashes no more than that. */
    static final int STRIDE = 256;

    static final int SIGNATURE_BYTES = 64;
    private static final byte FORMAT = 1;

    private final long sequence;
    private final byte[] head;
    private final byte[] signature;
    private final @Nullable Chain before;
    private final byte[] payload;

    private AuditRecord(long sequence, ByteBuffer in) {
        this.sequence = sequence;
        this.head = bytes(in, Frontier.HASH_BYTES);
        this.signature = bytes(in, SIGNATURE_BYTES);
        this.before =
                sequence % STRIDE == 0 ? new Chain(bytes(in, Frontier.HASH_BYTES), Frontier.read(sequence, in)) : null;
        this.payload = bytes(in, in.remaining());
    }

    long sequence() {
        return sequence;
    }

    byte[] head() {
        return head;
    }

    byte[] signature() {
        return signature;
    }

    /** {@return the chain before this entry, where it is kept} */
    Optional<Chain> before() {
        return Optional.ofNullable(before);
    }

    /** {@return the canonical JSON} */
    byte[] payload() {
        return payload;
    }

    static byte[] write(Chain before, Chain after, byte[] signature, byte[] payload) {
        long sequence = before.size();
        int fixed = 1 + Frontier.HASH_BYTES + SIGNATURE_BYTES + beforeBytes(sequence);
        ByteBuffer out = ByteBuffer.allocate(fixed + payload.length);
        out.put(FORMAT).put(after.head()).put(signature);
        if (sequence % STRIDE == 0) {
            out.put(before.head());
            before.frontier().write(out);
        }
        return out.put(payload).array();
    }

    static AuditRecord read(long sequence, ByteBuffer record) {
        int fixed = 1 + Frontier.HASH_BYTES + SIGNATURE_BYTES + beforeBytes(sequence);
        if (record.remaining() < fixed) {
            throw damaged(sequence, "it has " + record.remaining() + " bytes, expected at least " + fixed);
        }
        byte format = record.get();
        if (format != FORMAT) {
            throw damaged(sequence, "its format is " + format + ", this library reads format " + FORMAT);
        }
        return new AuditRecord(sequence, record);
    }

    AuditEntry entry() {
        return AuditEntry.of(sequence, payload, HexFormat.of().formatHex(head));
    }

    private static int beforeBytes(long sequence) {
        return sequence % STRIDE == 0 ? Frontier.HASH_BYTES + Frontier.bytes(sequence) : 0;
    }

    private static byte[] bytes(ByteBuffer in, int length) {
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    static StoreException damaged(long sequence, String why) {
        return new StoreException(
                "reading entry " + sequence + " of the audit log",
                why,
                "restore the audit log from a backup; VerifyAudit tells what is still sound");
    }
}
