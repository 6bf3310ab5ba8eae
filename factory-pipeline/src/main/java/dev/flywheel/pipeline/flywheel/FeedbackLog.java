package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.log.SegmentLog;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What came of predictions, on disk: id, time and outcome or score. Thread-safe. Whoever opened it closes it, before
 * the prediction log.
 *
 * <p>Every outcome is kept as it came, also repeated, corrected, late and unknown ones; {@link FeedbackJoin} says what
 * they mean together. So an outcome whose prediction is not known today is joined when it is known tomorrow.
 */
public final class FeedbackLog implements AutoCloseable {

    private final Path directory;
    private final @Nullable PredictionLog<?> predictions;
    private final Retention retention;
    private final ReentrantLock mending = new ReentrantLock();
    private volatile SegmentLog log;
    private volatile boolean closed;

    private FeedbackLog(Path directory, @Nullable PredictionLog<?> predictions, @Nullable Duration kept) {
        this.directory = directory.toAbsolutePath();
        this.predictions = predictions;
        this.retention = new Retention(
                this.directory,
                kept,
                cursor -> FeedbackFrame.of(cursor, this.directory).micros());
        this.log = SegmentLog.open(directory);
    }

    /**
     * Opens the log of outcomes in a directory, creating it if it does not exist.
     *
     * @param predictions where the predictions are logged: an outcome is written once its prediction is on the disk, so
     *     that none is taken for one of an unknown prediction after a crash
     * @throws StoreException if another has it open, it is damaged or the file system refuses
     */
    public static FeedbackLog open(Path directory, PredictionLog<?> predictions) {
        return new FeedbackLog(directory, predictions, predictions.logging().feedbackKept());
    }

    /**
     * Opens the log of outcomes of predictions that are logged elsewhere.
     *
     * @throws StoreException if another has it open, it is damaged or the file system refuses
     */
    public static FeedbackLog open(Path directory) {
        return new FeedbackLog(directory, null, null);
    }

    /**
     * Takes an outcome; when this returns it is on the disk, and its prediction too. Callers that wait at the same time
     * share one fsync.
     *
     * @param id the prediction's id; one that is not known is kept
     * @param label what came of it: 0 or 1, or a number in the target's own unit
     * @param at when it became known
     * @throws IllegalArgumentException if the label is not finite
     * @throws StoreException if the disk is full or fails; the same call may be made again
     * @throws ClosedException if the log was closed
     */
    public void feedback(UUID id, double label, Instant at) {
        checkLabel(id, label);
        feedback(id, Feedback.label(label), at);
    }

    /**
     * Takes feedback of any kind; when this returns it is on the disk, and its prediction too. Callers that wait at the
     * same time share one fsync.
     *
     * @param id the prediction's id; one that is not known is kept
     * @param feedback what came of it
     * @param at when it became known
     * @throws IllegalArgumentException if a label is not finite
     * @throws StoreException if the disk is full or fails; the same call may be made again
     * @throws ClosedException if the log was closed
     */
    public void feedback(UUID id, Feedback<Double> feedback, Instant at) {
        feedback.outcome().ifPresent(label -> checkLabel(id, label));
        // first, so that no kill leaves an outcome without its prediction
        if (predictions != null) {
            predictions.settle(id);
        }
        SegmentLog current = whole();
        current.sync(current.append(FeedbackFrame.of(id, feedback, at)));
    }

    /**
     * Takes many outcomes; when this returns all are on the disk, and their predictions too. Much cheaper than one by
     * one.
     *
     * @param labels what came of each prediction, by the prediction's id
     * @param at when they became known
     * @throws IllegalArgumentException if a label is not finite; then none is taken
     * @throws StoreException if the disk is full or fails; the same call may be made again, because repeating an
     *     outcome changes nothing
     * @throws ClosedException if the log was closed
     */
    public void feedback(Map<UUID, Double> labels, Instant at) {
        Map<UUID, Feedback<Double>> all = new LinkedHashMap<>();
        labels.forEach((id, label) -> {
            checkLabel(id, label);
            all.put(id, Feedback.label(label));
        });
        feedbackAll(all, at);
    }

