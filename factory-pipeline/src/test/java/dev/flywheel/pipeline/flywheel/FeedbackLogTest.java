package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.model.PredictionIds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackLogTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00.123456Z");

    @TempDir
    Path root;

    private final PredictionIds ids = new PredictionIds(InstantSource.system());

    @Test
    void anOutcomeIsOnTheDiskWhenTheCallReturns() {
        UUID id = ids.next();
        try (FeedbackLog log = FeedbackLog.open(root)) {
            log.feedback(id, 0.25, NOON);

            assertThat(log.size()).isEqualTo(1);
            assertThat(logged()).containsExactly(id + " 0.25 " + NOON);
        }
    }

    @Test
    void countsOutcomesOverRestartsAndNoSatisfaction() throws Exception {
        for (int round = 0; round < 3; round++) {
            try (FeedbackLog log = FeedbackLog.open(root)) {
                assertThat(log.outcomes()).isEqualTo(2L * round);
                log.feedback(ids.next(), 1, NOON);
                log.feedback(ids.next(), Feedback.satisfaction(5), NOON);
                log.feedback(ids.next(), Feedback.correction(0.0), NOON);
                if (round > 0) {
                    assertThat(log.outcomes()).isEqualTo(2L * round + 2);
                }
                assertThat(log.size()).isEqualTo(3L * round + 3);
            }
        }
        // a log that was put back from a backup is counted anew, and so is one without its count
        Path count = root.resolve("outcomes.json");
        assertThat(count).content().contains("\"records\" : 9").contains("\"outcomes\" : 6");
        for (String broken : List.of("{\"records\" : 99, \"outcomes\" : 99}", "{")) {
            Files.writeString(count, broken);
            try (FeedbackLog log = FeedbackLog.open(root)) {
                assertThat(log.outcomes()).isEqualTo(6);
            }
        }
    }

    @Test
    void takesManyOutcomesAtOnce() {
        Map<UUID, Double> labels = new LinkedHashMap<>();
        for (int i = 0; i < 1_000; i++) {
            labels.put(ids.next(), (double) i);
        }
        try (FeedbackLog log = FeedbackLog.open(root)) {
            log.feedback(labels, NOON);

            assertThat(logged())
                    .isEqualTo(labels.entrySet().stream()
                            .map(e -> e.getKey() + " " + e.getValue() + " " + NOON)
                            .toList());
        }
    }

    @Test
    void takesOutcomesFromManyThreads() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try (FeedbackLog log = FeedbackLog.open(root)) {
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                done.add(pool.submit(() -> {
                    for (int i = 0; i < 100; i++) {
                        log.feedback(ids.next(), 1, NOON);
                    }
                }));
            }
            for (Future<?> one : done) {
                one.get();
            }
            assertThat(logged()).hasSize(800).doesNotHaveDuplicates();
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void refusesALabelThatIsNoNumberAndTakesNoneOfTheOthers() {
        UUID id = ids.next();
        try (FeedbackLog log = FeedbackLog.open(root)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> log.feedback(id, Double.NaN, NOON))
                    .withMessage("a label is a finite number, found NaN for prediction " + id);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> log.feedback(Map.of(ids.next(), 1.0, id, Double.POSITIVE_INFINITY), NOON));
            assertThat(log.size()).isZero();
        }
    }

    @Test
    void refusesUseAfterClosing() {
        FeedbackLog log = FeedbackLog.open(root);
        log.close();
        log.close();

        assertThatExceptionOfType(ClosedException.class)
                .isThrownBy(() -> log.feedback(ids.next(), 1, NOON))
                .withMessageContaining("it was closed");
    }

    private List<String> logged() {
        List<String> found = new ArrayList<>();
        try (LogCursor cursor = LogCursor.open(root, 0)) {
            while (cursor.next()) {
                FeedbackFrame frame = FeedbackFrame.of(cursor, root);
                found.add(frame.id() + " " + frame.value() + " " + Micros.instant(frame.micros()));
            }
        }
        return found;
    }

    /** Predicts for ever and feeds each outcome back at once; prints what is acknowledged. */
    static final class Predictor {
        public static void main(String[] arguments) {
            Path root = Path.of(arguments[0]);
            PredictionIds ids = new PredictionIds(InstantSource.system());
            try (PredictionLog<Row> predictions = PredictionLog.open(root.resolve("predictions"), Flights.TYPE);
                    FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"), predictions)) {
                for (int i = 0; ; i++) {
                    UUID id = ids.next();
                    predictions.append(id, 1, Flights.row(i), i, Instant.now());
                    for (int more = i % 7; more > 0; more--) {
                        predictions.append(ids.next(), 2, Flights.row(-1), -1, Instant.now());
                    }
                    feedback.feedback(id, i, Instant.now());
                    System.out.println(id + " " + i);
                }
            }
        }
    }

    @Test
    void acknowledgedOutcomesSurviveKillsAndJoinWithTheirPredictions() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Map<UUID, Integer> acknowledged = new LinkedHashMap<>();
        for (int kill = 0; kill < 8; kill++) {
            try (ChildJvm child = ChildJvm.start(Predictor.class, root.toString())) {
                for (int lines = 1 + random.nextInt(100); lines > 0; lines--) {
                    add(acknowledged, child.line());
                }
                LockSupport.parkNanos(random.nextInt(3_000_000));
                child.kill();
                for (String line = child.line(); line.matches("[0-9a-f-]{36} \\d+"); line = child.line()) {
                    add(acknowledged, line);
                }
                child.await();
            }
            Map<UUID, Integer> joined = new LinkedHashMap<>();
            JoinReport report = new FeedbackJoin(
                            root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, Duration.ofDays(1))
                    .run(Instant.MIN, Instant.MAX, example -> {
                        assertThat(Flights.TYPE.read(example.row())).isEqualTo(Flights.row((int) example.output()));
                        assertThat(example.label()).isEqualTo(example.output());
                        joined.put(example.id(), (int) example.label());
                    });
            assertThat(joined).as("seed %d, kill %d", seed, kill).containsAllEntriesOf(acknowledged);
            assertThat(report.duplicates() + report.corrections()).isZero();
        }
    }

    private static void add(Map<UUID, Integer> acknowledged, String line) {
        acknowledged.put(UUID.fromString(line.substring(0, 36)), Integer.parseInt(line.substring(37)));
    }
}
