package dev.flywheel.benchmarks;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.flywheel.core.stat.stream.Detector;
import dev.flywheel.core.stat.stream.Detector.Change;
import dev.flywheel.core.stat.stream.Detector.Direction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Counts how soon detectors see a change and how often they alarm without one. Measures no speed; seeds are fixed, so
 * the same build gives the same figures.
 */
final class DetectCommand {

    private static final String NAME = "detectors";

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /**
     * A file.
     *
     * @param streams how many streams there are of each kind
     * @param published the positions that reference implementations published, beside ours, if they were at hand
     * @param moa the figures of MOA on the same streams, if they were given: version, and rows like ours
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Sheet(
            String name,
            String command,
            int streams,
            String about,
            List<DetectTrial.Outcome> rows,
            @Nullable List<DetectPublished.Position> published,
            @Nullable JsonNode moa) {}

    private DetectCommand() {}

    static void run(Arguments arguments) throws Exception {
        int streams = arguments.number("streams", 1_000);
        String moa = arguments.text("moa", "");
        Path out = arguments.out();
        arguments.refuseOthers();
        if (streams < 1) {
            throw new IllegalArgumentException("--streams must be at least 1, found " + streams);
        }
        List<DetectTrial.Outcome> outcomes = new DetectTrial(streams).run(ours());
        outcomes.forEach(DetectCommand::print);
        Files.createDirectories(out);
        Path file = out.resolve(NAME + ".json");
        Sheet sheet = new Sheet(
                NAME,
                "java -jar benchmarks/target/benchmarks.jar detect --streams " + streams,
                streams,
                "Defaults throughout. A stream with a change has 1,000 values before and 1,000 after it, one without"
                        + " has 10,000. A delay counts values, the one that alarms included, where the change was"
                        + " seen. DDM, EDDM and HDDM take only values from 0 to 1.",
                outcomes,
                DetectPublished.positions(),
                moa.isEmpty() ? kept(file, streams) : JSON.readTree(Path.of(moa).toFile()));
        JSON.writeValue(file.toFile(), sheet);
        Console.line("%d rows in %s", outcomes.size(), file);
    }

    /** {@return MOA's figures as they are in the file, if they are of as many streams} */
    private static @Nullable JsonNode kept(Path file, int streams) throws IOException {
        if (!Files.isRegularFile(file)) {
            return null;
        }
        JsonNode old = JSON.readTree(file.toFile());
        return old.path("streams").asInt() == streams ? old.get("moa") : null;
    }

    static Map<String, DetectTrial.Watcher> ours() {
        Map<String, DetectTrial.Watcher> ours = new LinkedHashMap<>();
        ours.put("ADWIN", watcher(false, Detector::adwin));
        ours.put("ADWIN, increase", watcher(false, () -> Detector.adwin(0.002, Direction.INCREASE)));
        ours.put("Page-Hinkley", watcher(false, Detector::pageHinkley));
        ours.put("DDM", watcher(true, Detector::ddm));
        ours.put("EDDM", watcher(true, Detector::eddm));
        ours.put("HDDM_A", watcher(true, Detector::hddmA));
        ours.put("HDDM_W", watcher(true, Detector::hddmW));
        return ours;
    }

    private static DetectTrial.Watcher watcher(boolean onlyBits, Supplier<Detector> make) {
        return new DetectTrial.Watcher(onlyBits, () -> {
            Detector detector = make.get();
            return value -> detector.add(value) == Change.DRIFT;
        });
    }

    private static void print(DetectTrial.Outcome outcome) {
        Console.line(
                "%-28s %-16s %s",
                outcome.stream(),
                outcome.detector(),
                outcome.detected() == null
                        ? outcome.falseAlarms() + " false alarms per 10,000"
                        : outcome.detected() + " seen, median delay " + outcome.medianDelay() + ", "
                                + outcome.alarmedBefore() + " alarmed before");
    }
}
