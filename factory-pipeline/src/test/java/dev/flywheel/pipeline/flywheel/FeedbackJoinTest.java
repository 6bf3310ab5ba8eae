package dev.flywheel.pipeline.flywheel;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Joined;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackJoinTest {

    private static final Instant START = Instant.parse("2026-01-31T12:00:00Z");
    private static final Duration PATIENCE = Duration.ofSeconds(1_000);

    @TempDir
    Path root;

    private PredictionLog<Row> predictions;
    private FeedbackLog feedback;
    private Instant now = START;
    private final PredictionIds ids = new PredictionIds(() -> now);
    private final Found found = new Found();

    @BeforeEach
    void open() {
        predictions = PredictionLog.open(root.resolve("predictions"), Flights.TYPE);
        feedback = FeedbackLog.open(root.resolve("feedback"), predictions);
    }

    @AfterEach
    void close() {
        feedback.close();
        predictions.close();
    }

    /** What a join found. */
    private static final class Found implements FeedbackJoin.Receiver {
        final Map<UUID, Double> joined = new LinkedHashMap<>();
        final List<UUID> late = new ArrayList<>();
        final List<UUID> never = new ArrayList<>();
        final List<UUID> unknown = new ArrayList<>();
        final Map<UUID, Double> weights = new HashMap<>();
        final Map<UUID, Double> scores = new LinkedHashMap<>();

        @Override
        public void joined(Joined example) {
            weights.put(example.id(), example.weight());
            assertThat(joined.put(example.id(), example.label())).isNull();
        }

        @Override
        public void late(UUID id) {
            late.add(id);
        }

        @Override
        public void never(UUID id) {
            never.add(id);
        }

        @Override
        public void satisfied(UUID id, int version, double score) {
            assertThat(version).isEqualTo(1);
            assertThat(scores.put(id, score)).isNull();
        }

        @Override
        public void unknown(UUID id, Feedback<Double> outcome, Instant at) {
            unknown.add(id);
        }
    }

    @Test
    void joinsAsTheReferenceDoes() throws IOException {
        JsonNode reference = reference("delayed_join");
        Map<String, UUID> named = new HashMap<>();
        for (JsonNode p : reference.get("predictions")) {
            now = START.plusSeconds(p.get("ts").asLong());
            UUID id = ids.next();
            named.put(p.get("id").asText(), id);
            predictions.append(id, 1, Flights.row(1), p.get("score").asDouble(), now);
        }
        for (JsonNode f : reference.get("feedback")) {
            Instant at = START.plusSeconds(f.get("ts").asLong());
            UUID id = named.computeIfAbsent(f.get("id").asText(), unknown -> ids.next());
            feedback.feedback(id, f.get("label").asDouble(), at);
        }

        JoinReport report = new FeedbackJoin(
                        root.resolve("predictions"),
                        root.resolve("feedback"),
                        Flights.SCHEMA,
                        Duration.ofSeconds(reference.get("window").asLong()))
                .run(START, START.plusSeconds(100), found);

        JsonNode expected = reference.get("expected");
        Map<UUID, Double> joined = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> e : expected.get("joined").properties()) {
            joined.put(named.get(e.getKey()), e.getValue().asDouble());
        }
        assertThat(found.joined).isEqualTo(joined);
        assertThat(found.late).isEqualTo(idsOf(named, expected.get("late")));
        assertThat(found.unknown).isEqualTo(idsOf(named, expected.get("unknown")));
        assertThat(found.never).isEqualTo(idsOf(named, expected.get("never")));
        assertThat(report.duplicates()).isEqualTo(expected.get("duplicates").asLong());
        assertThat(report.corrections()).isEqualTo(expected.get("corrections").asLong());
        assertThat(report.labelRate()).isEqualTo(expected.get("label_rate").asDouble());
        assertThat(counts(report)).containsExactly(4L, 2L, 1L, 1L, 0L, 1L, 1L, 1L, 1L);
    }

    private static List<UUID> idsOf(Map<String, UUID> named, JsonNode names) {
        List<UUID> ids = new ArrayList<>();
        names.forEach(name -> ids.add(named.get(name.asText())));
        return ids;
    }

    @Test
    void givesTheRowWithEverythingKnownOfIt() {
        now = START.plusNanos(123_456_000);
        UUID id = ids.next();
        predictions.append(id, 7, Flights.row(3), 0.75, now);
        feedback.feedback(id, 1, START.plusSeconds(5));
        List<Joined> examples = new ArrayList<>();

        both().run(START, START.plusSeconds(1), example -> {
            assertThat(Flights.TYPE.read(example.row())).isEqualTo(Flights.row(3));
            examples.add(example);
        });

        assertThat(examples).hasSize(1);
        Joined example = examples.get(0);
        assertThat(example.id()).isEqualTo(id);
        assertThat(example.version()).isEqualTo(7);
        assertThat(example.output()).isEqualTo(0.75);
        assertThat(example.label()).isEqualTo(1);
        assertThat(example.at()).isEqualTo(now);
    }

    @Test
    void theOutcomeThatBecameKnownLastWinsHoweverTheyCome() {
        UUID id = predict(0);
        feedback.feedback(id, 3, START.plusSeconds(30));
        feedback.feedback(id, 1, START.plusSeconds(10));
        feedback.feedback(id, 2, START.plusSeconds(20));

        assertThat(join().corrections()).isEqualTo(2);
        assertThat(found.joined).containsExactly(Map.entry(id, 3.0));
    }

    @Test
    void ofTwoOutcomesAtOneInstantTheLaterCallWins() {
        UUID id = predict(0);
        feedback.feedback(id, 1, START);
        feedback.feedback(id, 0, START);

        join();
        assertThat(found.joined).containsExactly(Map.entry(id, 0.0));
    }

    @Test
    void aLateCorrectionChangesNothingButIsCounted() {
        UUID id = predict(0);
        feedback.feedback(id, 1, START.plus(PATIENCE));
        feedback.feedback(id, 0, START.plus(PATIENCE).plusNanos(1_000));

        JoinReport report = join();

        assertThat(found.joined).containsExactly(Map.entry(id, 1.0));
        assertThat(counts(report)).containsExactly(1L, 1L, 0L, 0L, 0L, 0L, 0L, 0L, 1L);
    }

    @Test
    void takesThePredictionsOfTheSpanAlone() {
        UUID before = predict(-1);
        UUID first = predict(0);
        UUID last = predict(9);
        UUID after = predict(10);
        UUID longAfter = predict(10_000);
        for (UUID id : List.of(before, first, last, after, longAfter)) {
            feedback.feedback(id, 1, START);
        }

        JoinReport report = join(START, START.plusSeconds(10), found);

        assertThat(found.joined).containsOnlyKeys(first, last);
        assertThat(found.unknown).isEmpty();
        assertThat(report.predictions()).isEqualTo(2);
    }

    @Test
    void anUnknownOutcomeIsJoinedWhenItsPredictionComes() {
        UUID id = ids.next();
        UUID foreign = UUID.randomUUID();
        feedback.feedback(id, 1, START);
        feedback.feedback(foreign, 1, START);
        assertThat(join().unknown()).isEqualTo(2);
        assertThat(found.unknown).containsExactly(id, foreign);

        predictions.append(id, 1, Flights.row(1), 1, START);
        predictions.append(foreign, 1, Flights.row(1), 1, START);
        predictions.flush();

        assertThat(join().unknown()).isZero();
        assertThat(found.joined).containsOnlyKeys(id, foreign);
    }

    @Test
    void aPredictionLoggedTwiceCountsOnce() {
        UUID id = predict(0);
        predictions.append(id, 1, Flights.row(1), 1, START);
        feedback.feedback(id, 1, START);

        assertThat(join().predictions()).isEqualTo(1);
    }

    @Test
    void countsRowsOfAnotherSchemaAndGoesOn() {
        UUID id = predict(0);
        feedback.feedback(id, 1, START);
        Schema changed = Schema.of(new Column("distance", ColumnType.NUMBER, true));

        JoinReport report = new FeedbackJoin(root.resolve("predictions"), root.resolve("feedback"), changed, PATIENCE)
                .run(START, START.plusSeconds(1), found);

        assertThat(counts(report)).containsExactly(1L, 0L, 0L, 0L, 1L, 0L, 0L, 0L, 0L);
        assertThat(found.joined).isEmpty();
    }

    @Test
    void findsNothingWhereNothingWasLogged() {
        JoinReport report = new FeedbackJoin(
                        root.resolve("none"),
                        root.resolve("nothing"),
                        Flights.SCHEMA,
                        Duration.ofSeconds(Long.MAX_VALUE))
                .run(Instant.MIN, Instant.MAX, found);

        assertThat(counts(report)).containsExactly(0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L);
        assertThat(report.labelRate()).isZero();
    }

    @Test
    void refusesRecordsOfANewerFormat() {
        feedback.close();
        try (SegmentLog log = SegmentLog.open(root.resolve("feedback"))) {
            log.append(new byte[] {3, 0, 0});
        }
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(this::join)
                .withMessage("reading record 0 of " + root.resolve("feedback")
                        + ": its format is 3 with 3 bytes, this library reads format 2 with at least 33. Fix: upgrade"
                        + " the library.");
        feedback = FeedbackLog.open(root.resolve("feedback"));
    }

    @Test
    void refusesNegativePatience() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new FeedbackJoin(root, root, Flights.SCHEMA, Duration.ofSeconds(-1)))
                .withMessage("patience must not be negative, found PT-1S");
    }

    @Test
    void knowsAPredictionMadeAfterTheClockWasSetBack() {
        predict(50);
        UUID behind = predict(-3_600);
        feedback.feedback(Map.of(behind, 1.0), START.plusSeconds(60));

        JoinReport report = join();

        assertThat(PredictionIds.time(behind)).isEqualTo(START.plusSeconds(50));
        assertThat(report.predictions()).isEqualTo(1);
        assertThat(report.unknown()).isZero();
    }

    @Test
    void agreesWithAPlainMapOnRandomHistories() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<UUID> all = new ArrayList<>();
        Map<UUID, Instant> predicted = new HashMap<>();
        for (int i = 0; i < 5_000; i++) {
            now = START.plusSeconds(random.nextInt(10_000));
            UUID id = new UUID(ids.next().getMostSignificantBits(), random.nextLong());
            all.add(id);
            predicted.put(id, now);
            predictions.append(id, 1, Flights.row(i), i, now);
        }
        Map<UUID, TreeMap<Instant, Double>> outcomes = new HashMap<>();
        for (int batch = 0; batch < 20; batch++) {
            Map<UUID, Double> labels = new HashMap<>();
            Instant at = START.plusSeconds(random.nextInt(12_000));
            for (int i = 0; i < 300; i++) {
                labels.put(all.get(random.nextInt(all.size())), (double) random.nextInt(2));
            }
            feedback.feedback(labels, at);
            labels.forEach((id, label) -> {
                if (!at.isAfter(requireNonNull(predicted.get(id)).plus(PATIENCE))) {
                    outcomes.computeIfAbsent(id, none -> new TreeMap<>()).put(at, label);
                }
            });
        }
        Map<UUID, Double> expected = new HashMap<>();
        Instant from = START.plusSeconds(2_000);
        Instant to = START.plusSeconds(7_000);
        outcomes.forEach((id, labels) -> {
            Instant made = requireNonNull(predicted.get(id));
            if (!made.isBefore(from) && made.isBefore(to)) {
                expected.put(id, labels.lastEntry().getValue());
            }
        });

        JoinReport report = join(from, to, found);

        assertThat(found.joined).as("seed %d", seed).isEqualTo(expected);
        assertThat(report.joined() + report.late() + report.never())
                .isEqualTo(report.predictions())
                .isEqualTo(predicted.values().stream()
                        .filter(at -> !at.isBefore(from) && at.isBefore(to))
                        .count());
        assertThat(report.unknown()).isZero();
    }

    private UUID predict(long second) {
        now = START.plusSeconds(second);
        UUID id = ids.next();
        predictions.append(id, 1, Flights.row(1), 1, now);
        return id;
    }

    private JoinReport join() {
        return join(START, START.plusSeconds(100), found);
    }

    /** Joins in memory and in parts, which must find the same in the same order. */
    private JoinReport join(Instant from, Instant to, Found receiver) {
        Found whole = new Found();
        Found parts = new Found();
        JoinReport report = both().run(from, to, whole);
        assertThat(both().inMemory(1).run(from, to, parts)).isEqualTo(report);
        assertThat(List.copyOf(parts.joined.entrySet())).isEqualTo(List.copyOf(whole.joined.entrySet()));
        assertThat(parts.late).isEqualTo(whole.late);
        assertThat(parts.never).isEqualTo(whole.never);
        assertThat(parts.unknown).isEqualTo(whole.unknown);
        assertThat(parts.weights).isEqualTo(whole.weights);
        assertThat(List.copyOf(parts.scores.entrySet())).isEqualTo(List.copyOf(whole.scores.entrySet()));
        receiver.joined.putAll(whole.joined);
        receiver.late.addAll(whole.late);
        receiver.never.addAll(whole.never);
        receiver.unknown.addAll(whole.unknown);
        receiver.weights.putAll(whole.weights);
        receiver.scores.putAll(whole.scores);
        return report;
    }

    private FeedbackJoin both() {
        return new FeedbackJoin(root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, PATIENCE)
                .spillingTo(root);
    }

    /** What the report counts, but for satisfaction. */
    private static List<Long> counts(JoinReport report) {
        return List.of(
                report.predictions(),
                report.joined(),
                report.late(),
                report.never(),
                report.otherSchema(),
                report.unknown(),
                report.duplicates(),
                report.corrections(),
                report.lateOutcomes());
    }

    private static JsonNode reference(String kind) throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared/vectors"))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/vectors beside the checkout");
        Path file = requireNonNull(folder).resolve("shared/vectors/delayed_labels.json");
        for (JsonNode c : new ObjectMapper().readTree(file.toFile()).get("cases")) {
            if (c.get("kind").asText().equals(kind)) {
                return c;
            }
        }
        throw new IllegalStateException("no case of kind " + kind);
    }
}
