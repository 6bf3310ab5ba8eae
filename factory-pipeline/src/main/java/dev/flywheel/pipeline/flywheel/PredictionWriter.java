package dev.flywheel.pipeline.flywheel;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.log.RowEncoder;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import dev.flywheel.serving.PredictionObserver;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread that takes predictions from the queue to the disk. */
final class PredictionWriter<I> {

    private static final Logger LOG = LoggerFactory.getLogger(PredictionWriter.class);
    private static final long SYNC_NANOS = 200_000_000L;
    private static final long REPORT_NANOS = 1_000_000_000L;
    private static final long RETRY_NANOS = 2_000_000_000L;
    private static final long SHORTEST_WAIT_NANOS = 50_000;
    private static final int BATCH = 1 << 10;
    // from busy to idle; callers need not wake the thread unless the queue is half full
    private static final long SHORTEST_NAP_NANOS = 5_000_000;
    private static final long LONGEST_NAP_NANOS = 100_000_000;

    private final Path directory;
    private final RowType<I> type;
    private final HandOff<I> queue;
    private final LongAdder dropped;
    private final RowEncoder encoder;
    private final RowWriter row;
    private final @Nullable Predicate<? super I> exception;
    private final @Nullable Losses losses;
    private final PredictionObserver<? super I> follower;
    private final Thread thread;
    private final DiskSync disk;
    private final Arrivals arrivals;

    // written by the thread alone
    private volatile @Nullable SegmentLog log;

    // of the thread alone
    private ByteBuffer frame = ByteBuffer.allocate(512);
    private int pending;
    private DiskSync.@Nullable Round round;
    private long pendingMillis;
    private long lastSync = System.nanoTime();
    private long lastTry = System.nanoTime();
    private long lastReport = System.nanoTime() - REPORT_NANOS;
    private long reported;
    private @Nullable Throwable problem;

    private volatile long settledMillis;
    // so many entries somebody waits for who needs them not on the disk
    private volatile long awaited;
    private volatile boolean napping;
    private volatile boolean closing;

    /** What is logged, from when on, and who is told. */
    record Rules<I>(Logging<? super I> logging, Instant now, PredictionObserver<? super I> follower) {

        @Nullable
        Predicate<? super I> exception() {
            return logging.exception();
        }
    }

