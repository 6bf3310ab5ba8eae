package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.log.LogCursor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many outcomes a log of feedback has ever taken: beside the log, so that only what came since is counted again.
 * Immutable.
 *
 * @param records so many records, from the first that there ever was, have been counted
 * @param outcomes how many of them are outcomes, and not satisfaction
 */
record OutcomeCount(long records, long outcomes) {

    private static final Logger log = LoggerFactory.getLogger(OutcomeCount.class);
    private static final String FILE = "outcomes.json";

    /**
     * {@return the count of a log's first records, which is kept}
     *
     * @param end how many records, all of which are on the disk
     */
    static OutcomeCount upTo(Path feedback, long end) {
        OutcomeCount kept = read(feedback);
        OutcomeCount from = kept.records <= end ? kept : new OutcomeCount(0, 0);
        if (from.records == end) {
            return from;
        }
        OutcomeCount now = new OutcomeCount(end, from.outcomes + end - from.records - scores(feedback, from, end));
        Durable.write(feedback.resolve(FILE), Json.write(now));
        return now;
    }

    /**
     * {@return the records that are no outcomes; of what retention has deleted before it was counted nothing is known}
     */
    private static long scores(Path feedback, OutcomeCount from, long end) {
        long scores = 0;
        try (LogCursor cursor = LogCursor.open(feedback, from.records)) {
            while (cursor.next() && cursor.sequence() < end) {
                if (FeedbackFrame.of(cursor, feedback).kind() == Feedback.Kind.SATISFACTION) {
                    scores++;
                }
            }
        }
        return scores;
    }

    private static OutcomeCount read(Path feedback) {
        Path file = feedback.resolve(FILE);
        if (Files.exists(file)) {
            try {
                return Json.readKnown(Files.readAllBytes(file), OutcomeCount.class, file.toString());
            } catch (IOException | StoreException e) {
                log.warn("outcomes of {} are counted anew", feedback, e);
            }
        }
        return new OutcomeCount(0, 0);
    }
}
