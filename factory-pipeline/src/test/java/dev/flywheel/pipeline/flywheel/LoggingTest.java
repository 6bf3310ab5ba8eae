package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoggingTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
    private static final byte[] KEY = "sixteen bytes or".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path root;

    private Instant now = NOON;
    private final PredictionIds ids = new PredictionIds(() -> now);

    /** An input. */
    private record Trip(double distance, String origin, int riders) {}

    @Test
    void describesWhatItDoes() {
        assertThat(Logging.of(Trip.class).describe()).isEqualTo("everything");
        Logging<Trip> all = Logging.of(Trip.class)
                .sample(0.1)
                .durability(Durability.ACKNOWLEDGED)
                .only(Trip::distance)
                .hashed(Trip::origin, KEY)
                .except(trip -> trip.riders < 0)
                .keepPredictions(Duration.ofDays(90))
                .keepFeedback(Duration.ofDays(365));
        assertThat(all.describe())
                .isEqualTo("a share of 0.1, acknowledged, only distance, hashed origin, except by a rule of the host,"
                        + " predictions kept PT2160H, feedback kept PT8760H");
        assertThat(all.logs("distance")).isTrue();
        assertThat(all.logs("origin")).isFalse();
        assertThat(all.logs("riders")).isFalse();
        assertThat(Logging.rows().durability(Durability.NONE).describe()).isEqualTo("nothing");
        assertThat(Logging.of(Trip.class).hashed("origin", KEY))
                .isEqualTo(Logging.of(Trip.class).hashed(Trip::origin, KEY))
                .isNotEqualTo(Logging.of(Trip.class).hashed("origin", new byte[16]));
    }

    @Test
    void refusesWhatMakesNoSense() {
        Logging<Trip> logging = Logging.of(Trip.class);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> logging.sample(0))
                .withMessage("a share of the predictions is above 0 and at most 1, found 0.0; to log none, say"
                        + " durability(NONE)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> logging.only("distanse"))
                .withMessage("no column \"distanse\"; the columns are distance, origin, riders");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> logging.hashed(Trip::origin, new byte[15]))
                .withMessage("the key for the hash of column \"origin\" has 15 bytes, expected at least 16: with a"
                        + " short one, texts can be guessed");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> logging.hashed("riders", KEY))
                .withMessage("only a text can be hashed, column \"riders\" is INTEGER; leave it out with only(...)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> logging.keepPredictions(Duration.ofMillis(999)))
                .withMessage("keepPredictions takes a second or more, found PT0.999S");
        assertThatIllegalArgumentException().isThrownBy(() -> logging.only(new String[0]));
        assertThatIllegalStateException()
                .isThrownBy(() -> logging.sample(0.5).sample(0.6))
                .withMessage("option sample of logging was already set to 0.5");
        assertThatIllegalStateException()
                .isThrownBy(() -> logging.hashed("origin", KEY).hashed("origin", KEY))
                .withMessage("option hashed of logging was already set to column \"origin\"");
        assertThatIllegalStateException()
                .isThrownBy(() -> Logging.<Trip>everything().only(Trip::distance))
                .withMessage("inputs of any type have no accessors: name the column by its text");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        PredictionLog.open(root, Flights.TYPE, Logging.rows().only("none"), NOON))
                .withMessage("no column \"none\"; the columns are distance, origin");
    }

    @Test
    void logsOnlyThePartThatIsWanted() throws Exception {
        Logging<Row> logging = Logging.rows().only("distance").hashed("origin", KEY);
        try (PredictionLog<Row> log = PredictionLog.open(root, Flights.TYPE, logging, NOON)) {
            log.append(ids.next(), 1, Flights.row(3), 0.5, NOON);
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
        byte[] sum = mac.doFinal("airport 3".getBytes(StandardCharsets.UTF_8));
        assertThat(logged().values())
                .containsExactly(Row.of(
                        "distance", 3.5, "origin", HexFormat.of().formatHex(sum).substring(0, 32)));
    }

    @Test
    void leavesOutColumnsThatCannotBeMissing() {
        Schema schema = dev.flywheel.core.data.RecordType.of(Trip.class).schema();
        Logging<Trip> logging = Logging.of(Trip.class).only(Trip::distance);
        try (PredictionLog<Trip> log =
                PredictionLog.open(root, dev.flywheel.core.data.RecordType.of(Trip.class), logging, NOON)) {
            log.append(ids.next(), 1, new Trip(1, "a", 2), 0.5, NOON);
        }
        RowDecoder decoder = new RowDecoder(schema);
        List<String> found = new ArrayList<>();
        LogRecord.walk(root, 0, cursor -> {
            decoder.read(PredictionFrame.of(cursor, root).row());
            found.add(decoder.number(0) + " " + decoder.missing(1) + " " + decoder.missing(2));
        });
        assertThat(found).containsExactly("1.0 true true");
        assertThat(logging.logged(schema).column(0).nullable()).isFalse();
        assertThat(logging.logged(schema).column(2).nullable()).isTrue();
    }

    @Test
    void neverLogsAnExceptionAndServesOn() {
        Logging<Row> logging = Logging.rows().except(row -> {
            if (row.equals(Flights.row(2))) {
                throw new IllegalStateException("cannot tell");
            }
            return row.equals(Flights.row(1));
        });
        try (PredictionLog<Row> log = PredictionLog.open(root, Flights.TYPE, logging, NOON)) {
            for (int i = 0; i < 4; i++) {
                log.append(ids.next(), 1, Flights.row(i), i, NOON);
            }
            log.flush();
            assertThat(log.dropped()).as("where the rule failed").isEqualTo(1);
        }
        assertThat(logged().values()).containsExactly(Flights.row(0), Flights.row(3));
    }

    @Test
    void theIdSaysWhetherAPredictionIsInTheSample() {
        Logging<Row> tenth = Logging.rows().sample(0.1);
        Path predictions = root.resolve("predictions");
        try (PredictionLog<Row> log = PredictionLog.open(predictions, Flights.TYPE, tenth, NOON);
                FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"))) {
            Map<UUID, Double> labels = new LinkedHashMap<>();
            for (int i = 0; i < 20_000; i++) {
                UUID id = new UUID(ids.next().getMostSignificantBits(), 0x9E3779B97F4A7C15L * i);
                labels.put(id, 1.0);
                log.append(id, 1, Flights.row(1), i, NOON);
                if (i % 1_000 == 0) {
                    log.flush();
                }
            }
            log.flush();
            labels.put(UUID.randomUUID(), 1.0);
            feedback.feedback(labels, NOON);

            JoinReport report = join().run(Instant.MIN, Instant.MAX, example -> {});
            // ids are fixed but for their time; 20,000 draws of 0.1 are within 200 of 2,000 at 4.7 standard deviations
            assertThat(report.predictions()).isBetween(1_800L, 2_200L);
            assertThat(report.joined()).isEqualTo(report.predictions());
            assertThat(report.notLogged()).isEqualTo(20_000 - report.predictions());
            assertThat(report.unknown()).isEqualTo(1);
        }
    }

    @Test
    void knowsTheShareThatWasInForceWhenAPredictionWasMade() {
        Path predictions = root.resolve("predictions");
        UUID inside = between(0, 0.5);
        UUID early = outside(0.5);
        try (PredictionLog<Row> log =
                PredictionLog.open(predictions, Flights.TYPE, Logging.rows().sample(0.5), now)) {
            log.append(inside, 1, Flights.row(1), 1, now);
            log.append(early, 1, Flights.row(1), 1, now);
        }
        now = NOON.plusSeconds(3_600);
        PredictionLog.open(predictions, Flights.TYPE, Logging.rows(), now).close();
        now = NOON.plusSeconds(7_200);
        try (FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"))) {
            feedback.feedback(inside, 1, now);
            feedback.feedback(early, 1, now);
            feedback.feedback(outside(0.5), 1, now);
        }
        assertThat(Sampling.of(predictions).rates())
                .containsExactly(new Sampling.Rate(Instant.EPOCH, 0.5), new Sampling.Rate(NOON.plusSeconds(3_600), 1));
        JoinReport report = join().run(Instant.MIN, Instant.MAX, example -> {});
        assertThat(report.joined()).isEqualTo(1);
        assertThat(report.notLogged()).as("left out when it was made").isEqualTo(1);
        assertThat(report.unknown()).as("should be there").isEqualTo(1);
    }

    /** {@return an id that is not in a sample} */
    private UUID outside(double rate) {
        while (true) {
            UUID id = ids.next();
            if (!Sampling.sampled(id.getMostSignificantBits(), id.getLeastSignificantBits(), rate)) {
                return id;
            }
        }
    }

    @Test
    void anIdBelongsToTheShareOfItsTime() {
        Sampling sampling =
                new Sampling(List.of(new Sampling.Rate(Instant.EPOCH, 0.25), new Sampling.Rate(NOON, 0.75)));
        now = NOON.minusSeconds(3_600);
        UUID before = between(0.25, 0.75);
        now = NOON.minusSeconds(30);
        UUID about = between(0.25, 0.75);
        now = NOON.plusSeconds(3_600);
        UUID after = between(0.25, 0.75);

        assertThat(sampling.leftOut(before)).isTrue();
        assertThat(sampling.leftOut(about)).as("clocks differ").isFalse();
        assertThat(sampling.leftOut(after)).isFalse();
        assertThat(sampling.leftOut(outside(0.75))).isTrue();
        assertThat(sampling.leftOut(UUID.randomUUID())).isFalse();
    }

    private UUID between(double low, double high) {
        while (true) {
            UUID id = outside(low);
            if (Sampling.sampled(id.getMostSignificantBits(), id.getLeastSignificantBits(), high)) {
                return id;
            }
        }
    }

    @Test
    void logsNothingWhereNothingIsWanted() {
        Path predictions = root.resolve("predictions");
        UUID id = ids.next();
        Logging<Row> none = Logging.rows().durability(Durability.NONE);
        try (PredictionLog<Row> log = PredictionLog.open(predictions, Flights.TYPE, none, NOON);
                FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"), log)) {
            log.append(id, 1, Flights.row(1), 1, NOON);
            feedback.feedback(id, 1, NOON);
            log.acknowledge(id);
            assertThat(log.dropped()).isZero();
        }
        JoinReport report = join().run(Instant.MIN, Instant.MAX, example -> {});
        assertThat(report.predictions()).isZero();
        assertThat(report.notLogged()).isEqualTo(1);
    }

    @Test
    void anAcknowledgedPredictionIsOnTheDisk() throws Exception {
        Logging<Row> sure = Logging.rows().durability(Durability.ACKNOWLEDGED);
        try (PredictionLog<Row> log = PredictionLog.open(root, Flights.TYPE, sure, NOON)) {
            UUID one = ids.next();
            log.append(one, 1, Flights.row(1), 1, NOON);
            log.acknowledge(one);
            assertThat(logged()).containsOnlyKeys(one);
            UUID two = ids.next();
            log.append(two, 1, Flights.row(2), 2, NOON);
            log.acknowledged(two).get(30, TimeUnit.SECONDS);
            assertThat(logged()).containsOnlyKeys(one, two);
        }
    }

    @Test
    void aPredictionThatCannotBeLoggedIsNotAcknowledged() {
        RowType<Row> type = Flights.type(row -> {
            if (row.equals(Flights.row(1))) {
                throw new IllegalStateException("no such row");
            }
        });
        Logging<Row> sure = Logging.rows().durability(Durability.ACKNOWLEDGED);
        try (PredictionLog<Row> log = PredictionLog.open(root, type, sure, NOON)) {
            UUID bad = ids.next();
            UUID worse = ids.next();
            UUID good = ids.next();
            log.append(bad, 1, Flights.row(1), 1, NOON);
            log.append(worse, 1, Flights.row(1), 1, NOON);
            log.append(good, 1, Flights.row(2), 2, NOON);

            log.acknowledge(good);
            assertThatExceptionOfType(StoreException.class)
                    .isThrownBy(() -> log.acknowledge(bad))
                    .withMessage("logging prediction " + bad + " to " + root
                            + ": it could not be written, so it was not acknowledged. Fix: predict again once the disk"
                            + " takes writes; the log says why it failed.");
            assertThatExceptionOfType(CompletionException.class)
                    .isThrownBy(() -> log.acknowledged(worse).join())
                    .withCauseInstanceOf(StoreException.class);
        }
    }

    @Test
    void aBatchedPredictionWaitsForNothing() {
        CountDownLatch stuck = new CountDownLatch(1);
        RowType<Row> type = Flights.type(row -> {
            try {
                stuck.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        try (PredictionLog<Row> log = PredictionLog.open(root, type, Logging.rows(), NOON)) {
            UUID id = ids.next();
            log.append(id, 1, Flights.row(1), 1, NOON);
            // would wait for ever if it waited
            log.acknowledge(id);
            assertThat(log.acknowledged(id)).isCompleted();
            stuck.countDown();
        }
    }

    private FeedbackJoin join() {
        return new FeedbackJoin(
                root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, Duration.ofDays(1));
    }

    private Map<UUID, Row> logged() {
        Map<UUID, Row> found = new LinkedHashMap<>();
        RowDecoder decoder = new RowDecoder(Flights.SCHEMA);
        try (LogCursor cursor = LogCursor.open(root, 0)) {
            while (cursor.next()) {
                PredictionFrame frame = PredictionFrame.of(cursor, root);
                found.put(frame.id(), Flights.TYPE.read(decoder.read(frame.row())));
            }
        }
        return found;
    }
}
