package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.log.LogCursor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;

/**
 * A record of the prediction log: format (1 byte), id (16), time in microseconds since the epoch (8), version (4),
 * output (8), then the row. All numbers are big-endian.
 *
 * @param bytes the record
 */
record PredictionFrame(ByteBuffer bytes) {

    static final int HEADER_BYTES = 1 + 16 + 8 + 4 + 8;
    private static final byte FORMAT = 1;

    static PredictionFrame of(LogCursor cursor, Path log) {
        return new PredictionFrame(LogRecord.checked(cursor, log, FORMAT, HEADER_BYTES));
    }

    static void write(ByteBuffer to, UUID id, int version, double output, Instant at, ByteBuffer row) {
        to.put(FORMAT).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
        to.putLong(Micros.of(at)).putInt(version).putDouble(output).put(row);
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

    int version() {
        return bytes.getInt(25);
    }

    double output() {
        return bytes.getDouble(29);
    }

    ByteBuffer row() {
        return bytes.duplicate().position(HEADER_BYTES);
    }
}
