package dev.flywheel.core.stat.stream;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.stat.stream.Detector.Change;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;

/** Streams of numbers to test with, made up or recorded, and the reference numbers beside the checkout. */
final class Streams {

    private Streams() {}

    /** A file of the folder {@code shared/vectors} beside the checkout; skips the test where there is none. */
    static Path vectors(String name) {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared/vectors").resolve(name))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/vectors/" + name + " beside the checkout");
        return Objects.requireNonNull(folder).resolve("shared/vectors").resolve(name);
    }

    static List<JsonNode> cases(String name) {
        try {
            JsonNode all = new ObjectMapper().readTree(vectors(name).toFile()).get("cases");
            return StreamSupport.stream(all.spliterator(), false).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the recorded streams by name} */
    static Function<String, double[]> recorded() {
        Map<String, List<Double>> values = new HashMap<>();
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(vectors("drift_streams.csv.gz"))), StandardCharsets.UTF_8))) {
            in.lines()
                    .skip(1)
                    .map(line -> line.split(",", -1))
                    .forEach(cells -> values.computeIfAbsent(cells[0], name -> new ArrayList<>())
                            .add(Double.valueOf(cells[2])));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<String, double[]> streams = new HashMap<>();
        values.forEach((name, list) ->
                streams.put(name, list.stream().mapToDouble(Double::doubleValue).toArray()));
        return name -> Objects.requireNonNull(streams.get(name), name);
    }

    static double[] made(int values, long seed, ToDoubleFunction<Random> next) {
        Random random = new Random(seed);
        return IntStream.range(0, values)
                .mapToDouble(i -> next.applyAsDouble(random))
                .toArray();
    }

    static double[] bits(int values, double rate, long seed) {
        return made(values, seed, random -> random.nextDouble() < rate ? 1 : 0);
    }

    /** {@return one stream after the other} */
    static double[] joined(double[]... parts) {
        return Arrays.stream(parts).flatMapToDouble(Arrays::stream).toArray();
    }

    /** {@return the 0-based positions at which the detector gives this answer} */
    static List<Integer> where(Detector detector, double[] stream, Change answer) {
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < stream.length; i++) {
            if (detector.add(stream[i]) == answer) {
                found.add(i);
            }
        }
        return found;
    }
}
