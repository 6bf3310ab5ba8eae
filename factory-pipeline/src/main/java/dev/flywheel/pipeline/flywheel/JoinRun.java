package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.RowDecoder;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Joined;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Receiver;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One join: predictions are read, then feedback, then predictions again to hand them out. Not thread-safe.
 *
 * <p>Only the middle step needs memory, so it alone is done in parts where there is much: predictions and feedback go
 * to a part by a hash of the id, each part is joined on its own, and what was found is read back in the order in which
 * predictions were logged.
 */
final class JoinRun {

    // nothing is known of it but that it was given out before
    private static final byte AGAIN = -1;
    private static final int MOST_PARTS = 512;
    // of a record's frame, and of the presence bits and the schema's hash of its row
    private static final int LEAST_BYTES = 8 + PredictionFrame.HEADER_BYTES + 9;

    private final Path predictions;
    private final Path feedback;
    private final Span span;
    private final Receiver receiver;
    private final @Nullable Instant now;
    private final RowDecoder decoder;
    private final Sampling sampling;
    private final boolean deleted;

    private final JoinReport.Counter counter = new JoinReport.Counter();
    private final FeedbackRules rules;
    private final Fate fate = new Fate();
    private long newest = Long.MIN_VALUE;
    private long oldestId = Long.MAX_VALUE;
    // of the predictions that the first walk has seen
    private long end;

    /** What is known of the prediction that is looked at. */
    private static final class Fate {
        int state;
        double label;
        double weight;
        double score;

        void of(JoinTable table, int slot) {
            state = table.state(slot);
            label = table.label(slot);
            weight = table.weight(slot);
            score = table.score(slot);
        }

        boolean is(int flag) {
            return (state & flag) != 0;
        }
    }

    JoinRun(Path predictions, Path feedback, Schema rows, Span span, Receiver receiver, @Nullable Instant now) {
        this.predictions = predictions;
        this.feedback = feedback;
        this.span = span;
        this.receiver = receiver;
        this.now = now;
        this.decoder = new RowDecoder(rows);
        this.rules = new FeedbackRules(span, counter);
        this.sampling = Sampling.of(predictions);
        List<Long> segments = Files.isDirectory(predictions) ? SegmentLog.segments(predictions) : List.of();
        this.deleted = !segments.isEmpty() && segments.get(0) > 0;
    }

    /** {@return in how many parts the join is to be made if a part holds so many predictions} */
    int parts(int most) {
        if (!Files.isDirectory(predictions)) {
            return 1;
        }
        long records = SegmentLog.bytes(predictions) / LEAST_BYTES;
        if (records <= most) {
            return 1;
        }
        int parts = 2;
        while (parts < MOST_PARTS && (long) parts * most / 2 < records) {
            parts *= 2;
        }
        return parts;
    }

    JoinReport inMemory() {
        JoinTable table = new JoinTable();
        predicted((cursor, frame, flags) -> table.add(frame.high(), frame.low(), frame.micros(), flags));
        LogRecord.walk(feedback, 0, cursor -> {
            FeedbackFrame frame = FeedbackFrame.of(cursor, feedback);
            newest = Math.max(newest, frame.micros());
            if (!rules.took(table, frame)) {
                unknown(frame);
            }
        });
        LogRecord.walk(predictions, 0, cursor -> {
            PredictionFrame frame = PredictionFrame.of(cursor, predictions);
            int slot = table.find(frame.high(), frame.low());
            if (slot >= 0 && !table.is(slot, JoinTable.OUTSIDE | JoinTable.SEEN)) {
                fate.of(table, slot);
                table.set(slot, JoinTable.SEEN);
                give(frame);
            }
        });
        return report();
    }

    JoinReport inParts(int parts, @Nullable Path scratch) {
        try (Spill spill = Spill.open(scratch, parts)) {
            Parts files = new Parts(spill);
            predicted((cursor, frame, flags) -> {
                ByteBuffer to = files.predictions.add(part(frame.high(), frame.low(), parts));
                to.putLong(cursor.sequence()).putLong(frame.high()).putLong(frame.low());
                to.putLong(frame.micros()).put((byte) flags);
            });
            files.predictions.written();
            LogRecord.walk(feedback, 0, cursor -> {
                FeedbackFrame frame = FeedbackFrame.of(cursor, feedback);
                newest = Math.max(newest, frame.micros());
                ByteBuffer to = files.feedback.add(part(frame.high(), frame.low(), parts));
                frame.copyTo(to.putLong(cursor.sequence()));
            });
            files.feedback.written();
            for (int part = 0; part < parts; part++) {
                joinPart(files, part);
            }
            Spill.Merge unknowns = files.unknown.merge();
            for (ByteBuffer record = unknowns.next(); record != null; record = unknowns.next()) {
                unknown(new FeedbackFrame(record.slice(8, FeedbackFrame.BYTES)));
            }
            giveFound(files.found.merge());
        }
        return report();
    }

