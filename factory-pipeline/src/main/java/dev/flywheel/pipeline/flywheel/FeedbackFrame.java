package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.log.LogCursor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;

/**
 * A record of the feedback log: format (1 byte), id (16), time in microseconds since the epoch (8), label (8). All
 * numbers are big-endian.
 *
 * @param bytes the record
 */
record FeedbackFrame(ByteBuffer bytes) {

    private static final int BYTES = 1 + 16 + 8 + 8;
    private static final byte FORMAT = 1;

    static FeedbackFrame of(LogCursor cursor, Path log) {
        return new FeedbackFrame(PredictionFrame.checked(cursor, log, FORMAT, BYTES));
    }

    static ByteBuffer of(UUID id, double label, Instant at) {
        ByteBuffer record = ByteBuffer.allocate(BYTES);
        record.put(FORMAT).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
        return record.putLong(Micros.of(at)).putDouble(label).flip();
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

    double label() {
        return bytes.getDouble(25);
    }
}
