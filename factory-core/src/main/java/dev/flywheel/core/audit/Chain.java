package dev.flywheel.core.audit;

import dev.flywheel.core.io.Json;
import java.nio.ByteBuffer;
import java.security.MessageDigest;

/**
 * The hash chain and the Merkle tree, whose entries are the payloads, up to some point: h_i = SHA-256(h_(i-1), length
 * of the payload as 8 bytes big-endian, payload), and h_0 is 32 zero bytes. Immutable.
 */
final class Chain {

    static final Chain EMPTY = new Chain(new byte[Frontier.HASH_BYTES], Frontier.EMPTY);

    private final byte[] head;
    private final Frontier frontier;

    Chain(byte[] head, Frontier frontier) {
        this.head = head;
        this.frontier = frontier;
    }

    byte[] head() {
        return head;
    }

    Frontier frontier() {
        return frontier;
    }

    long size() {
        return frontier.size();
    }

    Chain append(byte[] payload) {
        MessageDigest sha256 = Json.sha256();
        sha256.update(head);
        sha256.update(ByteBuffer.allocate(Long.BYTES).putLong(0, payload.length));
        return new Chain(sha256.digest(payload), frontier.append(Merkle.leaf(payload)));
    }

    /** {@return what is signed} */
    byte[] body() {
        return Checkpoint.body(size(), frontier.root(), head);
    }
}
