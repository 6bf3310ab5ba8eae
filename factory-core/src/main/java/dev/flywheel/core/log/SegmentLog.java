package dev.flywheel.core.log;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.DirectoryLock;
import dev.flywheel.core.io.Durable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An append-only log of byte records in files of bounded size. Thread-safe. Whoever opened it closes it.
 *
 * <p>Each record has a sequence number: 0, 1, 2 and so on, for ever, also over restarts. A record is acknowledged when
 * {@link #sync} or {@link #commit} returns after it: then it outlives the process and a loss of power. Callers that
 * wait at the same time share one fsync. After a crash {@link #open} cuts off what was being written; a record that was
 * acknowledged and is damaged later is never passed over, but reported with file and offset.
 *
 * <p>When the disk is full or fails, the log refuses every further append until it is opened again, because what a
 * failed write or fsync has left behind is unknown.
 */
public final class SegmentLog implements AutoCloseable {

    /** The size at which a new file is begun, unless said otherwise: 64 MiB. */
    public static final long SEGMENT_BYTES = 64L << 20;

    private static final Logger LOG = LoggerFactory.getLogger(SegmentLog.class);

    private final Path directory;
    private final long segmentBytes;
    private final DirectoryLock lock;

    private final ReentrantLock appending = new ReentrantLock();
    // both written under "appending"
    private SegmentWriter active;
    private long next;
    private volatile @Nullable Failure failure;
    private volatile boolean closed;

    // one deletes at a time, oldest first, while others append
    private final ReentrantLock deleting = new ReentrantLock();

    private final ReentrantLock committing = new ReentrantLock();
    private final Condition committed = committing.newCondition();
    // under "committing": whether some caller is at the fsync
    private boolean leading;
    private final AtomicLong durable = new AtomicLong();

    private SegmentLog(Path directory, long segmentBytes, DirectoryLock lock) throws IOException {
        this.directory = directory;
        this.segmentBytes = segmentBytes;
        this.lock = lock;
        NavigableMap<Long, Path> segments = Segment.list(directory);
        deleteUnfinished();
        if (segments.isEmpty()) {
            this.active = new SegmentWriter(Segment.create(directory, 0), Segment.HEADER_BYTES);
        } else {
            this.active = recover(Segment.open(segments.lastEntry().getValue()));
        }
        this.durable.set(next);
    }

    /** Opens a log with segments of 64 MiB. */
    public static SegmentLog open(Path directory) {
        return open(directory, SEGMENT_BYTES);
    }

    /**
     * Opens a log, creating it if it does not exist, and mends what a crash has left.
     *
     * @param directory where the log's files are
     * @param segmentBytes the size at which a new file is begun, at least 1; a file holds at least one record
     * @throws StoreException if another has it open, an acknowledged record of the newest file is damaged, or the file
     *     system refuses
     */
    public static SegmentLog open(Path directory, long segmentBytes) {
        if (segmentBytes < 1) {
            throw new IllegalArgumentException("segmentBytes must be at least 1, found " + segmentBytes);
        }
        Path path = directory.toAbsolutePath();
        Durable.createDirectories(path);
        DirectoryLock lock = DirectoryLock.acquire(path);
        try {
            return new SegmentLog(path, segmentBytes, lock);
        } catch (IOException e) {
            lock.close();
            throw LogCursor.unreadable(path, e);
        } catch (RuntimeException | Error e) {
            lock.close();
            throw e;
        }
    }

    private SegmentWriter recover(Segment last) throws IOException {
        try (SegmentReader reader = new SegmentReader(last)) {
            boolean more = reader.next();
            while (more) {
                more = reader.next();
            }
            long end = reader.offset();
            if (end < reader.size()) {
                if (reader.vouchedFor()) {
                    throw LogCursor.damaged(reader);
                }
                LOG.info(
                        "log segment {}: cut {} bytes that were being written when the writer stopped; it ends at"
                                + " offset {} with record {}",
                        last.file(),
                        reader.size() - end,
                        end,
                        reader.sequence());
            }
            next = reader.sequence() + 1;
            try (RandomAccessFile file = new RandomAccessFile(last.file().toFile(), "rw")) {
                file.setLength(end);
                file.getFD().sync();
            }
            SegmentWriter writer = new SegmentWriter(last, end);
            if (!reader.allVouchedFor()) {
                writer.mark(end);
            }
            return writer;
        }
    }

    private void deleteUnfinished() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + Durable.UNFINISHED)) {
            for (Path file : files) {
                Durable.delete(file);
            }
        }
    }

    /**
     * Appends a record; it is acknowledged by a later {@link #sync}.
     *
     * @return its sequence
     * @throws IllegalArgumentException if it has more than 64 MiB
     * @throws StoreException if the disk is full or fails, now or before
     * @throws ClosedException if the log was closed
     */
    public long append(byte[] record) {
        return append(ByteBuffer.wrap(record));
    }

    /**
     * Appends the bytes between the buffer's position and limit, which stay as they are.
     *
     * @see #append(byte[])
     */
    public long append(ByteBuffer record) {
        int length = record.remaining();
        if (length > Frame.RECORD_BYTES_LIMIT) {
            throw new IllegalArgumentException(
                    "a record has at most " + Frame.RECORD_BYTES_LIMIT + " bytes, found " + length);
        }
        appending.lock();
        try {
            check();
            boolean full = active.size() + Frame.HEADER_BYTES + length > segmentBytes;
            if (full && next > active.segment().first()) {
                startSegment();
            }
            active.append(next, record);
            return next++;
        } catch (IOException e) {
            throw fail(e);
        } finally {
            appending.unlock();
        }
    }

    /**
     * Appends a record and waits until it is on the disk.
     *
     * @return its sequence
     * @throws StoreException if the disk is full or fails; the record may then be there or not when the log is opened
     *     again
     * @throws ClosedException if the log was closed
     */
    public long commit(byte[] record) {
        return commit(ByteBuffer.wrap(record));
    }

    /**
     * Appends the bytes between the buffer's position and limit and waits until they are on the disk.
     *
     * @see #commit(byte[])
     */
    public long commit(ByteBuffer record) {
        long sequence = append(record);
        awaitDurable(sequence + 1);
        return sequence;
    }

    /**
     * Waits until every record appended before this call, by any thread, is on the disk.
     *
     * @throws StoreException if the disk is full or fails, now or before
     * @throws ClosedException if the log was closed with records that did not reach the disk
     */
    public void sync() {
        awaitDurable(nextSequence());
    }

    /**
     * Waits until the record of a sequence, and with it every earlier one, is on the disk.
     *
     * @param sequence what {@link #append} has returned
     * @throws StoreException if the disk is full or fails; the record may then be there or not when the log is opened
     *     again
     * @throws ClosedException if the log was closed before the record reached the disk
     */
    public void sync(long sequence) {
        awaitDurable(sequence + 1);
    }

    /** {@return whether the disk has failed, so that the log refuses everything until it is opened again} */
    public boolean failed() {
        return failure != null;
    }

    /** {@return the sequence that the next record will have, which is the number of records ever appended} */
    public long nextSequence() {
        appending.lock();
        try {
            return next;
        } finally {
            appending.unlock();
        }
    }

    /**
     * {@return a cursor over all records appended before this call and from a sequence on; it goes on to later ones}
     *
     * @param fromSequence the first record of interest, from 0; records that retention has deleted are passed over
     */
    public LogCursor read(long fromSequence) {
        appending.lock();
        try {
            if (!closed && failure == null) {
                active.writeOut();
            }
        } catch (IOException e) {
            throw fail(e);
        } finally {
            appending.unlock();
        }
        return LogCursor.open(directory, fromSequence);
    }

    /**
     * Deletes every file that holds only records before a sequence. Never the newest file, so some of these records may
     * stay. Appends go on meanwhile, and so do cursors: they pass over what is gone.
     *
     * @return the sequence of the first record that is left
     * @throws StoreException if the file system refuses
     */
    public long deleteBefore(long sequence) {
        deleting.lock();
        try {
            check();
            NavigableMap<Long, Path> segments = Segment.list(directory);
            // oldest first, so that a crash leaves no hole
            while (segments.size() > 1 && segments.higherKey(segments.firstKey()) <= sequence) {
                Map.Entry<Long, Path> oldest = segments.pollFirstEntry();
                Durable.delete(oldest.getValue());
                LOG.debug("log {}: deleted segment {}", directory, oldest.getKey());
            }
            return segments.firstKey();
        } catch (IOException e) {
            throw LogCursor.unreadable(directory, e);
        } finally {
            deleting.unlock();
        }
    }

    /**
     * Begins a new file, so that the newest one can be deleted when its time has come, however few records there are.
     * All that was appended before is on the disk when this returns. Does nothing if the newest file has no record.
     *
     * @throws StoreException if the disk is full or fails, now or before
     * @throws ClosedException if the log was closed
     */
    public void roll() {
        appending.lock();
        try {
            check();
            if (next > active.segment().first()) {
                startSegment();
            }
        } catch (IOException e) {
            throw fail(e);
        } finally {
            appending.unlock();
        }
    }

    /**
     * {@return the sequences with which the files of a log begin, in order, in any process; the last file is the one
     * that is appended to}
     *
     * @throws StoreException if there is no such log or the file system refuses
     */
    public static List<Long> segments(Path directory) {
        try {
            return List.copyOf(Segment.list(directory.toAbsolutePath()).keySet());
        } catch (IOException e) {
            throw LogCursor.unreadable(directory, e);
        }
    }

    /**
     * {@return the size of a log's files together, in bytes, in any process}
     *
     * @throws StoreException if there is no such log or the file system refuses
     */
    public static long bytes(Path directory) {
        try {
            long bytes = 0;
            for (Path file : Segment.list(directory.toAbsolutePath()).values()) {
                // 0 for one that retention has deleted just now
                bytes += file.toFile().length();
            }
            return bytes;
        } catch (IOException e) {
            throw LogCursor.unreadable(directory, e);
        }
    }

    /** Acknowledges what was appended and lets others open the log. Further calls do nothing. */
    @Override
    public void close() {
        appending.lock();
        try {
            if (closed) {
                return;
            }
        } finally {
            appending.unlock();
        }
        try {
            if (failure == null) {
                sync();
            }
        } finally {
            appending.lock();
            try {
                closed = true;
                active.close();
            } catch (IOException e) {
                LOG.debug("closing log {}", directory, e);
            } finally {
                appending.unlock();
                lock.close();
            }
        }
    }

    private void awaitDurable(long target) {
        committing.lock();
        try {
            while (durable.get() < target && leading) {
                committed.awaitUninterruptibly();
            }
            if (durable.get() >= target) {
                return;
            }
            check();
            leading = true;
        } finally {
            committing.unlock();
        }
        try {
            syncAll();
        } finally {
            handOver();
        }
    }

    private void handOver() {
        committing.lock();
        try {
            leading = false;
            committed.signalAll();
        } finally {
            committing.unlock();
        }
    }

    /** Puts all that was appended on the disk, for everyone who waits; appends go on meanwhile. */
    private void syncAll() {
        SegmentWriter writer;
        long target;
        long offset;
        appending.lock();
        try {
            check();
            active.writeOut();
            writer = active;
            target = next;
            offset = writer.size();
        } catch (IOException e) {
            throw fail(e);
        } finally {
            appending.unlock();
        }
        try {
            writer.sync();
        } catch (IOException e) {
            throw fail(e);
        }
        durable.accumulateAndGet(target, Math::max);
        mark(writer, offset);
    }

    private void mark(SegmentWriter writer, long offset) {
        appending.lock();
        try {
            if (writer == active && !closed && failure == null) {
                writer.mark(offset);
            }
        } catch (IOException e) {
            // what was synced stays acknowledged; who appends next is told
            failure = new Failure(e, durable.get() - 1);
        } finally {
            appending.unlock();
        }
    }

    private void startSegment() throws IOException {
        active.writeOut();
        active.sync();
        active.close();
        durable.accumulateAndGet(next, Math::max);
        try {
            active = new SegmentWriter(Segment.create(directory, next), Segment.HEADER_BYTES);
        } catch (StoreException e) {
            throw new IOException("no new segment: " + e.getMessage(), e);
        }
    }

    private void check() {
        Failure before = failure;
        if (before != null) {
            throw refusal("it refuses since an earlier failure: " + before.why(), before.cause());
        }
        if (closed) {
            throw new ClosedException("log " + directory, "it was closed", "use it before closing, or open it again");
        }
    }

    private StoreException fail(IOException e) {
        Failure now = new Failure(e, durable.get() - 1);
        failure = now;
        return refusal(now.why(), e);
    }

    private StoreException refusal(String why, IOException cause) {
        return new StoreException(
                "appending to log " + directory,
                why,
                "free space on the disk or mend it, then close and open the log again",
                cause);
    }

    private record Failure(IOException cause, long lastRecord) {

        String why() {
            return "the file system says " + cause + "; the log ends with record " + lastRecord
                    + ", later ones may be lost";
        }
    }
}
