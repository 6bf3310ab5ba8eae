package dev.flywheel.core.stat.drift;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;

/** Files of the folder {@code shared} beside the checkout; a test that needs one is skipped where there is none. */
final class SharedData {

    private SharedData() {}

    static JsonNode json(String name) {
        try {
            return new ObjectMapper().readTree(path(name).toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static double[] numbers(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToDouble(JsonNode::asDouble)
                .toArray();
    }

    static long[] counts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToLong(JsonNode::asLong)
                .toArray();
    }

    /** A table of texts without quotes. */
    record Table(List<String> names, List<String[]> rows) {

        static Table of(String name) {
            try (BufferedReader in = new BufferedReader(new InputStreamReader(
                    new GZIPInputStream(Files.newInputStream(path("data/" + name + ".csv.gz"))),
                    StandardCharsets.UTF_8))) {
                List<String> names = Arrays.asList(in.readLine().split(",", -1));
                List<String[]> rows = new ArrayList<>();
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    rows.add(line.split(",", -1));
                }
                return new Table(names, rows);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        String[] texts(String column) {
            int at = names.indexOf(column);
            return rows.stream().map(row -> row[at]).toArray(String[]::new);
        }

        /** A column of numbers, NaN where there is no text. */
        double[] numbers(String column) {
            return Arrays.stream(texts(column))
                    .mapToDouble(text -> text.isEmpty() ? Double.NaN : Double.parseDouble(text))
                    .toArray();
        }
    }

    private static Path path(String name) {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared").resolve(name))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/" + name + " beside the checkout");
        return Objects.requireNonNull(folder).resolve("shared").resolve(name);
    }
}
