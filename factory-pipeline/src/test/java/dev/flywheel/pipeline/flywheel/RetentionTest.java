package dev.flywheel.pipeline.flywheel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Row;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.core.model.PredictionIds;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RetentionTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration KEPT = Duration.ofDays(8);

    @TempDir
    Path root;

    private Instant now = START;
    private final PredictionIds ids = new PredictionIds(() -> now);
    private final List<UUID> all = new ArrayList<>();

    @Test
    void deletesWhatIsTooOldWhileTheLogsAreOpen() {
        Logging<Row> logging = Logging.rows().keepPredictions(KEPT).keepFeedback(KEPT.multipliedBy(2));
        try (PredictionLog<Row> predictions =
                        PredictionLog.open(root.resolve("predictions"), Flights.TYPE, logging, now);
                FeedbackLog feedback = FeedbackLog.open(root.resolve("feedback"), predictions)) {
            for (int hour = 0; hour < 24 * 30; hour++) {
                UUID id = ids.next();
                all.add(id);
                predictions.append(id, 1, Flights.row(hour), hour, now);
                feedback.feedback(id, hour, now);
                predictions.flush();
                predictions.expire(now);
                feedback.expire(now);
                now = now.plus(Duration.ofHours(1));
            }
            // nothing younger is deleted, and what is older goes an eighth of the time later, and the files' hour
            int oldestPrediction = all.size() - size("predictions");
            int oldestOutcome = all.size() - size("feedback");
            assertThat(24 * 30 - oldestPrediction).isBetween(8 * 24, 9 * 24 + 4);
            assertThat(24 * 30 - oldestOutcome).isBetween(16 * 24, 18 * 24 + 4);

            List<UUID> joined = new ArrayList<>();
            JoinReport report = join(joined);
            assertThat(joined).isEqualTo(all.subList(oldestPrediction, all.size()));
            assertThat(report.unknown()).isZero();
            assertThat(report.notLogged()).isEqualTo(size("feedback") - joined.size());
        }
        try (PredictionLog<Row> again = PredictionLog.open(root.resolve("predictions"), Flights.TYPE, logging, now)) {
            now = now.plus(Duration.ofDays(365));
            again.expire(now);
            again.expire(now.plus(Duration.ofDays(1)));
            assertThat(size("predictions"))
                    .as("the newest file was ended and deleted, too")
                    .isZero();
            assertThat(join(new ArrayList<>()).predictions()).isZero();
            again.append(ids.next(), 1, Flights.row(1), 1, now);
            again.flush();
            assertThat(size("predictions")).isEqualTo(1);
        }
    }

    @Test
    void keepsAFileForItsNewestRecord() {
        Logging<Row> logging = Logging.rows().keepPredictions(KEPT);
        try (PredictionLog<Row> log = PredictionLog.open(root.resolve("predictions"), Flights.TYPE, logging, now)) {
            log.append(ids.next(), 1, Flights.row(1), 1, START);
            // a clock that ran ahead
            log.append(ids.next(), 1, Flights.row(2), 2, START.plus(Duration.ofDays(10)));
            log.append(ids.next(), 1, Flights.row(3), 3, START);
            log.flush();
            log.expire(START.plus(Duration.ofDays(9)));
            log.append(ids.next(), 1, Flights.row(4), 4, START.plus(Duration.ofDays(9)));
            log.flush();
            log.expire(START.plus(Duration.ofDays(11)));
            assertThat(size("predictions")).isEqualTo(4);

            log.expire(START.plus(Duration.ofDays(19)));
            assertThat(size("predictions")).isLessThan(4);
        }
    }

    @Test
    void deletesNothingUnlessTold() {
        try (PredictionLog<Row> log = PredictionLog.open(root.resolve("predictions"), Flights.TYPE)) {
            log.append(ids.next(), 1, Flights.row(1), 1, START);
            log.flush();
            log.expire(START.plus(Duration.ofDays(10_000)));
            log.expire(START.plus(Duration.ofDays(20_000)));
            assertThat(size("predictions")).isEqualTo(1);
            assertThat(SegmentLog.segments(root.resolve("predictions"))).hasSize(1);
        }
    }

    private int size(String log) {
        int size = 0;
        try (LogCursor cursor = LogCursor.open(root.resolve(log), 0)) {
            while (cursor.next()) {
                size++;
            }
        }
        return size;
    }

    private JoinReport join(List<UUID> joined) {
        return new FeedbackJoin(
                        root.resolve("predictions"), root.resolve("feedback"), Flights.SCHEMA, Duration.ofDays(1))
                .run(Instant.MIN, Instant.MAX, example -> joined.add(example.id()));
    }
}
