package dev.flywheel.core.model;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * An artifact registered under a pipeline's name with a number and a card. Immutable and thread-safe. It names a place:
 * nothing is read before it is asked for, so a damaged version can still be listed, and fails where it is used.
 */
public final class ModelVersion {

    private static final int FORMAT = 1;

    private final int number;
    private final Path directory;

    private ModelVersion(int number, Path directory) {
        if (number < 1) {
            throw new IllegalArgumentException("a version's number starts at 1, found " + number);
        }
        this.number = number;
        this.directory = directory.toAbsolutePath().normalize();
    }

    /**
     * What card.json holds.
     *
     * @param format the version of this file's format
     * @param version the version's number
     * @param artifact the hash of the artifact that the card describes
     * @param card the card
     * @param sha256 of this file in canonical form without this property
     */
    private record CardFile(int format, int version, String artifact, ModelCard card, String sha256) {}

    private record Format(int format) {}

    /** {@return the version of this number that is, or will be, in a directory; nothing is read} */
    public static ModelVersion at(Path directory, int number) {
        return new ModelVersion(number, directory);
    }

    /**
     * Writes the card beside a sealed artifact, bound to it by its hash.
     *
     * @param directory a sealed artifact's directory
     * @throws ModelFormatException if the artifact is damaged
     * @throws StoreException if the file system refuses
     */
    public static ModelVersion describe(Path directory, int number, ModelCard card) {
        ModelVersion version = new ModelVersion(number, directory);
        String artifact = Artifact.open(directory).hash();
        CardFile unsigned = new CardFile(FORMAT, number, artifact, card, "");
        String sum = Json.fingerprint(Json.write(unsigned), "sha256", Artifact.CARD);
        Durable.write(version.cardFile(), Json.write(new CardFile(FORMAT, number, artifact, card, sum)));
        return version;
    }

    /** {@return the number, from 1, unique within its pipeline for ever} */
    public int number() {
        return number;
    }

    /** {@return the absolute path of the directory} */
    public Path directory() {
        return directory;
    }

    /**
     * Verifies every byte of the model; slow for large ones.
     *
     * @return the artifact, whole and unchanged since it was registered
     * @throws ModelFormatException if a file is damaged, or the artifact is not the one that was registered
     * @throws StoreException if the card is damaged or the file system refuses
     */
    public Artifact artifact() {
        Artifact artifact = Artifact.open(directory);
        String registered = read().artifact;
        if (!artifact.hash().equals(registered)) {
            throw new ModelFormatException(
                    "version " + number + " in " + directory,
                    "its artifact has SHA-256 " + artifact.hash() + ", but " + registered + " was registered",
                    ArtifactFiles.RESTORE);
        }
        return artifact;
    }

    /**
     * {@return the SHA-256 of the artifact that was registered, in lower-case hex, as card.json says; the artifact is
     * not read}
     *
     * @throws StoreException if the card is missing, damaged or of a newer format
     */
    public String artifactHash() {
        return read().artifact;
    }

    /**
     * {@return where the version comes from and how good it is, read from its card.json}
     *
     * @throws StoreException if the card is missing, damaged or of a newer format
     */
    public ModelCard card() {
        return read().card;
    }

    /**
     * {@return where the whole card of the model is: JSON that the run that made it wrote when it ended; it may be
     * absent}
     */
    public Path modelCard() {
        return directory.resolve(Artifact.REFERENCE).resolve("model-card.json");
    }

    /** {@return where the card of the data is that the model learned from; it may be absent} */
    public Path dataCard() {
        return directory.resolve(Artifact.REFERENCE).resolve("data-card.json");
    }

    private CardFile read() {
        Path file = cardFile();
        byte[] json;
        try {
            json = Files.readAllBytes(file);
        } catch (IOException e) {
            throw ArtifactFiles.unreadable(file, e);
        }
        int format = Json.readKnown(json, Format.class, file.toString()).format;
        if (format != FORMAT) {
            throw new StoreException(
                    "reading " + file,
                    "its format is " + format + ", this library reads format " + FORMAT,
                    "upgrade the library");
        }
        CardFile card = Json.readKnown(json, CardFile.class, file.toString());
        String actual = Json.fingerprint(json, "sha256", file.toString());
        if (!actual.equals(card.sha256) || card.version != number) {
            throw new StoreException(
                    "reading " + file,
                    "the card is damaged: expected version " + number + " and SHA-256 " + card.sha256
                            + ", found version " + card.version + " and SHA-256 " + actual,
                    "restore the file from a backup, or train and register the model again");
        }
        return card;
    }

    private Path cardFile() {
        return directory.resolve(Artifact.CARD);
    }

    /** {@return whether both have the same number and directory} */
    @Override
    public boolean equals(Object other) {
        return other instanceof ModelVersion that && number == that.number && directory.equals(that.directory);
    }

    @Override
    public int hashCode() {
        return Objects.hash(number, directory);
    }

    @Override
    public String toString() {
        return "ModelVersion[" + number + ", " + directory + "]";
    }
}
