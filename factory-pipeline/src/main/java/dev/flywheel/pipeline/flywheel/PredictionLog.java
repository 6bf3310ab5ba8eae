package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.model.PredictionIds;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * What was predicted, on disk: id, version, row, output and time of each prediction. Thread-safe. Whoever opened it
 * closes it.
 *
 * <p>A prediction is handed to one writing thread through a bounded queue, which costs its caller well under a
 * microsecond and no lock. It reaches the disk within {@value PredictionWriter#SYNC_MILLIS} ms, or before
 * {@link #flush} or {@link #settle} returns. When the disk cannot keep up and the queue is full, the caller waits for
 * room, but no longer than 0.25 s; then the prediction is dropped, because an answer is worth more than its record, and
 * nobody waits again before the disk has moved. The same holds while the disk is full: predictions are dropped, and
 * logged again once there is room. What was dropped is counted and reported.
 *
 * @param <I> the type of a row
 */
public final class PredictionLog<I> implements AutoCloseable {

    private static final int CAPACITY = 1 << 13;
    private static final long WAIT_MILLIS = 250;
    private static final long NAP_NANOS = 50_000;
    // longer than any prediction takes from its id to its record
    private static final long LATENCY_MILLIS = 60_000;

    private final HandOff<I> queue = new HandOff<>(CAPACITY);
    private final LongAdder dropped = new LongAdder();
    private final PredictionWriter<I> writer;
    // how far the writing thread was when a caller gave up waiting for it
    private volatile long stuckAt = -1;
    private volatile boolean closed;

    private PredictionLog(Path directory, RowType<I> type) {
        this.writer = new PredictionWriter<>(directory, type, queue, dropped);
        this.writer.start();
    }

    /**
     * Opens the log of predictions in a directory, creating it if it does not exist.
     *
     * @param type how a row becomes columns; rows must not change after they were handed in
     * @throws StoreException if another has it open, it is damaged or the file system refuses
     */
    public static <I> PredictionLog<I> open(Path directory, RowType<I> type) {
        return new PredictionLog<>(directory, type);
    }

    /**
     * Hands a prediction to the log.
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
            throw writer.closedException();
        }
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(row, "row");
        Objects.requireNonNull(at, "at");
        long position = queue.offer(id, version, row, output, at);
        if (position < 0) {
            position = waitForRoom(id, version, row, output, at);
        }
        if (position - queue.taken() >= CAPACITY / 2) {
            writer.wake();
        }
        // handed in while the log was being closed: nobody knows whether the writing thread still saw it
        if (closed) {
            throw writer.closedException();
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
        return -1;
    }

    /**
     * Waits until every prediction handed in before this call, by any thread, is on the disk or dropped.
     *
     * @throws StoreException if the disk is full or fails
     * @throws ClosedException if the log was closed before they were on the disk
     */
    public void flush() {
        writer.flush(queue.offered());
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

    /** {@return the number of predictions that were not logged since the log was opened} */
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
