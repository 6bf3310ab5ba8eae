package dev.flywheel.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.stat.stream.Detector;
import dev.flywheel.core.stat.stream.Detector.Change;
import dev.flywheel.core.stat.stream.Detector.Direction;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** The positions at which reference implementations see a change in recorded streams, beside ours. */
final class DetectPublished {

    /**
     * One detector on one recorded stream.
     *
     * @param published the 0-based positions of the reference, or what bounds them
     * @param ours the positions at which ours alarms
     */
    record Position(String detector, String stream, JsonNode published, List<Integer> ours) {}

    private DetectPublished() {}

    /** {@return all of them, or null where the recorded streams are not beside the checkout} */
    static @Nullable List<Position> positions() throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared/vectors/drift_streams.csv.gz"))) {
            folder = folder.getParent();
        }
        if (folder == null) {
            return null;
        }
        Path vectors = folder.resolve("shared/vectors");
        Map<String, List<Double>> streams = streams(vectors.resolve("drift_streams.csv.gz"));
        List<Position> positions = new ArrayList<>();
        JsonNode cases = new ObjectMapper()
                .readTree(vectors.resolve("drift_streaming.json").toFile());
        for (JsonNode published : cases.get("cases")) {
            Detector detector = detector(published.get("detector").asText(), published.get("params"));
            List<Double> stream = streams.get(published.path("stream").asText());
            if (detector != null && stream != null) {
                positions.add(new Position(
                        published.get("detector").asText(),
                        published.get("stream").asText(),
                        published.get("expected_drift_indices"),
                        drifts(detector, stream)));
            }
        }
        return positions;
    }

    private static List<Integer> drifts(Detector detector, List<Double> stream) {
        List<Integer> drifts = new ArrayList<>();
        for (int i = 0; i < stream.size(); i++) {
            if (detector.add(stream.get(i)) == Change.DRIFT) {
                drifts.add(i);
            }
        }
        return drifts;
    }

    private static @Nullable Detector detector(String name, JsonNode given) {
        Direction direction = given.path("two_sided").asBoolean() ? Direction.EITHER : Direction.INCREASE;
        return switch (name) {
            case "ADWIN" -> Detector.adwin();
            case "DDM" -> Detector.ddm();
            case "EDDM" ->
                Detector.eddm(given.path("alpha").asDouble(), given.path("beta").asDouble());
            case "HDDM_A" -> Detector.hddmA(0.001, 0.005, direction);
            case "HDDM_W" -> Detector.hddmW(0.001, 0.005, 0.05, direction);
            case "PageHinkley(increase only)" -> Detector.pageHinkley();
            default -> null;
        };
    }

    private static Map<String, List<Double>> streams(Path file) throws IOException {
        Map<String, List<Double>> streams = new HashMap<>();
        try (BufferedReader in = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
            in.lines()
                    .skip(1)
                    .map(line -> line.split(",", -1))
                    .forEach(cells -> streams.computeIfAbsent(cells[0], name -> new ArrayList<>())
                            .add(Double.valueOf(cells[2])));
        }
        return streams;
    }
}
