package dev.flywheel.core.stat.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.stat.stream.Detector.Change;
import dev.flywheel.core.stat.stream.Detector.Direction;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The exact positions of drifts that other implementations published. */
class DetectorVectorsTest {

    @TestFactory
    Stream<DynamicTest> everyPublishedPosition() {
        Function<String, double[]> streams = Streams.recorded();
        return Streams.cases("drift_streaming.json").stream()
                // KSWIN compares random samples of its window and is none of ours
                .filter(c -> c.has("stream") && !c.get("detector").asText().equals("KSWIN"))
                .map(c -> DynamicTest.dynamicTest(
                        c.get("detector").asText() + " " + c.get("stream").asText(),
                        () -> check(c, streams.apply(c.get("stream").asText()))));
    }

    private static void check(JsonNode published, double[] stream) {
        List<Integer> found = Streams.where(detector(published), stream, Change.DRIFT);
        JsonNode expected = published.get("expected_drift_indices");
        if (expected.isArray()) {
            List<Integer> positions = StreamSupport.stream(expected.spliterator(), false)
                    .map(JsonNode::asInt)
                    .toList();
            if (published.get("detector").asText().startsWith("ADWIN-legacy")) {
                // That one skips borders between buckets and sees the change one look later than the paper's algorithm.
                assertThat(found).containsExactly(positions.get(0) - 32);
            } else {
                assertThat(found).isEqualTo(positions);
            }
        } else {
            assertThat(found)
                    .hasSizeLessThanOrEqualTo(expected.get("max_detections").asInt());
        }
    }

    private static Detector detector(JsonNode published) {
        JsonNode given = published.get("params");
        Direction direction = given.path("two_sided").asBoolean() ? Direction.EITHER : Direction.INCREASE;
        return switch (published.get("detector").asText()) {
            case "DDM" -> Detector.ddm();
            case "EDDM" ->
                Detector.eddm(given.get("alpha").asDouble(), given.get("beta").asDouble());
            case "HDDM_A" -> Detector.hddmA(0.001, 0.005, direction);
            case "HDDM_W" -> Detector.hddmW(0.001, 0.005, 0.05, direction);
            case "PageHinkley(increase only)" -> Detector.pageHinkley();
            default -> Detector.adwin();
        };
    }

    @Test
    void warningsComeWhereOthersPublishedThem() {
        double[] stream = Streams.recorded().apply("s6_bits_0.5_then_0.7");

        assertThat(Streams.where(Detector.ddm(), stream, Change.WARNING)).startsWith(1084);
        assertThat(Streams.where(Detector.ddm(), stream, Change.WARNING).stream()
                        .filter(i -> i > 1334)
                        .findFirst())
                .contains(1492);
        assertThat(Streams.where(Detector.eddm(0.8, 0.75), stream, Change.WARNING))
                .startsWith(1059);
        assertThat(Streams.where(Detector.hddmA(), stream, Change.WARNING)).startsWith(451);
        assertThat(Streams.where(Detector.hddmW(), stream, Change.WARNING)).startsWith(451);
    }

    @Test
    void adwinKeepsTheExactMomentsOfItsWindow() {
        JsonNode expected = Streams.cases("drift_streaming.json").stream()
                .filter(c -> c.has("stream_inline"))
                .findFirst()
                .orElseThrow()
                .get("expected");
        Adwin adwin = new Adwin(0.002, Direction.EITHER, 1_000_000);
        for (int i = 0; i < 200; i++) {
            adwin.add(i % 7);
        }

        assertThat(adwin.width()).isEqualTo(expected.get("width").asLong());
        assertThat(adwin.sum()).isEqualTo(expected.get("total").asDouble());
        assertThat(adwin.deviation()).isCloseTo(expected.get("sum_sq_dev").asDouble(), within(1e-9));
    }
}
