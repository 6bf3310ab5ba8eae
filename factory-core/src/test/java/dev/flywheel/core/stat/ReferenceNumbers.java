package dev.flywheel.core.stat;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.StreamSupport;

/** Numbers computed by other implementations. */
public final class ReferenceNumbers {

    private static final ObjectMapper JSON = new ObjectMapper();

    private ReferenceNumbers() {}

    static JsonNode fixture(String name) {
        try (InputStream in = Objects.requireNonNull(ReferenceNumbers.class.getResourceAsStream(name), name)) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file of the folder {@code shared} beside the checkout; skips the test where there is none. */
    public static JsonNode shared(String name) {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared").resolve(name))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/" + name + " beside the checkout");
        try {
            return JSON.readTree(Objects.requireNonNull(folder)
                    .resolve("shared")
                    .resolve(name)
                    .toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static double[] array(JsonNode node) {
        return StreamSupport.stream(node.spliterator(), false)
                .mapToDouble(JsonNode::asDouble)
                .toArray();
    }
}
