package dev.flywheel.core.io;

import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The right of one owner in one process to write into a directory: an operating system's lock on its file {@code lock},
 * which holds the owner's process id and vanishes with the process. Thread-safe. Close it to let others in.
 */
public final class DirectoryLock implements AutoCloseable {

    private static final String FILE = "lock";

    // POSIX drops a process's lock when that process closes any handle of the file, so a second attempt from within
    // must be refused before it opens the file
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final RandomAccessFile file;

    private DirectoryLock(Path directory, RandomAccessFile file) {
        this.directory = directory;
        this.file = file;
    }

    /**
     * Takes the lock or fails at once.
     *
     * @param directory an existing directory
     * @throws StoreException if another owner, in this process or another, has it; the message names the process
     */
    public static DirectoryLock acquire(Path directory) {
        Path real;
        try {
            real = directory.toRealPath();
        } catch (IOException e) {
            throw failed(directory, e);
        }
        if (!HELD_HERE.add(real)) {
            throw heldHere(directory);
        }
        boolean acquired = false;
        try {
            DirectoryLock lock = new DirectoryLock(real, lockFile(directory, real));
            acquired = true;
            return lock;
        } catch (IOException e) {
            throw failed(directory, e);
        } finally {
            if (!acquired) {
                HELD_HERE.remove(real);
            }
        }
    }

    private static RandomAccessFile lockFile(Path directory, Path real) throws IOException {
        Path path = real.resolve(FILE);
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        try {
            FileLock lock = file.getChannel().tryLock();
            if (lock == null) {
                String owner = Files.readString(path, StandardCharsets.US_ASCII).strip();
                throw new StoreException(
                        "opening " + directory,
                        "process " + (owner.isEmpty() ? "(pid not yet written)" : owner) + " has it open",
                        "stop that process or close its factory; one process at a time may write");
            }
            file.setLength(0);
            file.write((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII));
            return file;
        } catch (OverlappingFileLockException e) {
            // a copy of this class in another class loader has the lock, and would lose it if the file were closed
            throw heldHere(directory);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** Lets others in. Further calls do nothing. */
    @Override
    public void close() {
        try {
            if (file.getChannel().isOpen()) {
                file.close();
                HELD_HERE.remove(directory);
            }
        } catch (IOException e) {
            throw failed(directory, e);
        }
    }

    private static StoreException heldHere(Path directory) {
        return new StoreException(
                "opening " + directory,
                "this process (pid " + ProcessHandle.current().pid() + ") has it open already",
                "use the open one, or close it first");
    }

    private static StoreException failed(Path directory, IOException e) {
        return new StoreException(
                "locking " + directory,
                "the file system says " + e,
                "check that the directory exists, that this user may write there, and that it is on a disk with locks",
                e);
    }
}
