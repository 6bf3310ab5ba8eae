package dev.flywheel.core.model;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** The files below an artifact's directory, by portable names. */
final class ArtifactFiles {

    static final String RESTORE = "restore the directory from a backup, or train and register the model again";

    private static final String NOT_PORTABLE = "\\:*?\"<>|";

    private ArtifactFiles() {}

    /** Lists every file but manifest and card by its name; refuses links and special files. */
    static SortedMap<String, Path> list(Path root) {
        if (!Files.isDirectory(root)) {
            throw new ModelFormatException(
                    "artifact " + root, "it is not a directory", "point to a directory made by Artifact.seal");
        }
        SortedMap<String, Path> files = new TreeMap<>();
        try {
            collect(root, root, "", files);
        } catch (IOException e) {
            throw unreadable(root, e);
        }
        files.remove(Artifact.MANIFEST);
        files.remove(Artifact.CARD);
        return files;
    }

    private static void collect(Path root, Path directory, String prefix, SortedMap<String, Path> files)
            throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                String name = prefix + entry.getFileName();
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    collect(root, entry, name + "/", files);
                } else if (Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
                    checkName(root, name);
                    files.put(name, entry);
                } else {
                    throw new ModelFormatException(
                            "artifact " + root,
                            "\"" + name + "\" is a symbolic link or a special file, expected plain files only",
                            "replace it by a copy of the file that is meant");
                }
            }
        }
    }

    /** A name must lead to a place below the directory, on every operating system. */
    static void checkName(Path root, String name) {
        boolean portable = !name.isEmpty() && name.chars().noneMatch(c -> c < ' ' || NOT_PORTABLE.indexOf(c) >= 0);
        for (String part : name.split("/", -1)) {
            portable &= !part.isEmpty() && !part.equals(".") && !part.equals("..");
        }
        if (!portable) {
            throw new ModelFormatException(
                    "artifact " + root,
                    "the file name \"" + name + "\" is not a plain relative path",
                    "give the file a name without \"..\", control characters and any of " + NOT_PORTABLE);
        }
    }

    static void syncDirectories(Path root, Collection<String> names) {
        Set<Path> directories = new HashSet<>();
        directories.add(root);
        for (String name : names) {
            Path parent = root.resolve(name).getParent();
            while (parent != null && directories.add(parent)) {
                parent = parent.getParent();
            }
        }
        directories.forEach(Durable::syncDirectory);
    }

    static StoreException unreadable(Path file, IOException e) {
        return new StoreException(
                "reading " + file,
                "the file system says " + e,
                "check that the disk is mounted and that this user may read there",
                e);
    }
}
