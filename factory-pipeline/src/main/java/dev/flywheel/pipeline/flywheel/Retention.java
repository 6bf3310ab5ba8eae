package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.log.LogCursor;
import dev.flywheel.core.log.SegmentLog;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes the files of a log whose records are all older than an age, and begins new ones often enough for that to
 * happen. Thread-safe.
 */
final class Retention {

    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);
    // a file is begun this often in the time that records are kept
    private static final int FILES = 8;
    private static final Duration SELDOM = Duration.ofMinutes(1);

    private final Path directory;
    private final @Nullable Duration age;
    private final ToLongFunction<LogCursor> micros;
    // by the first sequence of a file: its oldest and newest record, where that was looked up
    private final Map<Long, Long> oldest = new TreeMap<>();
    private final Map<Long, Long> newest = new TreeMap<>();
    private @Nullable Instant last;

    /**
     * @param age how long records are kept; null for ever
     * @param micros the time of the record that a cursor is on
     */
    Retention(Path directory, @Nullable Duration age, ToLongFunction<LogCursor> micros) {
        this.directory = directory;
        this.age = age;
        this.micros = micros;
    }

    /** Deletes what is too old, unless it has looked for that just now. What fails is tried again. */
    synchronized void run(SegmentLog log, Instant now) {
        if (age == null) {
            return;
        }
        Duration pause = age.dividedBy(FILES).compareTo(SELDOM) < 0 ? age.dividedBy(FILES) : SELDOM;
        if (last != null && Duration.between(last, now).abs().compareTo(pause) < 0) {
            return;
        }
        try {
            delete(log, Micros.of(now.minus(age)));
            begin(log, Micros.of(now.minus(age.dividedBy(FILES))));
            last = now;
        } catch (ClosedException e) {
            LOG.debug("{} was closed before old records were deleted", directory, e);
        } catch (StoreException e) {
            LOG.warn("old records of {} are kept until they can be deleted", directory, e);
        }
    }

    private void delete(SegmentLog log, long cutoff) {
        List<Long> files = SegmentLog.segments(directory);
        long before = files.get(0);
        for (int i = 0; i + 1 < files.size(); i++) {
            long first = files.get(i);
            if (oldest(first) >= cutoff || newest(first, files.get(i + 1)) >= cutoff) {
                break;
            }
            before = files.get(i + 1);
        }
        if (before > files.get(0)) {
            long left = log.deleteBefore(before);
            oldest.keySet().removeIf(first -> first < left);
            newest.keySet().removeIf(first -> first < left);
        }
    }

    private void begin(SegmentLog log, long cutoff) {
        List<Long> files = SegmentLog.segments(directory);
        if (oldest(files.get(files.size() - 1)) < cutoff) {
            log.roll();
        }
    }

    /** {@return the time of a file's first record; the end of time if it has none yet} */
    private long oldest(long first) {
        Long known = oldest.get(first);
        if (known != null) {
            return known;
        }
        try (LogCursor cursor = LogCursor.open(directory, first)) {
            if (!cursor.next()) {
                return Long.MAX_VALUE;
            }
            long found = micros.applyAsLong(cursor);
            oldest.put(first, found);
            return found;
        }
    }

    /** Nothing is added to a file once the next has begun, so each is read through at most once. */
    private long newest(long first, long next) {
        return newest.computeIfAbsent(first, unused -> {
            long found = Long.MIN_VALUE;
            try (LogCursor cursor = LogCursor.open(directory, first)) {
                while (cursor.next() && cursor.sequence() < next) {
                    found = Math.max(found, micros.applyAsLong(cursor));
                }
            }
            return found;
        });
    }
}
