package dev.flywheel.pipeline.flywheel;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.log.SegmentLog;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The thread that waits for the disk, so that the one that writes need not: the queue would be full meanwhile. */
final class DiskSync {

    private final Thread thread;
    private volatile @Nullable Round round;
    private volatile boolean closing;

    /** One fsync. What it covers is for who began it to know. */
    static final class Round {
        final SegmentLog log;
        final int records;
        final long taken;
        final long millis;
        private final Thread writer = Thread.currentThread();
        private @Nullable Throwable failure;
        private volatile boolean ended;

        /**
         * @param log what is synced
         * @param records how many records were appended since the one before
         * @param taken how many entries of the queue had been taken
         * @param millis the time of the newest record
         */
        Round(SegmentLog log, int records, long taken, long millis) {
            this.log = log;
            this.records = records;
            this.taken = taken;
            this.millis = millis;
        }

        boolean ended() {
            return ended;
        }

        /** {@return why nothing is known to be on the disk; for a round that ended} */
        @Nullable
        Throwable failure() {
            return failure;
        }

        private void run() {
            try {
                log.sync();
            } catch (RuntimeException | Error e) {
                failure = e;
            } finally {
                ended = true;
                LockSupport.unpark(writer);
            }
        }
    }

    DiskSync(String name) {
        this.thread = new Thread(this::run, name);
        this.thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Syncs; the caller is woken when it has ended. One at a time, unless the one before is of no interest. */
    void begin(Round next) {
        round = next;
        LockSupport.unpark(thread);
    }

    private void run() {
        while (true) {
            boolean last = closing;
            Round next = round;
            if (next != null && !next.ended) {
                next.run();
            } else if (last) {
                return;
            } else {
                LockSupport.park(this);
            }
        }
    }

    /** Ends the thread. Uninterruptible. */
    void close() {
        closing = true;
        LockSupport.unpark(thread);
        Uninterruptibles.joinUninterruptibly(thread);
    }
}
