package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.model.PredictionIds;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PredictionLogTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00.123456Z");
    private static final int QUEUE = 1 << 15;

    @TempDir
    Path directory;

    private final PredictionIds ids = new PredictionIds(InstantSource.system());

    /** What is in the log. */
    private record Logged(UUID id, int version, Row row, double output, Instant at) {}

    @Test
    void keepsEverythingThatIsKnownOfAPrediction() {
        List<Logged> expected = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            try (PredictionLog<Row> log = PredictionLog.open(directory, Flights.TYPE)) {
                for (int i = 0; i < 10; i++) {
                    Logged prediction = new Logged(ids.next(), round, Flights.row(i), -i / 3.0, NOON.plusSeconds(i));
                    expected.add(prediction);
                    log.append(prediction.id, prediction.version, prediction.row, prediction.output, prediction.at);
                }
            }
        }
        assertThat(logged()).isEqualTo(expected);
    }

    @Test
    void everythingHandedInBeforeAFlushIsThereAfterIt() throws Exception {
        int threads = 4;
        int each = 5_000;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try (PredictionLog<Row> log = PredictionLog.open(directory, Flights.TYPE)) {
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int thread = t;
                done.add(pool.submit(() -> {
                    for (int i = 0; i < each; i++) {
                        log.append(ids.next(), thread, Flights.row(i), i, NOON);
                    }
                    log.flush();
                }));
            }
            for (Future<?> one : done) {
                one.get();
            }
            int[] next = new int[threads];
            for (Logged prediction : logged()) {
                assertThat(prediction.output).isEqualTo(next[prediction.version]++);
            }
            assertThat(next).containsOnly(each);
            assertThat(log.dropped()).isZero();
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void whatComesWhileTheDiskIsAtWorkIsThereAfterClosing() {
        Logging<Row> sure = Logging.rows().durability(Logging.Durability.ACKNOWLEDGED);
        int rounds = 30;
        for (int round = 0; round < rounds; round++) {
            CompletableFuture<Void> kept;
            try (PredictionLog<Row> log = PredictionLog.open(directory, Flights.TYPE, sure, NOON)) {
                UUID first = ids.next();
                log.append(first, 1, Flights.row(1), 1, NOON);
                // from now on the disk may be at work
                kept = log.acknowledged(first);
                for (int i = 0; i < round; i++) {
                    log.append(ids.next(), 1, Flights.row(i), i, NOON);
                }
            }
            kept.join();
        }
        assertThat(logged()).hasSize(rounds + rounds * (rounds - 1) / 2);
    }

    @Test
    void dropsAndCountsWhatDoesNotFitWhileTheDiskIsStuck() {
        CountDownLatch stuck = new CountDownLatch(1);
        RowType<Row> type = Flights.type(row -> await(stuck));
        try (PredictionLog<Row> log = PredictionLog.open(directory, type)) {
            for (int i = 0; i < QUEUE + 3; i++) {
                log.append(ids.next(), 1, Flights.row(i), i, NOON);
            }
            assertThat(log.dropped()).isEqualTo(3);
            stuck.countDown();
            log.flush();
            log.append(ids.next(), 1, Flights.row(7), 7, NOON);
            log.flush();

            assertThat(logged()).hasSize(QUEUE + 1);
            assertThat(log.dropped()).isEqualTo(3);
        }
    }

    @Test
    void aCallerThatMeetsAFullQueueWaitsForRoom() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch full = new CountDownLatch(1);
        RowType<Row> type = Flights.type(row -> await(stuck));
        ExecutorService pool = Executors.newFixedThreadPool(1);
        try (PredictionLog<Row> log = PredictionLog.open(directory, type)) {
            Future<?> caller = pool.submit(() -> {
                for (int i = 0; i < 3 * QUEUE; i++) {
                    if (i == QUEUE) {
                        full.countDown();
                    }
                    log.append(ids.next(), 1, Flights.row(i), i, NOON);
                }
            });
            full.await();
            stuck.countDown();
            caller.get();
            log.flush();

            assertThat(logged().size() + log.dropped()).isEqualTo(3L * QUEUE);
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void aRowThatCannotBeWrittenHarmsNoOther() {
        RowType<Row> type = Flights.type(row -> {
            if (row.equals(Flights.row(1))) {
                throw new IllegalStateException("no such row");
            }
        });
        try (PredictionLog<Row> log = PredictionLog.open(directory, type)) {
            for (int i = 0; i < 3; i++) {
                log.append(ids.next(), 1, Flights.row(i), i, NOON);
            }
            log.flush();

            assertThat(logged()).extracting(Logged::row).containsExactly(Flights.row(0), Flights.row(2));
            assertThat(log.dropped()).isEqualTo(1);
        }
    }

    @Test
    void settlesAYoungIdByFlushingAndAnOldOneAtOnce() {
        CountDownLatch stuck = new CountDownLatch(1);
        RowType<Row> type = Flights.type(row -> {
            if (row.equals(Flights.row(2))) {
                await(stuck);
            }
        });
        UUID old = new PredictionIds(InstantSource.fixed(NOON.minusSeconds(61))).next();
        UUID young = new PredictionIds(InstantSource.fixed(NOON)).next();
        try (PredictionLog<Row> log = PredictionLog.open(directory, type)) {
            log.append(young, 1, Flights.row(1), 1, NOON);
            log.settle(young);
            assertThat(logged()).hasSize(1);
            log.append(ids.next(), 1, Flights.row(2), 2, NOON);

            // would wait for ever if it flushed
            log.settle(old);
            stuck.countDown();
        }
        assertThat(logged()).hasSize(2);
    }

    @Test
    void refusesUseAfterClosingAndLeavesNoThread() {
        PredictionLog<Row> log = PredictionLog.open(directory, Flights.TYPE);
        log.append(ids.next(), 1, Flights.row(1), 1, NOON);
        log.close();
        log.close();

        assertThatExceptionOfType(ClosedException.class)
                .isThrownBy(() -> log.append(ids.next(), 1, Flights.row(2), 2, NOON))
                .withMessage("prediction log " + directory + ": it was closed. Fix: stop predicting before closing, or"
                        + " open it again.");
        log.flush();
        assertThat(logged()).hasSize(1);
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("flywheel-predictions " + directory);
    }

    @Test
    void refusesASecondOwner() {
        try (PredictionLog<Row> log = PredictionLog.open(directory, Flights.TYPE)) {
            assertThatExceptionOfType(StoreException.class)
                    .isThrownBy(() -> PredictionLog.open(directory, Flights.TYPE))
                    .withMessageContaining("has it open already");
            assertThat(log.dropped()).isZero();
        }
    }

    /** Predicts and takes feedback until the disk is full, and again when there is room. */
    static final class FullDisk {
        public static void main(String[] arguments) throws Exception {
            Path root = Path.of(arguments[0]);
            PredictionIds ids = new PredictionIds(InstantSource.system());
            try (PredictionLog<Row> log = PredictionLog.open(root.resolve("predictions"), Flights.TYPE);
                    FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"))) {
                System.out.println("predictions "
                        + fill(() -> {
                            log.append(ids.next(), 1, Flights.row(1), 1, NOON);
                            log.flush();
                        }));
                System.out.println("feedback " + fill(() -> feedback.feedback(ids.next(), 1, NOON)));
                System.out.println(System.in.read());
                UUID id = ids.next();
                boolean logged = false;
                while (!logged) {
                    try {
                        log.append(id, 2, Flights.row(2), 2, NOON);
                        log.flush();
                        logged = true;
                    } catch (StoreException e) {
                        Thread.onSpinWait();
                    }
                }
                feedback.feedback(id, 1, NOON);
                System.out.println("logged " + id);
            }
        }

        private static String fill(Runnable step) {
            for (int i = 0; i < 100_000; i++) {
                try {
                    step.run();
                } catch (StoreException e) {
                    return String.valueOf(e.getMessage());
                }
            }
            return "never full";
        }
    }

    @Test
    void aFullDiskIsReportedAndTheLogsGoOnWhenThereIsRoom() throws Exception {
        assumeThat(Path.of("/usr/bin/prlimit")).exists();
        String last;
        try (ChildJvm child = ChildJvm.startWithFileLimit(8, FullDisk.class, directory.toString())) {
            assertThat(child.line())
                    .startsWith("predictions flushing predictions to " + directory.resolve("predictions")
                            + ": the log fails (appending to log ")
                    .contains("the file system says java.io.IOException")
                    .endsWith("Fix: free space on the disk or mend it; the log goes on by itself.");
            assertThat(child.line())
                    .startsWith(
                            "feedback appending to log " + directory.resolve("feedback") + ": the file system says");
            new ProcessBuilder("/usr/bin/prlimit", "--pid", Long.toString(child.pid()), "--fsize=unlimited")
                    .start()
                    .waitFor();
            child.write('\n');
            assertThat(child.line()).isEqualTo("10");
            last = child.line();
            assertThat(child.await()).isZero();
        }
        assertThat(last).startsWith("logged ");
        UUID id = UUID.fromString(last.substring(7));
        List<UUID> joined = new ArrayList<>();
        new FeedbackJoin(
                        directory.resolve("predictions"),
                        directory.resolve("feedback"),
                        Flights.SCHEMA,
                        java.time.Duration.ofDays(1))
                .run(Instant.MIN, Instant.MAX, example -> joined.add(example.id()));
        assertThat(joined).containsExactly(id);
    }

    private List<Logged> logged() {
        List<Logged> found = new ArrayList<>();
        RowDecoder decoder = new RowDecoder(Flights.SCHEMA);
        try (LogCursor cursor = LogCursor.open(directory, 0)) {
            while (cursor.next()) {
                PredictionFrame frame = PredictionFrame.of(cursor, directory);
                found.add(new Logged(
                        frame.id(),
                        frame.version(),
                        Flights.TYPE.read(decoder.read(frame.row())),
                        frame.output(),
                        Micros.instant(frame.micros())));
            }
        }
        return found;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
