package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.pipeline.flywheel.DeadLetters.Letter;
import dev.flywheel.pipeline.flywheel.Feedback.Kind;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Joined;
import dev.flywheel.pipeline.flywheel.LabelReport.Cohort;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackKindsTest {

    private static final Instant START = Instant.parse("2026-01-31T12:00:00Z");

    @TempDir
    Path root;

    private PredictionLog<Row> predictions;
    private FeedbackLog feedback;
    private Instant now = START;
    private final PredictionIds ids = new PredictionIds(() -> now);
    private final Map<UUID, String> joined = new LinkedHashMap<>();
    private final List<String> scores = new ArrayList<>();

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

    @Test
    void aCorrectionOutranksEveryLabel() {
        UUID before = predict();
        UUID after = predict();
        UUID twice = predict();
        feedback.feedback(before, 1, at(10));
        feedback.feedback(before, Feedback.correction(0.0), at(5));
        feedback.feedback(after, Feedback.correction(0.0), at(5));
        feedback.feedback(after, 1, at(10));
        feedback.feedback(twice, Feedback.correction(3.0), at(7));
        feedback.feedback(twice, Feedback.correction(2.0), at(6));
        feedback.feedback(twice, 1, at(8));

        JoinReport report = join();

        assertThat(joined)
                .containsExactly(
                        Map.entry(before, "0.0 1.0"), Map.entry(after, "0.0 1.0"), Map.entry(twice, "3.0 1.0"));
        assertThat(report.corrections()).isEqualTo(4);
        assertThat(report.duplicates()).isZero();
    }

    @Test
    void partialCreditIsAWeight() {
        UUID half = predict();
        UUID whole = predict();
        UUID less = predict();
        feedback.feedback(half, Feedback.partial(1.0, 0.5), at(1));
        feedback.feedback(half, Feedback.partial(1.0, 0.5), at(2));
        feedback.feedback(whole, Feedback.partial(1.0, 0.25), at(1));
        feedback.feedback(whole, 1, at(2));
        feedback.feedback(less, 1, at(1));
        feedback.feedback(less, Feedback.partial(1.0, 0), at(2));

        JoinReport report = join();

        assertThat(joined)
                .containsExactly(Map.entry(half, "1.0 0.5"), Map.entry(whole, "1.0 1.0"), Map.entry(less, "1.0 0.0"));
        assertThat(report.duplicates()).isEqualTo(1);
        assertThat(report.corrections()).isEqualTo(2);
    }

    @Test
    void satisfactionIsReportedAndNotLearnedFrom() {
        UUID scored = predict();
        UUID both = predict();
        UUID none = predict();
        feedback.feedback(scored, Feedback.satisfaction(4), at(2));
        feedback.feedback(scored, Feedback.satisfaction(2), at(1));
        feedback.feedback(both, Feedback.satisfaction(1), at(1));
        feedback.feedback(both, 1, at(1));
        feedback.feedback(both, Feedback.satisfaction(1), at(1));

        JoinReport report = join();

        assertThat(joined).containsOnlyKeys(both);
        assertThat(scores).containsExactly(scored + " 4.0", both + " 1.0");
        assertThat(report.never()).isEqualTo(2);
        assertThat(report.satisfied()).isEqualTo(2);
        assertThat(report.satisfaction()).isEqualTo(2.5);
        assertThat(report.duplicates() + report.corrections()).isZero();
        assertThat(none).isNotIn(joined.keySet());
    }

    @Test
    void readsRecordsOfTheFirstFormat() {
        UUID id = predict();
        feedback.close();
        try (SegmentLog log = SegmentLog.open(root.resolve("feedback"))) {
            ByteBuffer old = ByteBuffer.allocate(33).put((byte) 1);
            old.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
            log.append(old.putLong(Micros.of(at(3))).putDouble(0.75).flip());
        }
        feedback = FeedbackLog.open(root.resolve("feedback"), predictions);

        JoinReport unused = join();
        assertThat(joined).containsExactly(Map.entry(id, "0.75 1.0"));
    }

    @Test
    void refusesAKindOfANewerLibrary() {
        feedback.close();
        try (SegmentLog log = SegmentLog.open(root.resolve("feedback"))) {
            log.append(ByteBuffer.allocate(42).put(0, (byte) 2).put(33, (byte) 4));
        }
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(this::join)
                .withMessage("reading record 0 of " + root.resolve("feedback")
                        + ": it has 42 bytes or a kind of feedback that this library does not know. Fix: upgrade the"
                        + " library.");
        feedback = FeedbackLog.open(root.resolve("feedback"), predictions);
    }

    @Test
    void saysWhatItIs() {
        assertThat(Feedback.label(true)).hasToString("label true").isEqualTo(Feedback.label(true));
        assertThat(Feedback.correction(2)).hasToString("correction 2").isNotEqualTo(Feedback.label(2));
        assertThat(Feedback.partial("a", 0.5).map(String::length)).isEqualTo(Feedback.partial(1, 0.5));
        assertThat(Feedback.partial("a", 0.5)).hasToString("label a with weight 0.5");
        Feedback<Boolean> thumb = Feedback.satisfaction(1);
        assertThat(thumb.outcome()).isEmpty();
        assertThat(thumb.score()).hasValue(1);
        assertThat(thumb.weight()).isZero();
        assertThat(thumb).hasToString("satisfaction 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Feedback.partial(1, 1.5))
                .withMessage("a weight is from 0 to 1, found 1.5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Feedback.satisfaction(Double.NaN))
                .withMessage("a score is a finite number, found NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> feedback.feedback(ids.next(), Feedback.correction(Double.NaN), START));
    }

    @Test
    void unknownFeedbackIsADeadLetterUntilItsPredictionTurnsUp() {
        UUID late = ids.next();
        UUID never = UUID.randomUUID();
        UUID known = predict();
        feedback.feedback(late, Feedback.partial(1.0, 0.5), at(1));
        feedback.feedback(never, Feedback.satisfaction(3), at(2));
        feedback.feedback(known, 1, at(2));
        assertThat(DeadLetters.of(root.resolve("feedback")).letters()).isEmpty();

        JoinReport first = feedback.sweep(joining(), at(60));

        assertThat(first.unknown()).isEqualTo(2);
        DeadLetters letters = DeadLetters.of(root.resolve("feedback"));
        assertThat(letters)
                .isEqualTo(new DeadLetters(
                        at(60),
                        2,
                        List.of(
                                new Letter(late, Kind.PARTIAL, 1, 0.5, at(1)),
                                new Letter(never, Kind.SATISFACTION, 3, 0, at(2)))));

        predictions.append(late, 1, Flights.row(1), 1, START);
        JoinReport second = feedback.sweep(joining(), at(120));

        assertThat(second.joined()).isEqualTo(2);
        assertThat(DeadLetters.of(root.resolve("feedback")).letters())
                .extracting(Letter::id)
                .containsExactly(never);
        join();
        assertThat(joined).containsEntry(late, "1.0 0.5");
    }

    @Test
    void keepsTheNewestDeadLettersAndCountsAll() {
        Map<UUID, Double> labels = new LinkedHashMap<>();
        for (int i = 0; i < DeadLetters.MOST + 5; i++) {
            labels.put(ids.next(), (double) i);
        }
        feedback.feedback(labels, START);
        feedback.sweep(joining(), START);

        DeadLetters letters = DeadLetters.of(root.resolve("feedback"));
        assertThat(letters.unknown()).isEqualTo(DeadLetters.MOST + 5);
        assertThat(letters.letters()).hasSize(DeadLetters.MOST);
        assertThat(letters.letters().get(0).value()).isEqualTo(5);
    }

    @Test
    void refusesToSweepWithAJoinOfAnotherLog() {
        FeedbackJoin other = new FeedbackJoin(root, root.resolve("other"), Flights.SCHEMA, Duration.ofDays(1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> feedback.sweep(other, START))
                .withMessage("the join reads " + root.resolve("other") + ", this log is " + root.resolve("feedback"));
    }

    @Test
    void tellsHowLongLabelsTakeAndHowManyComeAtWhichAge() {
        for (int i = 0; i < 100; i++) {
            now = START.plusSeconds(i);
            UUID id = predict();
            if (i < 80) {
                feedback.feedback(id, 1, now.plusSeconds(i < 72 ? 600 : 7_200));
                feedback.feedback(id, 0, now.plusSeconds(90_000));
            }
        }
        now = START.plus(Duration.ofDays(2));
        for (int i = 0; i < 10; i++) {
            predict();
        }
        LabelReport labels = joining()
                .run(Instant.MIN, Instant.MAX, example -> {}, now.plusSeconds(30))
                .labels();

        assertThat(labels.asOf()).isEqualTo(now.plusSeconds(30));
        assertThat(labels.cohorts())
                .containsExactly(
                        new Cohort(Duration.ZERO, Duration.ofMinutes(1), 10, 0),
                        new Cohort(Duration.ofDays(1), Duration.ofDays(3), 100, 80));
        assertThat(labels.rate(Duration.ZERO)).isEqualTo(80 / 110.0);
        assertThat(labels.rate(Duration.ofDays(1))).isEqualTo(0.8);
        assertThat(labels.rate(Duration.ofDays(7))).isZero();
        assertThat(labels.delays()).isEqualTo(80);
        // the first outcome counts, known to one part in sixteen
        assertThat(labels.delay(0.5)).isBetween(Duration.ofSeconds(600), Duration.ofSeconds(638));
        assertThat(labels.delay(0.9)).isBetween(Duration.ofSeconds(600), Duration.ofSeconds(638));
        assertThat(labels.delay(0.91)).isBetween(Duration.ofSeconds(7_200), Duration.ofSeconds(7_650));
        assertThat(labels.delay(1)).isBetween(Duration.ofSeconds(7_200), Duration.ofSeconds(7_650));
    }

    private UUID predict() {
        UUID id = ids.next();
        predictions.append(id, 1, Flights.row(1), 1, now);
        predictions.flush();
        return id;
    }

    private static Instant at(long second) {
        return START.plusSeconds(second);
    }

    private FeedbackJoin joining() {
        return new FeedbackJoin(
                root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, Duration.ofDays(30));
    }

    /** Joins in memory and in parts, which must find the same. */
    private JoinReport join() {
        List<String> inParts = new ArrayList<>();
        JoinReport parts = joining()
                .spillingTo(root)
                .inMemory(1)
                .run(Instant.MIN, Instant.MAX, new Receiver(new LinkedHashMap<>(), inParts));
        JoinReport report = joining().run(Instant.MIN, Instant.MAX, new Receiver(joined, scores));
        assertThat(parts).isEqualTo(report);
        assertThat(inParts).isEqualTo(scores);
        return report;
    }

    /** What a join found: labels with weights, and scores. */
    private record Receiver(Map<UUID, String> labels, List<String> scores) implements FeedbackJoin.Receiver {

        @Override
        public void joined(Joined example) {
            labels.put(example.id(), example.label() + " " + example.weight());
        }

        @Override
        public void satisfied(UUID id, int version, double score) {
            scores.add(id + " " + score);
        }
    }
}
