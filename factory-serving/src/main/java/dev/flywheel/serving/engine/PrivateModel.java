package dev.flywheel.serving.engine;

import dev.flywheel.core.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's files as nobody else can change them. ONNX Runtime maps the further files of a model into memory for as
 * long as it is loaded, and would read what somebody writes into them later, or crash; so it gets a copy, which has no
 * name any more once it is loaded. A model in a single file is read at once and needs none. Not thread-safe; to be
 * closed when the model is loaded.
 */
final class PrivateModel implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(PrivateModel.class);

    private final Path file;
    private final OnnxFile read;
    private final @Nullable Path copy;

    private PrivateModel(Path file, OnnxFile read, @Nullable Path copy) {
        this.file = file;
        this.read = read;
        this.copy = copy;
    }

    /** @throws ModelFormatException if a further file cannot be copied */
    static PrivateModel of(Path model) {
        Path from = model.toAbsolutePath().normalize();
        Path parent = from.getParent();
        Path copy = null;
        try {
            OnnxFile read = OnnxFile.read(from);
            Set<String> further = read.externalData();
            if (further.isEmpty() || parent == null || further.stream().anyMatch(f -> escapes(parent, f))) {
                return new PrivateModel(from, read, null);
            }
            copy = Files.createTempDirectory("flywheel-model");
            Path file = Files.copy(from, copy.resolve(from.getFileName()));
            for (String name : further) {
                Path target = copy.resolve(name);
                Files.createDirectories(target.resolveSibling(""));
                Files.copy(parent.resolve(name), target);
            }
            return new PrivateModel(file, read, copy);
        } catch (IOException e) {
            delete(copy);
            throw new ModelFormatException(
                    "cannot load " + model,
                    "its files cannot be copied to " + System.getProperty("java.io.tmpdir") + " (" + e + ")",
                    "put all files of the model beside it, and let java.io.tmpdir have room for them",
                    e);
        }
    }

    /** {@return the file to load} */
    Path file() {
        return file;
    }

    /** {@return whether the model keeps tensors in further files, which were copied} */
    boolean isCopied() {
        return copy != null;
    }

    /** {@return whether the file is all of the model} */
    boolean isSingle() {
        return read.externalData().isEmpty();
    }

    /** {@return the bytes of all its files} */
    long bytes() throws IOException {
        Path all = copy == null ? file : copy;
        try (Stream<Path> files = Files.walk(all)) {
            long sum = 0;
            for (Path one : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                sum += Files.size(one);
            }
            return sum;
        }
    }

    /** {@return whether the model may draw random numbers} */
    boolean drawsRandomNumbers() {
        return read.drawsRandomNumbers();
    }

    @Override
    public void close() {
        delete(copy);
    }

    /** ONNX Runtime judges such names; they are not followed here. */
    private static boolean escapes(Path directory, String name) {
        Path path = Path.of(name);
        return path.isAbsolute() || !directory.resolve(path).normalize().startsWith(directory);
    }

    private static void delete(@Nullable Path directory) {
        if (directory == null) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
            for (Path each : deepestFirst) {
                Files.delete(each);
            }
        } catch (IOException e) {
            log.debug("{} could not be deleted now", directory, e);
            directory.toFile().deleteOnExit();
        }
    }
}
