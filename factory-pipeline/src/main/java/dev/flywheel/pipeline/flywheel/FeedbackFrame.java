package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.pipeline.flywheel.Feedback.Kind;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * A record of the feedback log: format (1 byte), id (16), time in microseconds since the epoch (8), label or score (8),
 * kind (1), weight (8). All numbers are big-endian. Format 1 ends after the label, which is one of full weight.
 *
 * @param bytes the record
 */
record FeedbackFrame(ByteBuffer bytes) {

    /** The size of a record that is written now. */
    static final int BYTES = 1 + 16 + 8 + 8 + 1 + 8;

    private static final int LABEL_ALONE = 1;
    private static final int FORMAT = 2;
    private static final int LABEL_ALONE_BYTES = 1 + 16 + 8 + 8;
    private static final int KIND = LABEL_ALONE_BYTES;
    // the place of a kind is its code
    private static final List<Kind> KINDS = List.of(Kind.LABEL, Kind.CORRECTION, Kind.PARTIAL, Kind.SATISFACTION);

    static FeedbackFrame of(LogCursor cursor, Path log) {
        ByteBuffer record = LogRecord.checked(cursor, log, FORMAT, LABEL_ALONE_BYTES);
        FeedbackFrame frame = new FeedbackFrame(record);
        if (!frame.alone()
                && (record.remaining() < BYTES || record.get(KIND) < 0 || record.get(KIND) >= KINDS.size())) {
            throw new StoreException(
                    "reading record " + cursor.sequence() + " of " + log,
                    "it has " + record.remaining() + " bytes or a kind of feedback that this library does not know",
                    "upgrade the library");
        }
        return frame;
    }

    static ByteBuffer of(UUID id, Feedback<Double> feedback, Instant at) {
        double value = feedback.score().orElseGet(() -> feedback.outcome().orElseThrow());
        return ByteBuffer.allocate(BYTES)
                .put((byte) FORMAT)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .putLong(Micros.of(at))
                .putDouble(value)
                .put((byte) KINDS.indexOf(feedback.kind()))
                .putDouble(feedback.weight())
                .flip();
    }

    /** Writes the record in the newest format. */
    void copyTo(ByteBuffer to) {
        if (alone()) {
            to.put((byte) FORMAT).put(bytes.slice(1, LABEL_ALONE_BYTES - 1));
            to.put((byte) KINDS.indexOf(Kind.LABEL)).putDouble(1);
        } else {
            to.put(bytes.slice(0, BYTES));
        }
    }

    private boolean alone() {
        return bytes.get(0) == LABEL_ALONE;
    }

    long high() {
        return bytes.getLong(1);
    }

    long low() {
        return bytes.getLong(9);
    }

    UUID id() {
        return new UUID(high(), low());
    }

    long micros() {
        return bytes.getLong(17);
    }

    /** {@return the label, or the score of satisfaction} */
    double value() {
        return bytes.getDouble(25);
    }

    Kind kind() {
        return alone() ? Kind.LABEL : KINDS.get(bytes.get(KIND));
    }

    double weight() {
        return alone() ? 1 : bytes.getDouble(KIND + 1);
    }

    Feedback<Double> feedback() {
        return switch (kind()) {
            case LABEL -> Feedback.label(value());
            case CORRECTION -> Feedback.correction(value());
            case PARTIAL -> Feedback.partial(value(), weight());
            case SATISFACTION -> Feedback.satisfaction(value());
        };
    }
}
