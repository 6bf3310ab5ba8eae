package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.model.PredictionIds;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;

/**
 * Joins predictions with their outcomes by id. Immutable and thread-safe; reads the logs as they are at the call, also
 * while others write them.
 *
 * <p>An outcome counts when it became known at most the patience after its prediction. The one that became known last
 * wins; of those at the same instant, the one that came last. The same label again is a duplicate and changes nothing,
 * another one is a correction. A later outcome is late: counted, not learned from. An outcome whose prediction is not
 * in the log is unknown: it stays in the log of feedback, and is joined once its prediction is there.
 *
 * <p>Memory: about 60 bytes for each prediction of the time asked for. Both logs are read from the start.
 */
public final class FeedbackJoin {

    // about what microseconds in a long can hold
    private static final Duration LONGEST = Duration.ofDays(100_000_000);

    private final Path predictions;
    private final Path feedback;
    private final Schema rows;
    private final long patience;

    /**
     * @param predictions the directory of a {@link PredictionLog}; flush it first to see the newest predictions
     * @param feedback the directory of a {@link FeedbackLog}
     * @param rows the schema of the rows; predictions with rows of another one are counted and passed over
     * @param patience how long after its prediction an outcome counts
     */
    public FeedbackJoin(Path predictions, Path feedback, Schema rows, Duration patience) {
        this.predictions = predictions.toAbsolutePath();
        this.feedback = feedback.toAbsolutePath();
        this.rows = Objects.requireNonNull(rows, "rows");
        if (patience.isNegative()) {
            throw new IllegalArgumentException("patience must not be negative, found " + patience);
        }
        this.patience = Micros.of(patience.compareTo(LONGEST) > 0 ? LONGEST : patience);
    }

    /**
     * A prediction with its outcome.
     *
     * @param id the prediction's id
     * @param version the number of the model version that made it
     * @param row the input; valid only during the call that hands it out
     * @param output the model's raw output
     * @param label what came of it
     * @param at when it was predicted
     */
    public record Joined(UUID id, int version, RowReader row, double output, double label, Instant at) {}

    /** Receives what a join finds, on the thread that joins. What a method throws ends the join. */
    public interface Receiver {

        /** Takes a prediction with its outcome, in the order in which predictions were logged. */
        void joined(Joined example);

        /** Takes a prediction whose outcome came, but too late. */
        default void late(UUID id) {}

        /** Takes a prediction that has had no outcome. */
        default void never(UUID id) {}

        /** Takes an outcome whose prediction is not in the log. */
        default void unknown(UUID id, double label, Instant at) {}
    }

    /**
     * Joins the predictions of a span of time with all outcomes there are.
     *
     * @param from the first time of prediction
     * @param to the time of prediction at which the span ends; a prediction at this time is not in it
     * @param receiver takes what is found
     * @throws StoreException if a log is damaged or cannot be read
     */
    public JoinReport run(Instant from, Instant to, Receiver receiver) {
        JoinReport.Counter counter = new JoinReport.Counter();
        long start = clamp(from);
        long end = clamp(to);
        JoinTable table = predicted(start, end);
        outcomes(table, start, end, receiver, counter);
        give(table, receiver, counter);
        return counter.report();
    }

    /** The first walk: which predictions there are. */
    private JoinTable predicted(long start, long end) {
        JoinTable table = new JoinTable();
        walk(predictions, cursor -> {
            PredictionFrame frame = PredictionFrame.of(cursor, predictions);
            long micros = frame.micros();
            boolean inside = micros >= start && micros < end;
            // an id runs ahead of its prediction where the clock was set back, so one outside can look like one inside
            if (inside || belongs(frame.id(), start, end)) {
                table.add(frame.high(), frame.low(), micros, inside ? 0 : JoinTable.OUTSIDE);
            }
        });
        return table;
    }

    /** The second walk: what came of them. */
    private void outcomes(JoinTable table, long start, long end, Receiver receiver, JoinReport.Counter counter) {
        walk(feedback, cursor -> {
            FeedbackFrame frame = FeedbackFrame.of(cursor, feedback);
            int slot = table.find(frame.high(), frame.low());
            if (slot >= 0) {
                if (!table.is(slot, JoinTable.OUTSIDE)) {
                    take(table, slot, frame, counter);
                }
            } else if (belongs(frame.id(), start, end)) {
                counter.unknown++;
                receiver.unknown(frame.id(), frame.label(), Micros.instant(frame.micros()));
            }
        });
    }

    private void take(JoinTable table, int slot, FeedbackFrame frame, JoinReport.Counter counter) {
        long micros = frame.micros();
        if (micros - patience > table.predicted(slot)) {
            counter.lateOutcomes++;
            table.set(slot, JoinTable.LATE);
        } else if (!table.is(slot, JoinTable.LABELLED)) {
            table.label(slot, frame.label(), micros);
        } else {
            if (table.label(slot) == frame.label()) {
                counter.duplicates++;
            } else {
                counter.corrections++;
            }
            if (micros >= table.labelled(slot)) {
                table.label(slot, frame.label(), micros);
            }
        }
    }

    /** The third walk: predictions with their outcomes. */
    private void give(JoinTable table, Receiver receiver, JoinReport.Counter counter) {
        RowDecoder decoder = new RowDecoder(rows);
        walk(predictions, cursor -> {
            PredictionFrame frame = PredictionFrame.of(cursor, predictions);
            int slot = table.find(frame.high(), frame.low());
            if (slot < 0 || table.is(slot, JoinTable.OUTSIDE | JoinTable.SEEN)) {
                return;
            }
            table.set(slot, JoinTable.SEEN);
            ByteBuffer row = frame.row();
            counter.predictions++;
            if (!decoder.fits(row)) {
                counter.otherSchema++;
            } else if (table.is(slot, JoinTable.LABELLED)) {
                counter.joined++;
                receiver.joined(new Joined(
                        frame.id(),
                        frame.version(),
                        decoder.read(row),
                        frame.output(),
                        table.label(slot),
                        Micros.instant(frame.micros())));
            } else if (table.is(slot, JoinTable.LATE)) {
                counter.late++;
                receiver.late(frame.id());
            } else {
                counter.never++;
                receiver.never(frame.id());
            }
        });
    }

    private interface Visitor {
        void visit(LogCursor cursor);
    }

    private static void walk(Path log, Visitor visitor) {
        if (!Files.isDirectory(log)) {
            return;
        }
        try (LogCursor cursor = LogCursor.open(log, 0)) {
            while (cursor.next()) {
                visitor.visit(cursor);
            }
        }
    }

    /** An id of ours tells its time, so an outcome of another span is not taken for an unknown one. */
    private static boolean belongs(UUID id, long start, long end) {
        if (id.version() != 7) {
            return true;
        }
        long micros = Micros.of(PredictionIds.time(id));
        return micros >= start && micros < end;
    }

    private static long clamp(Instant at) {
        if (at.isBefore(Micros.instant(Long.MIN_VALUE))) {
            return Long.MIN_VALUE;
        }
        return at.isAfter(Micros.instant(Long.MAX_VALUE)) ? Long.MAX_VALUE : Micros.of(at);
    }
}