    /** The files: what is known of each part, then what was found. Every record begins with its sequence. */
    private record Parts(
            Spill.Records predictions, Spill.Records feedback, Spill.Records unknown, Spill.Records found) {

        Parts(Spill spill) {
            this(
                    spill.records("predictions", 8 + 16 + 8 + 1),
                    spill.records("feedback", 8 + FeedbackFrame.BYTES),
                    spill.records("unknown", 8 + FeedbackFrame.BYTES),
                    spill.records("found", 8 + 1 + 8 + 8 + 8));
        }
    }

    private static int part(long high, long low, int parts) {
        return (int) Sampling.hash(high, low) & parts - 1;
    }

    /** Takes a prediction of the first walk. */
    private interface Predicted {
        void take(LogCursor cursor, PredictionFrame frame, int flags);
    }

    /** The first walk: which predictions there are. */
    private void predicted(Predicted taker) {
        LogRecord.walk(predictions, 0, cursor -> {
            PredictionFrame frame = PredictionFrame.of(cursor, predictions);
            long micros = frame.micros();
            newest = Math.max(newest, micros);
            end = cursor.sequence() + 1;
            if (Span.timed(frame.high())) {
                oldestId = Math.min(oldestId, Span.micros(frame.high()));
            }
            boolean inside = span.holds(micros);
            // an id runs ahead of its prediction where the clock was set back, so one outside can look like one inside
            if (inside || span.belongs(frame.high())) {
                taker.take(cursor, frame, inside ? 0 : JoinTable.OUTSIDE);
            }
        });
    }

    private void joinPart(Parts files, int part) {
        JoinTable table = JoinTable.of(files.predictions.count(part));
        files.predictions.each(
                part, record -> table.add(record.getLong(8), record.getLong(16), record.getLong(24), record.get(32)));
        files.feedback.each(part, record -> {
            if (!rules.took(table, new FeedbackFrame(record.slice(8, FeedbackFrame.BYTES)))) {
                files.unknown.add(part).put(record);
            }
        });
        files.predictions.each(part, record -> found(table, record, files.found, part));
        files.unknown.written();
        files.found.written();
        files.predictions.delete(part);
        files.feedback.delete(part);
    }

    private void found(JoinTable table, ByteBuffer record, Spill.Records found, int part) {
        int slot = table.find(record.getLong(8), record.getLong(16));
        fate.of(table, slot);
        // a prediction without feedback needs no record
        if (!fate.is(JoinTable.OUTSIDE) && fate.state != 0) {
            byte state = fate.is(JoinTable.SEEN) ? AGAIN : (byte) fate.state;
            ByteBuffer to = found.add(part).putLong(record.getLong(0)).put(state);
            to.putDouble(fate.label).putDouble(fate.weight).putDouble(fate.score);
        }
        table.set(slot, JoinTable.SEEN);
    }

    private void giveFound(Spill.Merge found) {
        LogRecord.walk(predictions, 0, cursor -> {
            PredictionFrame frame = PredictionFrame.of(cursor, predictions);
            if (cursor.sequence() >= end || !span.holds(frame.micros())) {
                return;
            }
            ByteBuffer record = found.at(cursor.sequence());
            if (record == null) {
                fate.state = 0;
            } else if (record.get(8) == AGAIN) {
                return;
            } else {
                fate.state = record.get(8);
                fate.label = record.getDouble(9);
                fate.weight = record.getDouble(17);
                fate.score = record.getDouble(25);
            }
            give(frame);
        });
    }

    private void unknown(FeedbackFrame frame) {
        UUID id = frame.id();
        if (sampling.leftOut(id) || expired(frame.high())) {
            counter.notLogged++;
        } else {
            counter.unknown++;
            receiver.unknown(id, frame.feedback(), Micros.instant(frame.micros()));
        }
    }

    private boolean expired(long high) {
        return deleted && Span.timed(high) && Span.micros(high) < oldestId;
    }

    private void give(PredictionFrame frame) {
        ByteBuffer row = frame.row();
        counter.predictions++;
        counter.labels.prediction(asOf() - frame.micros(), fate.is(JoinTable.LABELLED));
        if (!decoder.fits(row)) {
            counter.otherSchema++;
        } else if (fate.is(JoinTable.LABELLED)) {
            counter.joined++;
            receiver.joined(new Joined(
                    frame.id(),
                    frame.version(),
                    decoder.read(row),
                    frame.output(),
                    fate.label,
                    fate.weight,
                    Micros.instant(frame.micros())));
        } else if (fate.is(JoinTable.LATE)) {
            counter.late++;
            receiver.late(frame.id());
        } else {
            counter.never++;
            receiver.never(frame.id());
        }
        if (fate.is(JoinTable.SCORED)) {
            counter.satisfied++;
            counter.scores += fate.score;
            receiver.satisfied(frame.id(), frame.version(), fate.score);
        }
    }

    private long asOf() {
        return now == null ? newest : Micros.of(now);
    }

    private JoinReport report() {
        return counter.report(now == null ? Micros.instant(newest) : now);
    }
}
