package dev.flywheel.serving.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Optimised models in a directory. A file's name holds the key and the SHA-256 of its content, so that one rename makes
 * it appear, and what was damaged is not used. Thread-safe, between processes too.
 */
final class OptimizedModels {

    private static final Logger log = LoggerFactory.getLogger(OptimizedModels.class);

    private static final String SUFFIX = ".onnx";

    private final Path directory;
    private final String key;

    private OptimizedModels(Path directory, String key) {
        this.directory = directory;
        this.key = key;
    }

    /** {@return the place of a model in a directory, which is made if it is not there} */
    static OptimizedModels of(Path directory, Path model, String version, OnnxOptions options) throws IOException {
        Files.createDirectories(directory);
        String about = String.join(
                "\n", sha256(model), version, options.graphOptions(), System.getProperty("os.arch"), processor());
        String key =
                hex(digest().digest(about.getBytes(StandardCharsets.UTF_8))).substring(0, 32);
        return new OptimizedModels(directory, key);
    }

    /** {@return the file, if it is there and whole} */
    @Nullable
    Path find() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, key + "-*" + SUFFIX)) {
            for (Path file : files) {
                if (file.getFileName().toString().equals(name(sha256(file)))) {
                    return file;
                }
                log.warn("{} is damaged and is made again", file);
                Files.deleteIfExists(file);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return null;
    }

    /** {@return a file to write the optimised model to, which is to be kept or deleted} */
    Path fresh() throws IOException {
        return Files.createTempFile(directory, key, ".tmp");
    }

    /** Takes a file that was written. */
    void keep(Path written) throws IOException {
        Path target = directory.resolve(name(sha256(written)));
        try {
            Files.move(written, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            log.debug("{} cannot keep models: files do not move at once there", directory, e);
        }
    }

    /** Deletes a file that was not kept. */
    static void discard(@Nullable Path written) {
        try {
            if (written != null) {
                Files.deleteIfExists(written);
            }
        } catch (IOException e) {
            log.debug("{} could not be deleted", written, e);
        }
    }

    private String name(String content) {
        return key + "-" + content + SUFFIX;
    }

    /** Layouts for one kind of processor need not run on another. */
    private static String processor() {
        Path info = Path.of("/proc/cpuinfo");
        try {
            if (Files.isReadable(info)) {
                for (String line : Files.readAllLines(info, StandardCharsets.ISO_8859_1)) {
                    if (line.startsWith("flags") || line.startsWith("Features")) {
                        return line;
                    }
                }
            }
        } catch (IOException e) {
            log.debug("could not read {}", info, e);
        }
        return "";
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = digest();
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
        return hex(digest.digest());
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
