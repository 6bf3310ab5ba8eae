package dev.flywheel.core.audit;

import dev.flywheel.core.DataException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A signed statement of what the log holds: kept elsewhere, it shows later that nothing in it was changed or taken
 * away. Immutable.
 *
 * @param size the number of entries
 * @param root the root of the Merkle tree over them (RFC 6962), in lower-case hex
 * @param head the head of the hash chain over them, in lower-case hex
 * @param signature Ed25519 (RFC 8032) over the first four lines of {@link #text}, in Base64
 */
public record Checkpoint(long size, String root, String head, String signature) {

    private static final String ORIGIN = "flywheel/audit";
    private static final Pattern TEXT = Pattern.compile(ORIGIN
            + "\n(\\d{1,18})\n([A-Za-z0-9+/]{43}=)\nchain ([A-Za-z0-9+/]{43}=)\n\n\u2014 " + ORIGIN
            + " ([A-Za-z0-9+/]{91}=)\n");

    /** Refuses null. */
    public Checkpoint {
        Objects.requireNonNull(root, "root");
        Objects.requireNonNull(head, "head");
        Objects.requireNonNull(signature, "signature");
    }

    static Checkpoint of(Chain chain, byte[] signature) {
        HexFormat hex = HexFormat.of();
        return new Checkpoint(
                chain.size(),
                hex.formatHex(chain.frontier().root()),
                hex.formatHex(chain.head()),
                Base64.getEncoder().encodeToString(signature));
    }

    static byte[] body(long size, byte[] root, byte[] head) {
        Base64.Encoder base64 = Base64.getEncoder();
        String body = ORIGIN + "\n" + size + "\n" + base64.encodeToString(root) + "\nchain "
                + base64.encodeToString(head) + "\n";
        return body.getBytes(StandardCharsets.UTF_8);
    }

    /**
     * {@return the checkpoint as text to keep: a signed note as transparency logs exchange them (origin, size, root, an
     * extension line with the head of the chain, an empty line, the signature)}
     *
     * @param key the key that has signed it, of which the note says which it is
     */
    public String text(PublicKey key) {
        byte[] signed = Base64.getDecoder().decode(signature);
        byte[] line = ByteBuffer.allocate(4 + signed.length)
                .put(AuditKey.noteId(ORIGIN, key))
                .put(signed)
                .array();
        return new String(body(), StandardCharsets.UTF_8) + "\n\u2014 " + ORIGIN + " "
                + Base64.getEncoder().encodeToString(line) + "\n";
    }

    /**
     * {@return the checkpoint of a text}
     *
     * @throws DataException if it is not one that {@link #text} made
     */
    public static Checkpoint parse(String text) {
        Matcher parts = TEXT.matcher(text.replace("\r\n", "\n"));
        if (!parts.matches()) {
            throw new DataException(
                    "reading a checkpoint",
                    "its text is not that of a signed note of " + ORIGIN,
                    "pass the file as it was saved, all lines of it");
        }
        HexFormat hex = HexFormat.of();
        Base64.Decoder base64 = Base64.getDecoder();
        byte[] line = base64.decode(parts.group(4));
        return new Checkpoint(
                Long.parseLong(parts.group(1)),
                hex.formatHex(base64.decode(parts.group(2))),
                hex.formatHex(base64.decode(parts.group(3))),
                Base64.getEncoder().encodeToString(Arrays.copyOfRange(line, 4, line.length)));
    }

    /** {@return whether this key has signed it} */
    public boolean signedBy(PublicKey key) {
        return AuditKey.verify(key, body(), Base64.getDecoder().decode(signature));
    }

    private byte[] body() {
        HexFormat hex = HexFormat.of();
        return body(size, hex.parseHex(root), hex.parseHex(head));
    }
}
