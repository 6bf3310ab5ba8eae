package dev.flywheel.core.registry;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.DirectoryLock;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * A factory's home directory, open for writing: the right to change what is in it, and the places in it. Thread-safe.
 * Whoever opened it closes it, after everything that stands on it. Readers need none: see {@link PipelineDirectory#in}
 * and {@link Registry#view}.
 *
 * <pre>
 * home/
 *   factory.json        format version, created by
 *   lock                held by the one process that may write
 *   data/               dataset snapshots
 *   audit/              what was done, hash-chained and signed; see dev.flywheel.core.audit
 *   frozen.json         whether promotions are forbidden, since when and why
 *   pipelines/NAME/     see {@link PipelineDirectory}
 * </pre>
 */
public final class Home implements AutoCloseable {

    private static final int FORMAT = 1;
    private static final String FACTORY = "factory.json";
    private static final String PIPELINES = "pipelines";

    private final Path directory;
    private final DirectoryLock lock;

    private Home(Path directory, DirectoryLock lock) {
        this.directory = directory;
        this.lock = lock;
    }

    /**
     * What factory.json holds.
     *
     * @param format the version of the directory's format
     * @param createdBy the library that created it
     * @param createdAt when
     */
    private record Factory(int format, String createdBy, Instant createdAt) {}

    private record Format(int format, String createdBy) {}

    /**
     * Opens a home directory, creating it if it does not exist or is empty.
     *
     * @param clock tells when it was created
     * @throws StoreException if another has it open, it is of a newer format, it is not a factory's home, or the file
     *     system refuses
     */
    public static Home open(Path directory, InstantSource clock) {
        Path path = directory.toAbsolutePath().normalize();
        Durable.createDirectories(path);
        boolean known = Files.exists(path.resolve(FACTORY));
        if (!known) {
            refuseForeign(path);
        }
        DirectoryLock lock = DirectoryLock.acquire(path);
        try {
            if (known) {
                checkFormat(path.resolve(FACTORY));
            } else {
                Durable.write(
                        path.resolve(FACTORY),
                        Json.write(new Factory(FORMAT, "flywheel " + version(), clock.instant())));
            }
            Durable.createDirectories(path.resolve("data"));
            deleteUnfinished(path);
            deleteUnfinished(path.resolve("data"));
            Durable.createDirectories(path.resolve(PIPELINES));
            return new Home(path, lock);
        } catch (RuntimeException | Error e) {
            lock.close();
            throw e;
        }
    }

    /** {@return the absolute path of the home directory} */
    public Path directory() {
        return directory;
    }

    /** {@return where dataset snapshots are; it exists} */
    public Path data() {
        return directory.resolve("data");
    }

    /** {@return the directory of the audit log} */
    public Path audit() {
        return directory.resolve("audit");
    }

    /**
     * {@return the places of a pipeline; its directory is created if it does not exist}
     *
     * @param name at most 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit
     * @throws IllegalArgumentException if the name is another
     */
    public PipelineDirectory pipeline(String name) {
        PipelineDirectory pipeline = PipelineDirectory.in(directory, name);
        Durable.createDirectories(pipeline.path());
        return pipeline;
    }

    /** {@return the names of the pipelines that have a directory, sorted} */
    public List<String> pipelines() {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory.resolve(PIPELINES), Files::isDirectory)) {
            found.forEach(path -> names.add(String.valueOf(path.getFileName())));
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
        names.sort(null);
        return List.copyOf(names);
    }

    /** Lets another open the directory. Further calls do nothing. */
    @Override
    public void close() {
        lock.close();
    }

    /** What a crash has cut short; nobody else writes here while the lock is held. */
    private static void deleteUnfinished(Path directory) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + Durable.UNFINISHED)) {
            files.forEach(Durable::delete);
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
    }

    private static void checkFormat(Path file) {
        Format found;
        try {
            found = Json.readKnown(Files.readAllBytes(file), Format.class, file.toString());
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        if (found.format != FORMAT) {
            throw new StoreException(
                    "opening " + file.getParent(),
                    "its format is " + found.format + " (created by " + found.createdBy + "), this library (flywheel "
                            + version() + ") reads format " + FORMAT,
                    "upgrade the library");
        }
    }

    /** A crash while a home is created leaves nothing but a lock and unfinished files. */
    private static void refuseForeign(Path path) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (!name.equals("lock") && !name.startsWith(FACTORY)) {
                    throw new StoreException(
                            "opening " + path,
                            "it is not a factory's home: it has no " + FACTORY + ", but holds \"" + name + "\"",
                            "point to a new or empty directory, or to one that a factory has made");
                }
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private static String version() {
        String version = Home.class.getPackage().getImplementationVersion();
        return version == null ? "of unknown version" : version;
    }

    static StoreException unreadable(Path path, IOException e) {
        return new StoreException(
                "reading " + path,
                "the file system says " + e,
                "check that the disk is mounted and that this user may read there",
                e);
    }
}
