package dev.flywheel.core.audit;

import java.security.PublicKey;
import java.util.HexFormat;
import java.util.List;

/**
 * A proof that the log was only ever added to between two checkpoints. Immutable.
 *
 * @param older the earlier checkpoint
 * @param newer the later checkpoint
 * @param path the hashes that lead from one to the other (RFC 9162, 2.1.4), in lower-case hex
 */
public record ConsistencyProof(Checkpoint older, Checkpoint newer, List<String> path) {

    /** Copies the path. */
    public ConsistencyProof {
        path = List.copyOf(path);
    }

    /** {@return whether it holds, for a log that this key signs; of an empty log nothing can be shown} */
    public boolean holds(PublicKey key) {
        HexFormat hex = HexFormat.of();
        return older.signedBy(key)
                && newer.signedBy(key)
                && Merkle.begins(
                        older.size(),
                        newer.size(),
                        hex.parseHex(older.root()),
                        hex.parseHex(newer.root()),
                        path.stream().map(hex::parseHex).toList());
    }
}
