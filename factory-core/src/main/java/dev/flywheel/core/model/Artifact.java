package dev.flywheel.core.model;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The files of a trained model, sealed: a directory whose {@code manifest.json} names every file with its size and
 * SHA-256, the file that an engine loads, and the model's signature. Immutable and thread-safe; a damaged one cannot be
 * opened.
 *
 * <p>The names {@code manifest.json} and {@code card.json} (the version's card, written later) are not part of what is
 * sealed; sub-directories are allowed, symbolic links are not.
 */
public final class Artifact {

    static final String MANIFEST = "manifest.json";
    /**
     * The directory of a version that tells what its inputs and predictions were like. It is no part of the artifact:
     * its files have sums of their own, and a model is whole without them.
     */
    public static final String REFERENCE = "reference";

    static final String CARD = "card.json";

    private static final int FORMAT = 1;
    private static final long MANIFEST_BYTES_LIMIT = 16L << 20;

    private final Path directory;
    private final Manifest manifest;

    private Artifact(Path directory, Manifest manifest) {
        this.directory = directory;
        this.manifest = manifest;
    }

    /**
     * What manifest.json holds.
     *
     * @param format the version of this file's format
     * @param modelFile the file that an engine loads
     * @param files every file by its path relative to the directory, with "/" between names
     * @param signature what goes in and out
     * @param attributes free text for readers, such as the producer
     * @param hash SHA-256 of this manifest in canonical form without this property
     */
    private record Manifest(
            int format,
            String modelFile,
            SortedMap<String, FileSum> files,
            Signature signature,
            SortedMap<String, String> attributes,
            String hash) {}

    private record Format(int format) {}

    /**
     * Seals a directory without attributes.
     *
     * @see #seal(Path, String, Signature, Map)
     */
    public static Artifact seal(Path directory, String modelFile, Signature signature) {
        return seal(directory, modelFile, signature, Map.of());
    }

    /**
     * Seals a directory: puts its files on the disk, sums them and writes the manifest, replacing an earlier one.
     *
     * @param directory where the model's files are
     * @param modelFile the file that an engine loads, relative to the directory, with "/" between names
     * @param signature what goes into the model and what comes out
     * @param attributes free text for readers, such as the producer
     * @throws IllegalArgumentException if the model file is not in the directory
     * @throws ModelFormatException if the directory holds a symbolic link or a name that is not portable
     * @throws StoreException if the file system refuses
     */
    public static Artifact seal(Path directory, String modelFile, Signature signature, Map<String, String> attributes) {
        Path root = directory.toAbsolutePath().normalize();
        SortedMap<String, Path> found = ArtifactFiles.list(root);
        if (!found.containsKey(modelFile)) {
            throw new IllegalArgumentException(
                    "the model file \"" + modelFile + "\" is not in " + root + ", which holds " + found.keySet());
        }
        SortedMap<String, FileSum> sums = new TreeMap<>();
        found.forEach((name, path) -> {
            Durable.syncFile(path);
            sums.put(name, FileSum.of(path));
        });
        ArtifactFiles.syncDirectories(root, found.keySet());
        Manifest unsigned = new Manifest(FORMAT, modelFile, sums, signature, new TreeMap<>(attributes), "");
        String hash = Json.fingerprint(Json.write(unsigned), "hash", MANIFEST);
        Manifest manifest = new Manifest(FORMAT, modelFile, sums, signature, unsigned.attributes, hash);
        Durable.write(root.resolve(MANIFEST), Json.write(manifest));
        return new Artifact(root, manifest);
    }

    /**
     * Opens a sealed directory and verifies every byte of it, before any of them reaches a native loader.
     *
     * @throws ModelFormatException if the manifest is missing, damaged or of a newer format, or if any file is missing,
     *     extra, of another size or of another SHA-256 than the manifest says
     * @throws StoreException if the file system refuses
     */
    public static Artifact open(Path directory) {
        Path root = directory.toAbsolutePath().normalize();
        Manifest manifest = readManifest(root);
        SortedMap<String, Path> found = ArtifactFiles.list(root);
        for (String name : found.keySet()) {
            if (!manifest.files.containsKey(name) && !name.startsWith(REFERENCE + "/")) {
                throw new ModelFormatException(
                        "artifact " + root,
                        "file \"" + name + "\" is not in its manifest",
                        "move that file elsewhere if it is not part of the model; otherwise seal the artifact again");
            }
        }
        manifest.files.forEach((name, expected) -> {
            Path path = found.get(name);
            if (path == null) {
                throw new ModelFormatException(
                        "artifact " + root,
                        "file \"" + name + "\" of " + expected + " is in its manifest but not in the directory",
                        ArtifactFiles.RESTORE);
            }
            FileSum actual = FileSum.of(path);
            if (!actual.equals(expected)) {
                throw new ModelFormatException(
                        "artifact " + root,
                        "file \"" + name + "\" is damaged: expected " + expected + ", found " + actual,
                        ArtifactFiles.RESTORE);
            }
        });
        return new Artifact(root, manifest);
    }

    private static Manifest readManifest(Path root) {
        Path file = root.resolve(MANIFEST);
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new ModelFormatException(
                    "artifact " + root,
                    "it has no " + MANIFEST,
                    "point to a directory made by Artifact.seal, or seal this one");
        }
        try {
            long size = Files.size(file);
            if (size > MANIFEST_BYTES_LIMIT) {
                throw new ModelFormatException(
                        "artifact " + root,
                        MANIFEST + " has " + size + " bytes, expected at most " + MANIFEST_BYTES_LIMIT,
                        ArtifactFiles.RESTORE);
            }
            return parse(root, Files.readAllBytes(file));
        } catch (IOException e) {
            throw ArtifactFiles.unreadable(file, e);
        }
    }

    private static Manifest parse(Path root, byte[] json) {
        try {
            String source = root.resolve(MANIFEST).toString();
            int format = Json.readKnown(json, Format.class, source).format;
            if (format != FORMAT) {
                throw new ModelFormatException(
                        "artifact " + root,
                        "its format is " + format + ", this library reads format " + FORMAT,
                        "upgrade the library, or export the model again with this one");
            }
            Manifest manifest = Json.read(json, Manifest.class, source);
            String actual = Json.fingerprint(json, "hash", source);
            if (!actual.equals(manifest.hash)) {
                throw new ModelFormatException(
                        "artifact " + root,
                        MANIFEST + " is damaged: expected SHA-256 " + manifest.hash + ", found " + actual,
                        ArtifactFiles.RESTORE);
            }
            checkNames(root, manifest);
            return manifest;
        } catch (StoreException e) {
            throw new ModelFormatException(
                    "artifact " + root, MANIFEST + " is damaged: " + e.getMessage(), ArtifactFiles.RESTORE, e);
        }
    }

    private static void checkNames(Path root, Manifest manifest) {
        for (String name : manifest.files.keySet()) {
            ArtifactFiles.checkName(root, name);
        }
        if (!manifest.files.containsKey(manifest.modelFile)) {
            throw new ModelFormatException(
                    "artifact " + root,
                    "its model file \"" + manifest.modelFile + "\" is not among its files " + manifest.files.keySet(),
                    ArtifactFiles.RESTORE);
        }
    }

    /** {@return the absolute path of the directory} */
    public Path directory() {
        return directory;
    }

    /** {@return the absolute path of the file that an engine loads} */
    public Path modelFile() {
        return directory.resolve(manifest.modelFile);
    }

    /** {@return what goes into the model and what comes out} */
    public Signature signature() {
        return manifest.signature;
    }

    /** {@return free text for readers, such as the producer} */
    public Map<String, String> attributes() {
        return java.util.Collections.unmodifiableMap(manifest.attributes);
    }

    /** {@return the size of all files together, in bytes} */
    public long bytes() {
        return manifest.files.values().stream().mapToLong(FileSum::bytes).sum();
    }

    /**
     * {@return the SHA-256 of the manifest in canonical form, in lower-case hex: equal for two artifacts with the same
     * files, signature and attributes}
     */
    public String hash() {
        return manifest.hash;
    }

    /** {@return whether both are sealed with the same hash, wherever they are} */
    @Override
    public boolean equals(Object other) {
        return other instanceof Artifact that && manifest.hash.equals(that.manifest.hash);
    }

    @Override
    public int hashCode() {
        return manifest.hash.hashCode();
    }

    @Override
    public String toString() {
        return "Artifact[" + directory + ", sha256 " + manifest.hash + "]";
    }
}
