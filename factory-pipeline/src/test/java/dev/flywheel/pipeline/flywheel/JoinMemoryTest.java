package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Row;
import dev.flywheel.core.model.PredictionIds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JoinMemoryTest {

    private static final int PREDICTIONS = 600_000;
    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");

    @TempDir
    Path root;

    /** Joins logs and prints the report and a sum over what was found. */
    static final class Joiner {
        public static void main(String[] arguments) {
            Path root = Path.of(arguments[0]);
            double[] sum = {0, -1, 0};
            JoinReport report = new FeedbackJoin(
                            root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, Duration.ofDays(1))
                    .spillingTo(root)
                    .run(Instant.MIN, Instant.MAX, example -> {
                        sum[0] += example.label() * example.output();
                        sum[2] += example.output() > sum[1] ? 0 : 1;
                        sum[1] = example.output();
                    });
            System.out.println(
                    report.joined() + " " + report.never() + " " + report.unknown() + " " + sum[0] + " " + sum[2]);
        }
    }

    @Test
    void aJoinOfMoreThanTheHeapHoldsFindsEverythingInOrder() throws Exception {
        PredictionIds ids = new PredictionIds(InstantSource.system());
        List<UUID> labelled = new ArrayList<>();
        Map<UUID, Double> labels = new LinkedHashMap<>();
        double expected = 0;
        try (PredictionLog<Row> log = PredictionLog.open(root.resolve("predictions"), Flights.TYPE)) {
            Row row = Flights.row(1);
            for (int i = 0; i < PREDICTIONS; i++) {
                UUID id = ids.next();
                log.append(id, 1, row, i, NOON);
                if (i % 2 == 0) {
                    labelled.add(id);
                    labels.put(id, (double) (i % 7));
                    expected += (double) i * (i % 7);
                }
                if (i % 4_000 == 0) {
                    log.flush();
                }
            }
            assertThat(log.dropped()).isZero();
        }
        Collections.shuffle(labelled, new Random(5));
        try (FeedbackLog log = FeedbackLog.open(root.resolve("feedback"))) {
            Map<UUID, Double> shuffled = new LinkedHashMap<>();
            labelled.forEach(id -> shuffled.put(id, labels.getOrDefault(id, Double.NaN)));
            shuffled.put(UUID.randomUUID(), 1.0);
            log.feedback(shuffled, NOON);
        }
        // a table of all predictions takes 43 MB, and 64 MB while it grows
        try (ChildJvm child = ChildJvm.startWithHeap(40, Joiner.class, root.toString())) {
            assertThat(child.line()).isEqualTo(PREDICTIONS / 2 + " " + PREDICTIONS / 2 + " 1 " + expected + " 0.0");
            assertThat(child.await()).isZero();
        }
        try (var left = Files.list(root)) {
            assertThat(left.map(file -> file.getFileName().toString()))
                    .as("no temporary file is left")
                    .containsExactlyInAnyOrder("predictions", "feedback");
        }
    }
}
