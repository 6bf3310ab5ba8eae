package dev.flywheel.core.registry;

import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Cards;
import dev.flywheel.core.model.ModelVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Small models to register. */
final class Models {

    private Models() {}

    static ModelVersion register(Registry registry, String content) {
        return registry.register(staged(registry, content), Cards.card(content));
    }

    static Path staged(Registry registry, String content) {
        Path staging = registry.stage();
        try {
            Files.writeString(staging.resolve("model.onnx"), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Artifact.seal(staging, "model.onnx", Cards.signature());
        return staging;
    }
}
