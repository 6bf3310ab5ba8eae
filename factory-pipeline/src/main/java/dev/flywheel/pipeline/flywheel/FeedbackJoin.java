package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Joins predictions with their outcomes by id. Immutable and thread-safe; reads the logs as they are at the call, also
 * while others write them or retention deletes from them.
 *
 * <p>An outcome counts when it became known at most the patience after its prediction. A correction outranks every
 * label; of the others, the one that became known last wins; of those at the same instant, the one that came last. The
 * same again is a duplicate and changes nothing. A later outcome is late: counted, not learned from. Satisfaction is no
 * outcome; its patience has no end.
 *
 * <p>Feedback whose prediction is not in the log is unknown: it stays in the log of feedback, and is joined once its
 * prediction is there. Where the log was not to hold the prediction, because it is outside of the sample or was deleted
 * because of its age, feedback is known not to be logged.
 *
 * <p>Memory: at most about 64 MiB, for any number of predictions up to a hundred million, and in proportion beyond.
 * More than half a million predictions are joined part by part, by a hash of their ids, through temporary files of
 * about 80 bytes for each prediction and 60 for each outcome (Grace join: Kitsuregawa, Tanaka and Moto-oka, 1983). Both
 * logs are read from the start, predictions twice.
 */
public final class FeedbackJoin {

    /** How many predictions are joined without temporary files. */
    static final int IN_MEMORY = 1 << 19;

    // about what microseconds in a long can hold
    private static final Duration LONGEST = Duration.ofDays(100_000_000);

    private final Path predictions;
    private final Path feedback;
    private final Schema rows;
    private final long patience;
    private final int inMemory;
    private final @Nullable Path scratch;

    /**
     * @param predictions the directory of a {@link PredictionLog}; flush it first to see the newest predictions
     * @param feedback the directory of a {@link FeedbackLog}
     * @param rows the schema of the rows; predictions with rows of another one are counted and passed over
     * @param patience how long after its prediction an outcome counts
     */
    public FeedbackJoin(Path predictions, Path feedback, Schema rows, Duration patience) {
        this(predictions, feedback, rows, micros(patience), IN_MEMORY, null);
    }

    private FeedbackJoin(
            Path predictions, Path feedback, Schema rows, long patience, int inMemory, @Nullable Path scratch) {
        this.predictions = predictions.toAbsolutePath();
        this.feedback = feedback.toAbsolutePath();
        this.rows = Objects.requireNonNull(rows, "rows");
        this.patience = patience;
        this.inMemory = inMemory;
        this.scratch = scratch;
    }

    private static long micros(Duration patience) {
        if (patience.isNegative()) {
            throw new IllegalArgumentException("patience must not be negative, found " + patience);
        }
        return Micros.of(patience.compareTo(LONGEST) > 0 ? LONGEST : patience);
    }

    /**
     * {@return this join with another place for its temporary files}
     *
     * @param directory an existing directory; the default is that of the JVM's property {@code java.io.tmpdir}
     */
    public FeedbackJoin spillingTo(Path directory) {
        return new FeedbackJoin(predictions, feedback, rows, patience, inMemory, directory.toAbsolutePath());
    }

    /** {@return this join, with files for parts of so many predictions} */
    FeedbackJoin inMemory(int most) {
        return new FeedbackJoin(predictions, feedback, rows, patience, most, scratch);
    }

    /**
     * A prediction with its outcome.
     *
     * @param id the prediction's id
     * @param version the number of the model version that made it
     * @param row the input; valid only during the call that hands it out
     * @param output the model's raw output
     * @param label what came of it
     * @param weight how much of an example it is, from 0 to 1: 1 unless only partial credit was given
     * @param at when it was predicted
     */
    public record Joined(UUID id, int version, RowReader row, double output, double label, double weight, Instant at) {

        /** A prediction with an outcome of full weight. */
        public Joined(UUID id, int version, RowReader row, double output, double label, Instant at) {
            this(id, version, row, output, label, 1, at);
        }
    }

    /** Receives what a join finds, on the thread that joins. What a method throws ends the join. */
    public interface Receiver {

        /** Takes a prediction with its outcome, in the order in which predictions were logged. */
        void joined(Joined example);

        /** Takes a prediction whose outcome came, but too late. */
        default void late(UUID id) {}

        /** Takes a prediction that has had no outcome. */
        default void never(UUID id) {}

        /**
         * Takes the score of a prediction, after its outcome if it has one.
         *
         * @param version the number of the model version that made the prediction
         */
        default void satisfied(UUID id, int version, double score) {}

        /** Takes feedback whose prediction is not in the log, in the order in which feedback was logged. */
        default void unknown(UUID id, Feedback<Double> outcome, Instant at) {}
    }

    /**
     * Joins the predictions of a span of time with all feedback there is. Ages in the report are as of the newest
     * record in the logs.
     *
     * @param from the first time of prediction
     * @param to the time of prediction at which the span ends; a prediction at this time is not in it
     * @param receiver takes what is found
     * @throws StoreException if a log is damaged or cannot be read
     */
    public JoinReport run(Instant from, Instant to, Receiver receiver) {
        return run(from, to, receiver, null);
    }

    /**
     * Joins the predictions of a span of time with all feedback there is.
     *
     * @param from the first time of prediction
     * @param to the time of prediction at which the span ends; a prediction at this time is not in it
     * @param receiver takes what is found
     * @param now the time at which ages are told in the report; null for that of the newest record
     * @throws StoreException if a log is damaged or cannot be read
     */
    public JoinReport run(Instant from, Instant to, Receiver receiver, @Nullable Instant now) {
        JoinRun run =
                new JoinRun(predictions, feedback, rows, new Span(clamp(from), clamp(to), patience), receiver, now);
        int parts = run.parts(inMemory);
        return parts == 1 ? run.inMemory() : run.inParts(parts, scratch);
    }

    /** {@return the directory of the log of feedback} */
    Path feedback() {
        return feedback;
    }

    private static long clamp(Instant at) {
        if (at.isBefore(Micros.instant(Long.MIN_VALUE))) {
            return Long.MIN_VALUE;
        }
        return at.isAfter(Micros.instant(Long.MAX_VALUE)) ? Long.MAX_VALUE : Micros.of(at);
    }
}
