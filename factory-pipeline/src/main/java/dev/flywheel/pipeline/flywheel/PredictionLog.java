package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.core.model.PredictionIds;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import dev.flywheel.serving.PredictionObserver;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * What was predicted, on disk: id, version, row, output and time of each prediction. Thread-safe. Whoever opened it
 * closes it.
 *
 * <p>A prediction is handed to one writing thread through a bounded queue, which costs its caller well under a
 * microsecond and no lock. It reaches the disk within 200 ms and what the disk takes for it, or before {@link #flush}
 * or {@link #settle} returns. When the disk cannot keep up and the queue is full, the caller waits for room, but no
 * longer than 0.25 s; then the prediction is dropped, because an answer is worth more than its record, and nobody waits
 * again before the disk has moved. The same holds while the disk is full: predictions are dropped, and logged again
 * once there is room. What was dropped is counted and reported.
 *
 * @param <I> the type of a row
 */
public final class PredictionLog<I> implements AutoCloseable {

    private static final int CAPACITY = 1 << 15;
    private static final long WAIT_MILLIS = 250;
    private static final long NAP_NANOS = 50_000;
    // longer than any prediction takes from its id to its record
    private static final long LATENCY_MILLIS = 60_000;

    private final Logging<? super I> logging;
    private final double rate;
    private final boolean acknowledged;
    private final Retention retention;
    private final HandOff<I> queue = new HandOff<>(CAPACITY);
    private final LongAdder dropped = new LongAdder();
    private final PredictionWriter<I> writer;
    // how far the writing thread was when a caller gave up waiting for it
    private volatile long stuckAt = -1;
    private volatile boolean closed;

    private PredictionLog(
            Path directory,
            RowType<I> type,
            Logging<? super I> logging,
            Instant now,
            PredictionObserver<? super I> follower) {
        this.logging = logging;
        this.rate = logging.rate();
        this.acknowledged = logging.durability() == Durability.ACKNOWLEDGED;
        this.writer = new PredictionWriter<>(
                directory, type, new PredictionWriter.Rules<>(logging, now, follower), queue, dropped);
        this.retention = new Retention(
                directory.toAbsolutePath(),
                logging.predictionsKept(),
                cursor -> PredictionFrame.of(cursor, directory).micros());
        this.writer.start();
    }

    /**
     * Opens the log of all predictions in a directory, creating it if it does not exist.
     *
     * @param type how a row becomes columns; rows must not change after they were handed in
     * @throws StoreException if another has it open, it is damaged or the file system refuses
     */
    public static <I> PredictionLog<I> open(Path directory, RowType<I> type) {
        return open(directory, type, Logging.everything(), Instant.EPOCH);
    }

    /**
     * Opens the log of predictions in a directory, creating it if it does not exist.
     *
     * @param type how a row becomes columns; rows must not change after they were handed in
     * @param logging what is logged
     * @param now the time; if another share of the predictions was logged before, this one is from now on
     * @throws IllegalArgumentException if the rows lack a column that logging names, or one that it hashes is no text
     * @throws StoreException if another has it open, it is damaged or the file system refuses
     */
    public static <I> PredictionLog<I> open(Path directory, RowType<I> type, Logging<? super I> logging, Instant now) {
        return open(directory, type, logging, now, (id, version, row, output, at) -> {});
    }

    /**
     * Opens the log of predictions in a directory, creating it if it does not exist.
     *
     * @param type how a row becomes columns; rows must not change after they were handed in
     * @param logging what is logged
     * @param now the time; if another share of the predictions was logged before, this one is from now on
     * @param follower hears of each prediction that is logged, in the order of the log and before it is on the disk, on
     *     the one thread that writes: it must be quick
     * @throws IllegalArgumentException if the rows lack a column that logging names, or one that it hashes is no text
     * @throws StoreException if another has it open, it is damaged or the file system refuses
     */
    public static <I> PredictionLog<I> open(
            Path directory,
            RowType<I> type,
            Logging<? super I> logging,
            Instant now,
            PredictionObserver<? super I> follower) {
        Schema unused = logging.logged(type.schema());
        return new PredictionLog<>(directory, type, logging, now, follower);
    }

    /**
     * Hands a prediction to the log, which keeps it if it is in the sample and no exception.
     *
     * @param id its id
     * @param version the number of the model version that made it
     * @param row the input
     * @param output the model's raw output
     * @param at when it was made
     * @throws ClosedException if the log was closed
     */
    public void append(UUID id, int version, I row, double output, Instant at) {
        if (closed) {
            throw writer.arrivals().closedException();
        }
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(row, "row");
        Objects.requireNonNull(at, "at");
        if (!Sampling.sampled(id.getMostSignificantBits(), id.getLeastSignificantBits(), rate)) {
            return;
        }
        long position = queue.offer(id, version, row, output, at);
        if (position < 0) {
            position = waitForRoom(id, version, row, output, at);
        }
        if (queue.halfFull(position)) {
            writer.wake();
        }
        // handed in while the log was being closed: nobody knows whether the writing thread still saw it
        if (closed) {
            throw writer.arrivals().closedException();
        }
    }

    private long waitForRoom(UUID id, int version, I row, double output, Instant at) {
        long deadline = System.nanoTime() + WAIT_MILLIS * 1_000_000;
        while (!closed && queue.taken() != stuckAt && System.nanoTime() < deadline) {
            writer.wake();
            LockSupport.parkNanos(NAP_NANOS);
            long position = queue.offer(id, version, row, output, at);
            if (position >= 0) {
                return position;
            }
        }
        stuckAt = queue.taken();
        dropped.increment();
        if (acknowledged) {
            writer.lost(id);
        }
        return -1;
    }

    /**
     * Waits until every prediction handed in before this call, by any thread, is on the disk or dropped.
     *
     * @throws StoreException if the disk is full or fails
     * @throws ClosedException if the log was closed before they were on the disk
     */
    public void flush() {
        writer.arrivals().await(queue.offered());
    }

    /**
     * Waits until whoever follows the log has heard of every prediction that was handed in before this call, by any
     * thread, and is logged; much cheaper than {@link #flush}.
     */
    public void awaitTold() {
        writer.awaitTaken(queue.offered());
    }

    /**
     * Waits until a prediction is on the disk, if it was handed in and not dropped. Returns at once for an id that is
     * older than the newest records on the disk by a minute or more, as most ids are when their outcome is known.
     *
     * @throws StoreException if the disk is full or fails
     * @throws ClosedException if the log was closed before it was on the disk
     */
    public void settle(UUID id) {
        boolean old =
                id.version() == 7 && PredictionIds.time(id).toEpochMilli() < writer.settledMillis() - LATENCY_MILLIS;
        if (!old) {
            flush();
        }
    }

    /**
     * Waits until a prediction that was handed in is on the disk, if the log is to acknowledge predictions; otherwise
     * returns at once. Callers that wait at the same time share one fsync.
     *
     * @throws StoreException if it was not logged, because the disk is full, fails or cannot keep up
     * @throws ClosedException if the log was closed before it was on the disk
     */
    public void acknowledge(UUID id) {
        acknowledge(List.of(id));
    }

    /**
     * Waits as {@link #acknowledge(UUID)} does for many predictions, once for all.
     *
     * @throws StoreException if one was not logged, because the disk is full, fails or cannot keep up
     * @throws ClosedException if the log was closed before they were on the disk
     */
    public void acknowledge(Collection<UUID> ids) {
        if (acknowledged) {
            flush();
            ids.forEach(writer::requireKept);
        }
    }

    /**
     * {@return a stage that completes when a prediction that was handed in is on the disk, or exceptionally as
     * {@link #acknowledge} throws; on a thread of the common pool} Completed already if the log is not to acknowledge
     * predictions.
     */
    public CompletableFuture<Void> acknowledged(UUID id) {
        if (!acknowledged) {
            return CompletableFuture.completedFuture(null);
        }
        return writer.arrivals().stage(queue.offered()).thenRunAsync(() -> writer.requireKept(id));
    }

    /** {@return what is logged} */
    public Logging<? super I> logging() {
        return logging;
    }

    /**
     * Deletes files all of whose records are older than the log keeps them; see {@link Logging#keepPredictions}. Cheap
     * when there is nothing to do, so it may be called every second.
     */
    public void expire(Instant now) {
        SegmentLog open = writer.log();
        if (open != null && !closed) {
            retention.run(open, now);
        }
    }

    /** {@return how many predictions were ever logged, as far as that is known: none while the disk fails} */
    public long size() {
        SegmentLog open = writer.log();
        return open == null ? 0 : open.nextSequence();
    }

    /** {@return the number of predictions that were not logged since the log was opened, though they were to be} */
    public long dropped() {
        return dropped.sum();
    }

    /** Puts everything on the disk and ends the writing thread. Further calls do nothing. */
    @Override
    public void close() {
        closed = true;
        writer.close();
    }
}
