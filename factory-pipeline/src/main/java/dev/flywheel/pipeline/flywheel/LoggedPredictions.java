package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.log.LogCursor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;

/** Reads what logs of predictions and of feedback hold, without the rows. Thread-safe: no state. */
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

    /** Takes predictions and what came of them in the order of time. */
    public interface Witness extends Visitor {

        /**
         * Takes an outcome.
         *
         * @param at when it became known
         */
        void outcome(UUID id, double label, Instant at);
    }

    /**
     * Reads predictions and their outcomes as they came: each log in its order, and both by time, also while others
     * write them.
     *
     * @param predictions the directory of the one log
     * @param made how many of its records to read, from the first that there ever was
     * @param feedback the directory of the other
     * @param known how many of its records to read
     * @throws dev.flywheel.core.StoreException if a log is damaged or cannot be read
     */
    public static void relive(Path predictions, long made, Path feedback, long known, Witness witness) {
        try (LogCursor makes = LogCursor.open(predictions, 0);
                LogCursor knows = LogCursor.open(feedback, 0)) {
            boolean more = next(knows, known);
            while (next(makes, made)) {
                PredictionFrame frame = PredictionFrame.of(makes, predictions);
                while (more && FeedbackFrame.of(knows, feedback).micros() < frame.micros()) {
                    tell(FeedbackFrame.of(knows, feedback), witness);
                    more = next(knows, known);
                }
                witness.prediction(frame.id(), frame.version(), frame.output(), Micros.instant(frame.micros()));
            }
            for (; more; more = next(knows, known)) {
                tell(FeedbackFrame.of(knows, feedback), witness);
            }
        }
    }

    private static boolean next(LogCursor cursor, long end) {
        return cursor.next() && cursor.sequence() < end;
    }

    private static void tell(FeedbackFrame frame, Witness witness) {
        frame.feedback()
                .outcome()
                .ifPresent(label -> witness.outcome(frame.id(), label, Micros.instant(frame.micros())));
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
