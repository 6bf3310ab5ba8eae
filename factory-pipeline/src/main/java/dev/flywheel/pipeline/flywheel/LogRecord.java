package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.log.LogCursor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the records of the logs of predictions and of feedback have in common: the first byte is the format. */
final class LogRecord {

    private LogRecord() {}

    /** Sees each record of a log. */
    interface Visitor {
        void visit(LogCursor cursor);
    }

    /** Walks through a log, if there is one. */
    static void walk(Path log, long from, Visitor visitor) {
        if (!Files.isDirectory(log)) {
            return;
        }
        try (LogCursor cursor = LogCursor.open(log, from)) {
            while (cursor.next()) {
                visitor.visit(cursor);
            }
        }
    }

    /**
     * {@return the record that the cursor is on} The checksum has passed, so a record of another shape was written by
     * another library.
     *
     * @param newest the newest format that this library knows, from 1
     * @param bytes the size of a record in the oldest one
     */
    static ByteBuffer checked(LogCursor cursor, Path log, int newest, int bytes) {
        ByteBuffer record = cursor.record();
        int found = record.hasRemaining() ? record.get(0) : 0;
        if (found < 1 || found > newest || record.remaining() < bytes) {
            throw new StoreException(
                    "reading record " + cursor.sequence() + " of " + log,
                    "its format is " + found + " with " + record.remaining() + " bytes, this library reads format "
                            + newest + " with at least " + bytes,
                    "upgrade the library");
        }
        return record;
    }
}