    /**
     * Takes much feedback of any kind; when this returns all is on the disk, and the predictions too.
     *
     * @param feedback what came of each prediction, by the prediction's id
     * @param at when it became known
     * @throws IllegalArgumentException if a label is not finite; then none is taken
     * @throws StoreException if the disk is full or fails; the same call may be made again
     * @throws ClosedException if the log was closed
     */
    public void feedbackAll(Map<UUID, Feedback<Double>> feedback, Instant at) {
        feedback.forEach((id, one) -> one.outcome().ifPresent(label -> checkLabel(id, label)));
        if (predictions != null) {
            predictions.flush();
        }
        SegmentLog current = whole();
        feedback.forEach((id, one) -> current.append(FeedbackFrame.of(id, one, at)));
        current.sync();
    }

    /**
     * Joins all there is, keeps what is unknown as {@link DeadLetters}, and says how long labels take. Reads both logs
     * from start to end, so it is for once an hour or so, not for every tick.
     *
     * @param join a join over this log
     * @param now the time at which ages are told
     * @throws IllegalArgumentException if the join is of another log
     * @throws ClosedException if this log was closed, also meanwhile
     * @throws StoreException if a log is damaged, or the file system refuses
     */
    public JoinReport sweep(FeedbackJoin join, Instant now) {
        if (!join.feedback().equals(directory)) {
            throw new IllegalArgumentException("the join reads " + join.feedback() + ", this log is " + directory);
        }
        if (predictions != null) {
            predictions.flush();
        }
        DeadLetters.Pile pile = new DeadLetters.Pile(this::requireOpen);
        JoinReport report = join.run(Instant.MIN, Instant.MAX, pile, now);
        mending.lock();
        try {
            requireOpen();
            pile.letters(now).write(directory);
        } finally {
            mending.unlock();
        }
        return report;
    }

    /**
     * Deletes files all of whose records are older than the log keeps them; see {@link Logging#keepFeedback}. Cheap
     * when there is nothing to do, so it may be called every second.
     */
    public void expire(Instant now) {
        if (!closed && !log.failed()) {
            retention.run(log, now);
        }
    }

    /** {@return how much feedback was ever taken, repeated feedback and satisfaction too} */
    public long size() {
        return log.nextSequence();
    }

    /**
     * {@return the number of outcomes ever taken: repeated ones too, but no satisfaction} What has come since the last
     * call, in this process or another, is read from the disk.
     *
     * @throws StoreException if the log is damaged, or the disk is full or fails
     * @throws ClosedException if the log was closed
     */
    public long outcomes() {
        SegmentLog current = whole();
        long end = current.nextSequence();
        if (end > 0) {
            current.sync(end - 1);
        }
        mending.lock();
        try {
            requireOpen();
            return OutcomeCount.upTo(directory, end).outcomes();
        } finally {
            mending.unlock();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new ClosedException("log " + directory, "it was closed", "use it before closing, or open it again");
        }
    }

    /** Puts everything on the disk. Further calls do nothing. */
    @Override
    public void close() {
        mending.lock();
        try {
            closed = true;
            log.close();
        } finally {
            mending.unlock();
        }
    }

    /** A log that the disk has failed must be opened again; who comes first does it for all. */
    private SegmentLog whole() {
        if (!log.failed()) {
            return log;
        }
        mending.lock();
        try {
            if (log.failed() && !closed) {
                log.close();
                log = SegmentLog.open(directory);
            }
            return log;
        } finally {
            mending.unlock();
        }
    }

    private static void checkLabel(UUID id, double label) {
        if (!Double.isFinite(label)) {
            throw new IllegalArgumentException("a label is a finite number, found " + label + " for prediction " + id);
        }
    }
}
