package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Joined;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a process that predicts, takes feedback of all kinds, sweeps and begins new files, at random instants. A
 * failure prints the seed, which {@code -Dtests.seed=} repeats as far as timing allows.
 */
class LogKillTest {

    private static final int KILLS = Integer.getInteger("logs.kills", 6);
    private static final long SEED = Long.getLong("tests.seed", System.nanoTime());

    @TempDir
    Path root;

    private final Random random = new Random(SEED);
    // what was acknowledged: predictions, and the last label of each and its score
    private final Set<UUID> predicted = new HashSet<>();
    private final Map<UUID, Double> labels = new HashMap<>();
    private final Map<UUID, Double> scores = new HashMap<>();

    /** Works for ever and prints what is acknowledged. */
    static final class Worker {
        public static void main(String[] arguments) {
            Path root = Path.of(arguments[0]);
            PredictionIds ids = new PredictionIds(InstantSource.system());
            Logging<Row> logging = Logging.rows()
                    .durability(Durability.ACKNOWLEDGED)
                    .keepPredictions(Duration.ofHours(1))
                    .keepFeedback(Duration.ofHours(1));
            try (PredictionLog<Row> predictions =
                            PredictionLog.open(root.resolve("predictions"), Flights.TYPE, logging, Instant.now());
                    FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"), predictions)) {
                FeedbackJoin join = new FeedbackJoin(
                        root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, Duration.ofDays(1));
                for (int i = 0; ; i++) {
                    UUID id = ids.next();
                    predictions.append(id, 1, Flights.row(i), i, Instant.now());
                    predictions.acknowledge(id);
                    System.out.println("predicted " + id + " 0");
                    feedback.feedback(id, i, Instant.now());
                    System.out.println("labelled " + id + " " + i);
                    if (i % 3 == 0) {
                        feedback.feedback(id, Feedback.correction(i + 0.5), Instant.now());
                        System.out.println("labelled " + id + " " + (i + 0.5));
                    }
                    if (i % 4 == 0) {
                        feedback.feedback(id, Feedback.satisfaction(i % 5), Instant.now());
                        System.out.println("scored " + id + " " + i % 5);
                    }
                    if (i % 10 == 9) {
                        // a file holds at most an eighth of the hour, so this ends one each time, and deletes none
                        Instant later = Instant.now().plus(Duration.ofMinutes(8 + 3 * (i / 10 % 2)));
                        predictions.expire(later);
                        feedback.expire(later);
                        JoinReport unused = feedback.sweep(join, Instant.now());
                    }
                }
            }
        }
    }

    /** Its predictions never reach the disk, and it is told what came of them. */
    static final class Stuck {
        public static void main(String[] arguments) throws InterruptedException {
            Path root = Path.of(arguments[0]);
            UUID id = new PredictionIds(InstantSource.system()).next();
            CountDownLatch never = new CountDownLatch(1);
            Logging<Row> logging = Logging.rows().except(row -> {
                Uninterruptibles.awaitUninterruptibly(never);
                return false;
            });
            PredictionLog<Row> predictions =
                    PredictionLog.open(root.resolve("predictions"), Flights.TYPE, logging, Instant.now());
            FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"), predictions);
            predictions.append(id, 1, Flights.row(0), 0, Instant.now());
            List<Thread> callers = List.of(
                    new Thread(() -> feedback.feedback(id, 1, Instant.now())),
                    new Thread(() -> feedback.feedback(Map.of(id, 1.0), Instant.now())));
            callers.forEach(Thread::start);
            for (Thread caller : callers) {
                while (caller.getState() != Thread.State.WAITING) {
                    Thread.onSpinWait();
                }
            }
            System.out.println("waiting");
            never.await();
        }
    }

    @Test
    void noOutcomeIsKeptBeforeItsPrediction() throws Exception {
        try (ChildJvm child = ChildJvm.start(Stuck.class, root.toString())) {
            assertThat(child.line()).isEqualTo("waiting");
            child.kill();
            int unused = child.await();
        }
        try (LogCursor cursor = LogCursor.open(root.resolve("feedback"), 0)) {
            assertThat(cursor.next()).as("an outcome whose prediction is lost").isFalse();
        }
    }

    @Test
    void noAcknowledgedFactIsLostOrDoubled() throws Exception {
        for (int kill = 0; kill < KILLS; kill++) {
            workAndKill();
            Found whole = new Found();
            Found parts = new Found();
            FeedbackJoin join = new FeedbackJoin(
                    root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, Duration.ofDays(1));
            JoinReport report = join.run(Instant.MIN, Instant.MAX, whole);
            assertThat(join.inMemory(1).run(Instant.MIN, Instant.MAX, parts)).isEqualTo(report);
            assertThat(parts).isEqualTo(whole);
            assertThat(report.unknown() + report.notLogged())
                    .as("seed %d", SEED)
                    .isZero();
            // a label may be on the disk, and even corrected, without its acknowledgment having been read
            assertThat(whole.seen).as("seed %d", SEED).containsAll(predicted);
            labels.forEach((id, label) -> assertThat(whole.labels.getOrDefault(id, Double.NaN))
                    .as("seed %d", SEED)
                    .isIn(label, label + 0.5));
            assertThat(whole.scores).as("seed %d", SEED).containsAllEntriesOf(scores);
            assertThat(DeadLetters.of(root.resolve("feedback")).letters()).isEmpty();
        }
        assertThat(predicted).isNotEmpty();
    }

    private void workAndKill() throws IOException, InterruptedException {
        try (ChildJvm child = ChildJvm.start(Worker.class, root.toString())) {
            for (int lines = 1 + random.nextInt(150); lines > 0; lines--) {
                note(child.line());
            }
            LockSupport.parkNanos(random.nextInt(3_000_000));
            child.kill();
            for (String line = child.line(); line.matches("\\w+ [0-9a-f-]{36} [0-9.]+"); line = child.line()) {
                note(line);
            }
            child.await();
        }
    }

    private void note(String line) {
        String[] words = line.split(" ", -1);
        UUID id = UUID.fromString(words[1]);
        double value = Double.parseDouble(words[2]);
        switch (words[0]) {
            case "predicted" -> predicted.add(id);
            case "labelled" -> labels.put(id, value);
            default -> scores.put(id, value);
        }
    }

    /** What a join found; nothing may come twice. */
    private record Found(Set<UUID> seen, Map<UUID, Double> labels, Map<UUID, Double> scores)
            implements FeedbackJoin.Receiver {

        Found() {
            this(new HashSet<>(), new HashMap<>(), new HashMap<>());
        }

        @Override
        public void joined(Joined example) {
            assertThat(seen.add(example.id())).isTrue();
            assertThat(labels.put(example.id(), example.label())).isNull();
            assertThat(Flights.TYPE.read(example.row())).isEqualTo(Flights.row((int) example.output()));
        }

        @Override
        public void never(UUID id) {
            assertThat(seen.add(id)).isTrue();
        }

        @Override
        public void satisfied(UUID id, int version, double score) {
            assertThat(scores.put(id, score)).isNull();
        }
    }
}
