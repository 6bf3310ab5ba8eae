package dev.flywheel.pipeline;

import com.google.common.hash.Hashing;
import com.google.common.io.MoreFiles;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.pipeline.feature.TextEncoder;
import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.text.Texts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The encoders of a pipeline's texts: copies of their files in the home directory, named by their SHA-256, and those
 * that are loaded. Thread-safe.
 */
final class Encoders implements AutoCloseable {

    private static final String FILE = "encoders.json";
    private static final String MODEL = ".onnx";
    private static final String TOKENIZER = ".json";

    private final Path store;
    private final Path scratch;
    private final Map<String, Endpoint<String, float[]>> loaded = new HashMap<>();

    /**
     * A text that a version sees as a vector, as kept beside its model.
     *
     * @param column the text's column
     * @param vector the vector's column
     * @param length the numbers of a vector
     * @param encoder the encoder's definition
     * @param model the SHA-256 of its model
     * @param tokenizer the SHA-256 of its tokenizer
     */
    record Encoded(String column, String vector, int length, String encoder, String model, String tokenizer) {

        boolean isBy(String ofColumn, TextEncoder definition) {
            return column.equals(ofColumn) && encoder.equals(definition.toString());
        }

        /** {@return what a reader of the card needs to know} */
        String describe() {
            return encoder + " makes " + length + " numbers of each text, before the graph; the model's SHA-256 is "
                    + model + ", the tokenizer's " + tokenizer;
        }
    }

    private record Kept(List<Encoded> texts) {}

    /**
     * Loads nothing yet.
     *
     * @param store where the copies are; made when there is one
     * @param scratch where files are written first, on the same disk
     */
    Encoders(Path store, Path scratch) {
        this.store = store;
        this.scratch = scratch;
    }

    /** Keeps what a version sees as vectors beside its model. */
    static void keep(List<Encoded> texts, Path version) {
        if (!texts.isEmpty()) {
            Durable.write(version.resolve(FILE), Json.write(new Kept(texts)));
        }
    }

    /**
     * {@return what a version sees as vectors}
     *
     * @throws dev.flywheel.core.FactoryException if the version is damaged
     */
    static List<Encoded> of(ModelVersion version) {
        Path file = version.artifact().directory().resolve(FILE);
        if (!Files.exists(file)) {
            return List.of();
        }
        try {
            return Json.read(Files.readAllBytes(file), Kept.class, file.toString()).texts;
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /**
     * {@return a text with its encoder as its files are now, which are copied}
     *
     * @param known how a version knows it: its files may have gone, and must not have changed
     * @throws ModelFormatException if a file is not there, or has changed
     */
    synchronized Encoded current(String column, TextEncoder encoder, Optional<Encoded> known) {
        String model = sum(encoder.model(), known.map(Encoded::model));
        String tokenizer = sum(encoder.tokenizer(), known.map(Encoded::tokenizer));
        if (known.isPresent()) {
            return known.get();
        }
        copy(encoder.model(), model, MODEL);
        copy(encoder.tokenizer(), tokenizer, TOKENIZER);
        String name = Hashing.sha256()
                .hashUnencodedChars(model + tokenizer)
                .toString()
                .substring(0, 8);
        Encoded text = new Encoded(column, "$" + column + "~" + name, 0, encoder.toString(), model, tokenizer);
        int length = endpoint(text, encoder).predict(column).value().length;
        return new Encoded(column, text.vector, length, text.encoder, model, tokenizer);
    }

    private static String sum(Path file, Optional<String> known) {
        if (!Files.isRegularFile(file)) {
            return known.orElseThrow(() -> new ModelFormatException(
                    "cannot read the encoder's file " + file,
                    "there is no such file",
                    "check the path in the definition"));
        }
        String found = sha256(file);
        if (known.isPresent() && !known.get().equals(found)) {
            throw new ModelFormatException(
                    "the encoder's file " + file + " is not the one that the champion was trained with",
                    "its SHA-256 is " + found + ", expected " + known.get(),
                    "put the old file back; name another encoder by other paths in the definition");
        }
        return found;
    }

    /**
     * {@return the encoder of a text, loaded from the copies of its files}
     *
     * @param original where the files came from, if that is known: what the copies lack is taken from there
     * @throws ModelFormatException if a copy is gone or damaged, or cannot be loaded
     */
    synchronized Endpoint<String, float[]> endpoint(Encoded text, @Nullable TextEncoder original) {
        Endpoint<String, float[]> known = loaded.get(text.model + text.tokenizer);
        if (known != null) {
            return known;
        }
        Path model = whole(text, text.model, MODEL, original == null ? null : original.model());
        Path tokenizer = whole(text, text.tokenizer, TOKENIZER, original == null ? null : original.tokenizer());
        Endpoint<String, float[]> opened =
                Endpoint.onnx(model, Texts.embeddings(tokenizer)).open();
        loaded.put(text.model + text.tokenizer, opened);
        return opened;
    }

    private Path whole(Encoded text, String sum, String ending, @Nullable Path original) {
        Path file = store.resolve(sum + ending);
        if (isWhole(file, sum)) {
            return file;
        }
        if (original != null && isWhole(original, sum)) {
            copy(original, sum, ending);
            return file;
        }
        throw new ModelFormatException(
                "the encoder of column \"" + text.column + "\" cannot be loaded",
                Files.exists(file)
                        ? file + " is damaged: its SHA-256 is " + sha256(file)
                        : "the file " + file + " is missing",
                "restore it from a backup, or put the file of that SHA-256 back to where the definition names it ("
                        + text.encoder + ")");
    }

    private static boolean isWhole(Path file, String sum) {
        return Files.isRegularFile(file) && sha256(file).equals(sum);
    }

    private void copy(Path original, String sum, String ending) {
        Path file = store.resolve(sum + ending);
        // the store is that of all pipelines
        synchronized (Encoders.class) {
            if (isWhole(file, sum)) {
                return;
            }
            Path copy = scratch.resolve(UUID.randomUUID() + Durable.UNFINISHED);
            try {
                Files.copy(original, copy);
                Durable.syncFile(copy);
                if (!isWhole(copy, sum)) {
                    throw new ModelFormatException(
                            "the encoder's file " + original + " was not copied",
                            "it changed meanwhile",
                            "run again when it changes no more");
                }
                Durable.createDirectories(store);
                Durable.delete(file);
                Durable.move(copy, file);
            } catch (IOException e) {
                throw unreadable(original, e);
            } finally {
                Line.discard(copy);
            }
        }
    }

    private static String sha256(Path file) {
        try {
            return MoreFiles.asByteSource(file).hash(Hashing.sha256()).toString();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static StoreException unreadable(Path file, IOException e) {
        return new StoreException(
                "reading " + file,
                "the file system says " + e,
                "see that the file can be read and that the disk has space left",
                e);
    }

    @Override
    public synchronized void close() {
        Closing.all(loaded.values().stream().map(e -> (Runnable) e::close).toArray(Runnable[]::new));
        loaded.clear();
    }
}
