package dev.flywheel.core.io;

import dev.flywheel.core.StoreException;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * Changes of files and directories that are on the disk when the call returns, and that a crash leaves either undone or
 * done, never half done. Works in an interrupted thread and leaves its flag as it is. Thread-safe: no state.
 */
public final class Durable {

    /**
     * The ending of files that are being written; a reader ignores them, and whoever owns the directory deletes them.
     */
    public static final String UNFINISHED = ".tmp";

    private Durable() {}

    /**
     * Writes or replaces a file as a whole: into a temporary file beside it, which is fsynced and renamed. A reader in
     * any process sees the old content or the new, and so does everyone after a crash.
     *
     * @throws StoreException if the file system refuses; the old content is then unchanged
     */
    public static void write(Path file, byte[] content) {
        Path target = file.toAbsolutePath();
        Path temporary = target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + UNFINISHED);
        try {
            try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
                out.write(content);
                out.getFD().sync();
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            syncDirectory(parent(target));
        } catch (IOException e) {
            discard(temporary, e);
            throw failed("writing " + file, e);
        }
    }

    /**
     * Renames a file or directory; when this returns the new name is on the disk.
     *
     * @throws StoreException if the target exists or the file system refuses
     */
    public static void move(Path from, Path to) {
        Path source = from.toAbsolutePath();
        Path target = to.toAbsolutePath();
        try {
            // rename(2) would silently replace an empty directory or a file
            if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
                throw new FileAlreadyExistsException(target.toString());
            }
            Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
            syncDirectory(parent(target));
            if (!parent(source).equals(parent(target))) {
                syncDirectory(parent(source));
            }
        } catch (IOException e) {
            throw failed("renaming " + from + " to " + to, e);
        }
    }

    /**
     * Creates a directory and its missing parents; existing ones are left as they are.
     *
     * @throws StoreException if the file system refuses
     */
    public static void createDirectories(Path directory) {
        Path path = directory.toAbsolutePath();
        if (Files.isDirectory(path)) {
            return;
        }
        createDirectories(parent(path));
        try {
            Files.createDirectory(path);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(path)) {
                throw failed("creating directory " + directory, e);
            }
        } catch (IOException e) {
            throw failed("creating directory " + directory, e);
        }
        syncDirectory(parent(path));
    }

    /**
     * Deletes a file or a directory with all that is in it, without following symbolic links. Nothing happens if it
     * does not exist. A crash may leave a part: whoever deletes what others can see renames it first.
     *
     * @throws StoreException if the file system refuses
     */
    public static void delete(Path fileOrDirectory) {
        Path path = fileOrDirectory.toAbsolutePath();
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try {
            deleteTree(path);
        } catch (IOException e) {
            throw failed("deleting " + fileOrDirectory, e);
        }
        syncDirectory(parent(path));
    }

    /**
     * Puts the content of a file on the disk.
     *
     * @throws StoreException if the file system refuses
     */
    public static void syncFile(Path file) {
        // Windows syncs only what is open for writing, others also what is read-only
        String mode = Files.isWritable(file) ? "rw" : "r";
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), mode)) {
            open.getFD().sync();
        } catch (IOException e) {
            throw failed("syncing " + file, e);
        }
    }

    /**
     * Puts the names of a directory (files created, renamed, deleted in it) on the disk. Does nothing on Windows, where
     * a directory cannot be opened and names are journaled.
     *
     * @throws StoreException if the file system refuses
     */
    public static void syncDirectory(Path directory) {
        if (File.separatorChar == '\\') {
            return;
        }
        // no other class can open a directory without giving up when its thread is interrupted
        try (AsynchronousFileChannel channel = AsynchronousFileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            throw failed("syncing directory " + directory, e);
        }
    }

    private static void deleteTree(Path path) throws IOException {
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
                for (Path entry : entries) {
                    deleteTree(entry);
                }
            }
        }
        Files.deleteIfExists(path);
    }

    private static void discard(Path temporary, Exception cause) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    private static Path parent(Path absolute) {
        Path parent = absolute.getParent();
        if (parent == null) {
            throw new UncheckedIOException(new NoSuchFileException(absolute.toString(), null, "has no parent"));
        }
        return parent;
    }

    private static StoreException failed(String what, IOException e) {
        return new StoreException(
                what,
                "the file system says " + e,
                "check that the disk is mounted, has space left and that this user may write there",
                e);
    }
}