    PredictionWriter(Path directory, RowType<I> type, Rules<I> rules, HandOff<I> queue, LongAdder dropped) {
        this.directory = directory.toAbsolutePath();
        this.type = type;
        this.queue = queue;
        this.dropped = dropped;
        this.encoder = new RowEncoder(type.schema());
        this.row = LoggedRow.of(encoder, type.schema(), rules.logging);
        this.exception = rules.exception();
        this.follower = rules.follower;
        this.losses = rules.logging.durability() == Durability.ACKNOWLEDGED ? new Losses(this.directory) : null;
        SegmentLog opened = SegmentLog.open(this.directory);
        try {
            // before its first record a log has had no other share
            Sampling.keep(this.directory, rules.logging.rate(), opened.nextSequence() == 0 ? Instant.EPOCH : rules.now);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
        this.log = opened;
        this.thread = new Thread(this::run, "flywheel-predictions " + this.directory);
        this.thread.setDaemon(true);
        this.arrivals = new Arrivals(this.directory, this::wake);
        this.disk = new DiskSync("flywheel-predictions-sync " + this.directory);
    }

    /** {@return the log, or null while the disk fails} */
    @Nullable
    SegmentLog log() {
        return log;
    }

    /** Notes that a prediction, which was to be acknowledged, is not logged. */
    void lost(UUID id) {
        if (losses != null) {
            losses.add(id);
        }
    }

    /**
     * Looks whether a prediction that was on its way has arrived.
     *
     * @throws StoreException if it has not
     */
    void requireKept(UUID id) {
        if (losses != null) {
            losses.requireKept(id);
        }
    }

    void start() {
        disk.start();
        thread.start();
    }

    /** Wakes the thread if it naps. */
    void wake() {
        if (napping) {
            napping = false;
            LockSupport.unpark(thread);
        }
    }

    long settledMillis() {
        return settledMillis;
    }

    /** {@return which entries of the queue are on the disk or dropped} */
    Arrivals arrivals() {
        return arrivals;
    }

    /** Waits until so many entries of the queue are written or dropped, though perhaps not on the disk yet. */
    void awaitTaken(long target) {
        awaited = target;
        while (queue.taken() < target && thread.isAlive()) {
            wake();
            LockSupport.parkNanos(this, SHORTEST_WAIT_NANOS);
        }
    }

    void close() {
        closing = true;
        wake();
        Uninterruptibles.joinUninterruptibly(thread);
    }

    private void run() {
        long nap = SHORTEST_NAP_NANOS;
        try {
            while (true) {
                // before the queue is looked at, so that nothing handed in before closing is left
                boolean last = closing;
                boolean worked = drain();
                if (worked) {
                    nap = SHORTEST_NAP_NANOS;
                }
                syncIfDue(last);
                report(last);
                if (!worked && last && round == null && queue.peek() == null) {
                    return;
                }
                if (!worked) {
                    nap(nap);
                    nap = Math.min(2 * nap, LONGEST_NAP_NANOS);
                }
            }
        } finally {
            end();
        }
    }

    private boolean drain() {
        if (!due()) {
            return false;
        }
        int taken = 0;
        for (HandOff.Entry<I> slot = queue.peek(); slot != null && taken < BATCH; slot = queue.peek()) {
            append(slot);
            queue.giveBack(slot);
            taken++;
        }
        queue.publish();
        return taken > 0;
    }

    /** While the disk is at work this thread is not, unless it must: callers need the processors, too. */
    private boolean due() {
        DiskSync.Round syncing = round;
        return (syncing == null || syncing.ended())
                ? queue.peek() != null
                : queue.halfFull() || queue.taken() < awaited;
    }

    private void append(HandOff.Entry<I> slot) {
        UUID id = Objects.requireNonNull(slot.id);
        SegmentLog open = log;
        if (open == null) {
            drop(id);
            return;
        }
        try {
            I input = Objects.requireNonNull(slot.row);
            if (excepted(input)) {
                return;
            }
            Instant at = Objects.requireNonNull(slot.at);
            open.append(encode(slot, at));
            pending++;
            pendingMillis = at.toEpochMilli();
            if (losses != null) {
                losses.pending(id);
            }
            follower.observed(id, slot.version, input, slot.output, at);
        } catch (StoreException e) {
            drop(id);
            fail(e);
        } catch (RuntimeException | Error e) {
            // one bad row must not end the thread
            drop(id);
            problem = e;
        }
    }

    private void drop(UUID id) {
        dropped.increment();
        lost(id);
    }

    /** A rule that fails says nothing, so the input is not logged: it may be one that must not be. */
    private boolean excepted(I input) {
        return exception != null && exception.test(input);
    }

    private ByteBuffer encode(HandOff.Entry<I> slot, Instant at) {
        UUID id = Objects.requireNonNull(slot.id);
        encoder.clear();
        type.write(Objects.requireNonNull(slot.row), row);
        ByteBuffer encoded = encoder.row();
        int bytes = PredictionFrame.HEADER_BYTES + encoded.remaining();
        if (frame.capacity() < bytes || frame.capacity() > 1 << 20) {
            frame = ByteBuffer.allocate(Math.max(512, 2 * bytes));
        }
        PredictionFrame.write(frame.clear(), id, slot.version, slot.output, at, encoded);
        return frame.flip();
    }

    private void syncIfDue(boolean last) {
        long now = System.nanoTime();
        if (log == null && (last || now - lastTry > RETRY_NANOS)) {
            reopen(now);
        }
        endRound();
        SegmentLog open = log;
        if (open == null || round != null) {
            return;
        }
        long taken = queue.taken();
        boolean due = arrivals.wanted() || last || now - lastSync > SYNC_NANOS;
        if (!due) {
            return;
        }
        if (pending > 0) {
            lastSync = now;
            round = new DiskSync.Round(open, pending, taken, pendingMillis);
            disk.begin(round);
        } else if (arrivals.reached() != taken) {
            arrivals.reached(taken);
        }
    }

    private void endRound() {
        DiskSync.Round ended = round;
        if (ended == null || !ended.ended()) {
            return;
        }
        round = null;
        Throwable failed = ended.failure();
        if (failed != null) {
            fail(failed instanceof StoreException store ? store : unknown(failed));
            return;
        }
        pending -= ended.records;
        if (losses != null) {
            losses.kept(ended.records);
        }
        settledMillis = ended.millis;
        arrivals.reached(ended.taken);
    }

    private StoreException unknown(Throwable failed) {
        return new StoreException(
                "putting predictions on the disk in " + directory, "it failed with " + failed, "report it", failed);
    }

    private void fail(StoreException e) {
        LOG.error("predictions are not logged until the disk takes them again", e);
        dropped.add(pending);
        pending = 0;
        if (losses != null) {
            losses.allLost();
        }
        lastTry = System.nanoTime();
        SegmentLog broken = log;
        log = null;
        // what comes of it concerns records that are given up
        round = null;
        try {
            if (broken != null) {
                broken.close();
            }
        } finally {
            arrivals.failed(e);
        }
    }

    private void reopen(long now) {
        lastTry = now;
        try {
            log = SegmentLog.open(directory);
            arrivals.mended();
            LOG.info("predictions are logged again to {}; {} were dropped", directory, dropped.sum());
        } catch (StoreException e) {
            LOG.debug("predictions cannot be logged yet", e);
        }
    }

    private void report(boolean last) {
        long now = System.nanoTime();
        long total = dropped.sum();
        if (total > reported && (last || now - lastReport > REPORT_NANOS)) {
            LOG.warn("{} predictions were not logged to {}, {} in all", total - reported, directory, total, problem);
            problem = null;
            reported = total;
            lastReport = now;
        }
    }

    private void nap(long nanos) {
        DiskSync.Round syncing = round;
        boolean idle = pending == 0 || syncing != null;
        long limit = idle ? nanos : Math.min(nanos, lastSync + SYNC_NANOS - System.nanoTime());
        napping = true;
        boolean waits = syncing != null ? !syncing.ended() : !closing && !(arrivals.wanted() && log != null);
        if (limit > 0 && waits && !due()) {
            LockSupport.parkNanos(this, limit);
        }
        napping = false;
    }

    private void end() {
        disk.close();
        try {
            SegmentLog open = log;
            if (open != null) {
                open.close();
            }
        } catch (StoreException e) {
            LOG.error("closing the prediction log {}", directory, e);
        } finally {
            arrivals.end();
        }
    }
}
