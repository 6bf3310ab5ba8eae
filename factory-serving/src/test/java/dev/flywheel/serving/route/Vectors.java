package dev.flywheel.serving.route;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.io.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;

/** Published inputs and outputs of other people's implementations, kept outside of the project. */
final class Vectors {

    private Vectors() {}

    private record VectorFile(List<Map<String, Object>> cases) {}

    /** One case, or a part of one. */
    record Case(Map<?, ?> values) {

        boolean has(String name) {
            return values.get(name) != null;
        }

        Object get(String name) {
            Object value = values.get(name);
            if (value == null) {
                throw new AssertionError("no " + name + " in " + values);
            }
            return value;
        }

        String text(String name) {
            return (String) get(name);
        }

        boolean flag(String name) {
            return (Boolean) get(name);
        }

        double number(String name) {
            return ((Number) get(name)).doubleValue();
        }

        List<?> list(String name) {
            return (List<?>) get(name);
        }

        double[] numbers(String name) {
            return flat(list(name));
        }

        Case part(String name) {
            return new Case((Map<?, ?>) get(name));
        }
    }

    /** {@return the cases of a kind; without the file the test is skipped} */
    static List<Case> cases(String name, String kind) {
        Path up = Path.of("").toAbsolutePath();
        while (up.getParent() != null && !Files.isDirectory(up.resolve("shared/vectors"))) {
            up = up.getParent();
        }
        Path file = up.resolve("shared/vectors").resolve(name);
        assumeTrue(Files.isRegularFile(file), "shared/vectors/" + name + " is not there");
        try {
            return Json.readKnown(Files.readAllBytes(file), VectorFile.class, name).cases().stream()
                    .filter(c -> kind.equals(c.get("kind")))
                    .map(Case::new)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Numbers and lists of numbers, end to end. */
    private static double[] flat(List<?> values) {
        return values.stream()
                .flatMapToDouble(v -> v instanceof List<?> list
                        ? Arrays.stream(flat(list))
                        : DoubleStream.of(((Number) v).doubleValue()))
                .toArray();
    }
}
