package dev.flywheel.core.audit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Reference data in the folder {@code shared} beside the checkout. */
final class Vectors {

    private Vectors() {}

    /** Skips the test where there is none. */
    static JsonNode read(String name) throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared/vectors").resolve(name))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/vectors/" + name + " beside the checkout");
        return new ObjectMapper()
                .readTree(Objects.requireNonNull(folder)
                        .resolve("shared/vectors")
                        .resolve(name)
                        .toFile());
    }
}
