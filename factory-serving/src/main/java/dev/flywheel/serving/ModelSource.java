package dev.flywheel.serving;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.OnnxEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Where a version comes from: opened once to serve, and again when a rollback needs it. Thread-safe. */
final class ModelSource {

    private static final String FIX = "swap in the version that should serve";

    private final Supplier<? extends Engine> first;
    private final Supplier<? extends Engine> again;
    private final Runnable discard;

    private ModelSource(Supplier<? extends Engine> first, Supplier<? extends Engine> again) {
        this(first, again, () -> {});
    }

    private ModelSource(Supplier<? extends Engine> first, Supplier<? extends Engine> again, Runnable discard) {
        this.first = first;
        this.again = again;
        this.discard = discard;
    }

    static ModelSource of(Path model) {
        Objects.requireNonNull(model, "model");
        FileState file = new FileState(model);
        return new ModelSource(
                () -> {
                    file.remember();
                    return OnnxEngine.open(model);
                },
                () -> {
                    file.requireSame();
                    return OnnxEngine.open(model);
                });
    }

    static ModelSource of(Artifact artifact) {
        Objects.requireNonNull(artifact, "artifact");
        return new ModelSource(() -> Engine.open(artifact), () -> {
            Artifact found = Artifact.open(artifact.directory());
            if (!found.equals(artifact)) {
                throw changed(artifact.directory(), "SHA-256 " + artifact.hash(), "SHA-256 " + found.hash());
            }
            return Engine.open(found);
        });
    }

    static ModelSource of(ModelVersion version) {
        Objects.requireNonNull(version, "version");
        Supplier<Engine> open =
                () -> Engine.open(version.artifact(), version.card().pipeline() + "/" + version.number());
        return new ModelSource(open, open);
    }

    static ModelSource of(Engine engine) {
        Objects.requireNonNull(engine, "engine");
        Supplier<Engine> again = () -> {
            throw new IllegalStateException(
                    engine + " was closed when another version took its place, and cannot be loaded again; to roll "
                            + "back at once, add and promote versions in place of swapping them");
        };
        return new ModelSource(() -> engine, again, engine::close);
    }

    /** Frees what came with it; in place of {@link #open}. */
    void discard() {
        discard.run();
    }

    /** {@return the model, loaded; called once} */
    Engine open() {
        return first.get();
    }

    /**
     * {@return the same model as before, loaded}
     *
     * @throws ModelFormatException if it is not there any more, or another one is in its place
     * @throws IllegalStateException if it came as an engine
     */
    Engine reopen() {
        return again.get();
    }

    private static ModelFormatException changed(Path place, String expected, String found) {
        return new ModelFormatException(
                "cannot load " + place + " again", "it has changed: expected " + expected + ", found " + found, FIX);
    }

    /** What tells that a file is still the one that was loaded, without reading all of it. */
    private static final class FileState {

        private final Path file;
        private volatile @Nullable String state;

        FileState(Path file) {
            this.file = file;
        }

        void remember() {
            state = read();
        }

        void requireSame() {
            String found = read();
            if (!Objects.equals(state, found)) {
                throw changed(file, String.valueOf(state), String.valueOf(found));
            }
        }

        private @Nullable String read() {
            try {
                BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
                return found.size() + " bytes of " + found.lastModifiedTime() + " in file " + found.fileKey();
            } catch (IOException e) {
                // Loading the file says why it cannot be read.
                return null;
            }
        }
    }
}
