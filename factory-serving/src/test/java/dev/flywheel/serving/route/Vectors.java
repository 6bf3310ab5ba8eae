package dev.flywheel.serving.route;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Published inputs and outputs of other people's implementations, kept outside of the project. */
final class Vectors {

    private Vectors() {}

    private record VectorFile(List<Map<String, Object>> cases) {}

    /** {@return the cases of a kind; without the file the test is skipped} */
    static List<Map<String, Object>> cases(String name, String kind) {
        Path up = Path.of("").toAbsolutePath();
        while (up.getParent() != null && !Files.isDirectory(up.resolve("shared/vectors"))) {
            up = up.getParent();
        }
        Path file = up.resolve("shared/vectors").resolve(name);
        assumeTrue(Files.isRegularFile(file), "shared/vectors/" + name + " is not there");
        try {
            return Json.readKnown(Files.readAllBytes(file), VectorFile.class, name).cases().stream()
                    .filter(c -> kind.equals(c.get("kind")))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static double number(Object value) {
        return ((Number) value).doubleValue();
    }

    static double[] numbers(Object value) {
        return ((List<?>) value).stream().mapToDouble(Vectors::number).toArray();
    }

    /** A list of lists of two, end to end. */
    static double[] pairs(Object value) {
        return ((List<?>) value)
                .stream()
                        .map(Vectors::numbers)
                        .flatMapToDouble(java.util.Arrays::stream)
                        .toArray();
    }
}
