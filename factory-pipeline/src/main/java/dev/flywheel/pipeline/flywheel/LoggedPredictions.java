package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.log.LogCursor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;

/** Reads what a {@link PredictionLog} holds, without the rows. Thread-safe: no state. */
public final class LoggedPredictions {

    private LoggedPredictions() {}

    /** Takes predictions in the order in which they were logged. */
    public interface Visitor {

        /**
         * Takes a prediction.
         *
         * @param version the number of the model version that made it
         * @param output the model's raw output
         * @param at when it was made
         */
        void prediction(UUID id, int version, double output, Instant at);
    }

    /**
     * Reads the predictions from a time on, also while others write the log; the whole log is read.
     *
     * @param predictions the directory of the log; nothing is read if it does not exist
     * @param from the first time of prediction
     * @throws dev.flywheel.core.StoreException if the log is damaged or cannot be read
     */
    public static void since(Path predictions, Instant from, Visitor visitor) {
        if (!Files.isDirectory(predictions)) {
            return;
        }
        try (LogCursor cursor = LogCursor.open(predictions, 0)) {
            while (cursor.next()) {
                PredictionFrame frame = PredictionFrame.of(cursor, predictions);
                Instant at = Micros.instant(frame.micros());
                if (!at.isBefore(from)) {
                    visitor.prediction(frame.id(), frame.version(), frame.output(), at);
                }
            }
        }
    }
}
