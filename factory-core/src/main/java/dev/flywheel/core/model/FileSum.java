package dev.flywheel.core.model;

import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;

/**
 * A file's size and sum.
 *
 * @param bytes its size in bytes
 * @param sha256 its SHA-256 in lower-case hex
 */
record FileSum(long bytes, String sha256) {

    private static final int BLOCK_BYTES = 1 << 16;

    FileSum {
        Objects.requireNonNull(sha256, "sha256");
    }

    static FileSum of(Path file) {
        MessageDigest digest = Json.sha256();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES);
            long bytes = 0;
            while (channel.read(block) >= 0) {
                bytes += block.flip().remaining();
                digest.update(block);
                block.clear();
            }
            return new FileSum(bytes, HexFormat.of().formatHex(digest.digest()));
        } catch (IOException e) {
            throw ArtifactFiles.unreadable(file, e);
        }
    }

    @Override
    public String toString() {
        return bytes + " bytes with SHA-256 " + sha256;
    }
}
