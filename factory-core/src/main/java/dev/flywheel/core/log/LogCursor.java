package dev.flywheel.core.log;

import dev.flywheel.core.StoreException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the records of a log in order, in any process, also while another appends. Not thread-safe. Whoever opened it
 * closes it.
 *
 * <p>It shows every record that was acknowledged before {@link #next} was called, and may show later ones that are
 * written but not yet acknowledged; these survive the end of the writing process, but not a loss of power. Records that
 * retention deletes while it reads are passed over.
 */
public final class LogCursor implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LogCursor.class);

    private final Path directory;
    private final long from;
    private @Nullable SegmentReader reader;
    private boolean onRecord;

    private LogCursor(Path directory, long from) {
        this.directory = directory;
        this.from = from;
    }

    /**
     * Opens a log that another process, or nobody, may be writing.
     *
     * @param directory the log's directory
     * @param fromSequence the first record of interest, from 0; records that retention has deleted are passed over
     * @throws StoreException if there is no such log or the file system refuses
     */
    public static LogCursor open(Path directory, long fromSequence) {
        if (fromSequence < 0) {
            throw new IllegalArgumentException("sequences start at 0, found " + fromSequence);
        }
        LogCursor cursor = new LogCursor(directory.toAbsolutePath(), fromSequence);
        cursor.start();
        return cursor;
    }

    /**
     * Goes to the next record.
     *
     * @return false if there is none yet; another call looks again
     * @throws StoreException if the disk has damaged an acknowledged record or a segment is missing; the message names
     *     segment, offset and sequence
     */
    public boolean next() {
        onRecord = false;
        try {
            while (advance()) {
                if (reader != null && reader.sequence() >= from) {
                    onRecord = true;
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
    }

    /** {@return the sequence of the record that {@link #next} went to} */
    public long sequence() {
        return current().sequence();
    }

    /** {@return the record that {@link #next} went to: a read-only view, valid until the next call} */
    public ByteBuffer record() {
        return current().record().duplicate();
    }

    @Override
    public void close() {
        try {
            if (reader != null) {
                reader.close();
            }
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
    }

    private SegmentReader current() {
        if (!onRecord || reader == null) {
            throw new NoSuchElementException("the cursor is on no record: call next() and see that it returns true");
        }
        return reader;
    }

    private boolean start() {
        while (true) {
            Path file = directory;
            try {
                NavigableMap<Long, Path> segments = Segment.list(directory);
                if (segments.isEmpty()) {
                    return false;
                }
                Map.Entry<Long, Path> first = segments.floorEntry(from);
                file = (first == null ? segments.firstEntry() : first).getValue();
                reader = new SegmentReader(Segment.open(file));
                return true;
            } catch (FileNotFoundException e) {
                if (Files.exists(file)) {
                    throw unreadable(directory, e);
                }
                LOG.debug("segment {} was deleted by retention just now", file);
            } catch (IOException e) {
                throw unreadable(directory, e);
            }
        }
    }

    private boolean advance() throws IOException {
        if (reader == null && !start()) {
            return false;
        }
        SegmentReader open = Objects.requireNonNull(reader);
        while (!open.next()) {
            // a later segment begins only when this one is complete, so what it holds now is all it will ever hold
            Long later = Segment.list(directory).higherKey(open.segment().first());
            if (later == null) {
                return checkTail(open);
            }
            if (open.next()) {
                return true;
            }
            if (open.offset() != open.size()) {
                throw damaged(open);
            }
            if (later != open.sequence() + 1 && Files.exists(open.segment().file())) {
                throw new StoreException(
                        "reading log " + directory,
                        "records " + (open.sequence() + 1) + " to " + (later - 1) + " are gone: the segment after "
                                + open.segment().file().getFileName() + " is " + Segment.name(later),
                        "restore the missing segments from a backup, or read from sequence " + later
                                + " on if retention deleted them");
            }
            SegmentReader following = follow(later);
            if (following == null) {
                continue;
            }
            open.close();
            reader = following;
            open = following;
        }
        return true;
    }

    /**
     * {@return a reader of a segment, or null if retention has deleted it just now} Retention deletes the oldest first,
     * so where the segment before is gone, too, a gap is no damage.
     */
    private @Nullable SegmentReader follow(long first) throws IOException {
        Path file = directory.resolve(Segment.name(first));
        try {
            return new SegmentReader(Segment.open(file));
        } catch (FileNotFoundException e) {
            if (Files.exists(file)) {
                throw e;
            }
            LOG.debug("segment {} was deleted by retention just now", file);
            return null;
        }
    }

    /** Nothing whole follows in the last segment: either its end for now, or damage. */
    private static boolean checkTail(SegmentReader open) throws IOException {
        if (open.offset() >= open.size() || !open.vouchedFor()) {
            return false;
        }
        // the mark was written after the frame, so now the frame is there to read unless it is damaged
        if (open.next()) {
            return true;
        }
        throw damaged(open);
    }

    static StoreException damaged(SegmentReader open) throws IOException {
        return new StoreException(
                "reading log segment " + open.segment().file(),
                "record " + (open.sequence() + 1) + " at offset " + open.offset() + " of " + open.size()
                        + " bytes is damaged, though it was once whole on the disk",
                "restore this file from a backup; to give up this record and all after it instead, delete the later"
                        + " segments and cut this file to " + open.offset() + " bytes");
    }

    static StoreException unreadable(Path directory, IOException e) {
        return new StoreException(
                "reading log " + directory,
                "the file system says " + e,
                "check that the disk is mounted and that this user may read there",
                e);
    }
}
