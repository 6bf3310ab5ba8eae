package dev.flywheel.core.audit;

import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.HexFormat;
import java.util.List;

/**
 * A proof that the log holds an entry, which needs neither the log nor the other entries. Immutable.
 *
 * @param payload the entry's canonical JSON
 * @param sequence its place, from 0
 * @param path the hashes from the entry up to the root (RFC 9162, 2.1.3), in lower-case hex
 * @param checkpoint the log that holds it
 */
public record InclusionProof(String payload, long sequence, List<String> path, Checkpoint checkpoint) {

    /** Copies the path. */
    public InclusionProof {
        path = List.copyOf(path);
    }

    /** {@return whether it holds, for a log that this key signs} */
    public boolean holds(PublicKey key) {
        HexFormat hex = HexFormat.of();
        return checkpoint.signedBy(key)
                && Merkle.includes(
                        Merkle.leaf(payload.getBytes(StandardCharsets.UTF_8)),
                        sequence,
                        checkpoint.size(),
                        hex.parseHex(checkpoint.root()),
                        path.stream().map(hex::parseHex).toList());
    }
}
