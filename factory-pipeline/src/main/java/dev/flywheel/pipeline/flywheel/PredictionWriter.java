package dev.flywheel.pipeline.flywheel;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.log.RowEncoder;
import dev.flywheel.core.log.SegmentLog;
import dev.flywheel.pipeline.flywheel.Logging.Durability;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
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
    private static final int BATCH = 1 << 10;
    // from busy to idle; callers need not wake the thread unless the queue is half full
    private static final long SHORTEST_NAP_NANOS = 1_000_000;
    private static final long LONGEST_NAP_NANOS = 100_000_000;

    private final Path directory;
    private final RowType<I> type;
    private final HandOff<I> queue;
    private final LongAdder dropped;
    private final RowEncoder encoder;
    private final RowWriter row;
    private final @Nullable Predicate<? super I> exception;
    private final @Nullable Losses losses;
    private final Thread thread;
    private final DiskSync disk;

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

    private final ReentrantLock flushing = new ReentrantLock();
    private final Condition flushed = flushing.newCondition();
    // under "flushing"
    private final PriorityQueue<Waiting> waiting = new PriorityQueue<>();
    private volatile long wanted;
    private volatile long done;
    private volatile long settledMillis;
    private volatile @Nullable StoreException failure;
    private volatile boolean napping;
    private volatile boolean closing;
    private volatile boolean ended;

    /** What is logged, from when on. */
    record Rules<I>(Logging<? super I> logging, Instant now) {

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

    /** Waits until so many entries of the queue are on the disk or dropped. */
    void flush(long target) {
        flushing.lock();
        try {
            while (done < target) {
                StoreException failed = failure;
                if (failed != null) {
                    throw failing(failed);
                }
                if (ended) {
                    throw closedException();
                }
                wanted = Math.max(wanted, target);
                napping = false;
                LockSupport.unpark(thread);
                flushed.awaitUninterruptibly();
            }
        } finally {
            flushing.unlock();
        }
    }

    ClosedException closedException() {
        return new ClosedException(
                "prediction log " + directory, "it was closed", "stop predicting before closing, or open it again");
    }

    void close() {
        closing = true;
        napping = false;
        LockSupport.unpark(thread);
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
                if (!worked && last && round == null) {
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
        int taken = 0;
        for (HandOff.Entry<I> slot = queue.peek(); slot != null && taken < BATCH; slot = queue.peek()) {
            append(slot);
            queue.giveBack(slot);
            taken++;
        }
        queue.publish();
        return taken > 0;
    }

    private void append(HandOff.Entry<I> slot) {
        UUID id = Objects.requireNonNull(slot.id);
        SegmentLog open = log;
        if (open == null) {
            drop(id);
            return;
        }
        try {
            if (excepted(Objects.requireNonNull(slot.row))) {
                return;
            }
            Instant at = Objects.requireNonNull(slot.at);
            open.append(encode(slot, at));
            pending++;
            pendingMillis = at.toEpochMilli();
            if (losses != null) {
                losses.pending(id);
            }
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
        boolean due = wanted > done || last || now - lastSync > SYNC_NANOS;
        if (!due) {
            return;
        }
        if (pending > 0) {
            lastSync = now;
            round = new DiskSync.Round(open, pending, taken, pendingMillis);
            disk.begin(round);
        } else if (done != taken) {
            signal(taken);
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
        signal(ended.taken);
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
        failure = e;
        if (broken != null) {
            broken.close();
        }
        signal(done);
    }

    private void reopen(long now) {
        lastTry = now;
        try {
            log = SegmentLog.open(directory);
            failure = null;
            LOG.info("predictions are logged again to {}; {} were dropped", directory, dropped.sum());
        } catch (StoreException e) {
            LOG.debug("predictions cannot be logged yet", e);
        }
    }

    private void signal(long reached) {
        flushing.lock();
        try {
            done = reached;
            flushed.signalAll();
            StoreException failed = failure;
            for (Waiting one = waiting.peek(); one != null && (failed != null || one.target <= done); ) {
                complete(waiting.remove(), failed);
                one = waiting.peek();
            }
        } finally {
            flushing.unlock();
        }
    }

    /** Somebody who waits without a thread, for so many entries of the queue. */
    private record Waiting(long target, CompletableFuture<Void> future) implements Comparable<Waiting> {
        @Override
        public int compareTo(Waiting other) {
            return Long.compare(target, other.target);
        }
    }

    /** {@return a stage that completes as {@link #flush} returns; what depends on it must not run on this thread} */
    CompletableFuture<Void> reached(long target) {
        CompletableFuture<Void> future = new CompletableFuture<>();
        flushing.lock();
        try {
            StoreException failed = failure;
            if (done >= target || failed != null || ended) {
                complete(new Waiting(target, future), failed);
            } else {
                waiting.add(new Waiting(target, future));
                wanted = Math.max(wanted, target);
                napping = false;
                LockSupport.unpark(thread);
            }
        } finally {
            flushing.unlock();
        }
        return future;
    }

    private void complete(Waiting one, @Nullable StoreException failed) {
        boolean unused;
        if (one.target <= done) {
            unused = one.future.complete(null);
        } else {
            unused = one.future.completeExceptionally(failed == null ? closedException() : failing(failed));
        }
    }

    private StoreException failing(StoreException failed) {
        return new StoreException(
                "flushing predictions to " + directory,
                "the log fails (" + failed.getMessage() + ")",
                "free space on the disk or mend it; the log goes on by itself",
                failed);
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
        boolean waits = syncing != null ? !syncing.ended() : !closing && !(wanted > done && log != null);
        if (limit > 0 && waits && queue.peek() == null) {
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
            flushing.lock();
            try {
                ended = true;
                flushed.signalAll();
                while (!waiting.isEmpty()) {
                    complete(waiting.remove(), failure);
                }
            } finally {
                flushing.unlock();
            }
        }
    }
}
