package dev.flywheel.serving;

import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.monitor.Histogram;
import dev.flywheel.serving.monitor.ShadowReport;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs copies of the champion's requests on another version and compares what comes out. Thread-safe.
 *
 * <p>Callers only lay a copy into a short queue, and never wake anybody: one thread looks there by itself. It runs one
 * row at a time in a lane of its own, begins only while the champion leaves a processor free and lets nobody wait, and
 * rests between runs. Of all requests, the share d arrives while the shadow runs, where d is the share of the time that
 * it does; and of those, the share c is held up, where c is the share of the time in which the champion needs that
 * processor too. So d is kept below {@value #HARM} / c, and below {@value #MOST} at any rate ({@value #MOST_OF_TWO}
 * with one or two processors), since processors share caches and memory. Then fewer than one request in a hundred is
 * slower for it, and the 99th percentile stays where it was.
 */
final class Shadow<I, O> {

    private static final Logger log = LoggerFactory.getLogger(Shadow.class);

    private static final double HARM = 0.003;
    private static final double MOST = 0.1;
    private static final double MOST_OF_TWO = 0.02;

    /** Inputs may be large, and copies are worth little when they are old. */
    private static final int CAPACITY = 32;

    /** As many short runs as fit are done in one go, for waking costs some microseconds. */
    private static final long SLICE_NANOS = 100_000;

    private static final long SHORTEST_IDLE_NANOS = 1_000_000;
    private static final long LONGEST_IDLE_NANOS = 50_000_000;
    private static final long STOP_NANOS = 5_000_000_000L;
    private static final int REMEMBERED = 64;
    private static final int OUTLIER = 4;

    private final Loaded<I, O> champion;
    private final Loaded<I, O> target;
    private final ModelLane<I, O> lane;
    private final double share;
    private final int processors = Runtime.getRuntime().availableProcessors();
    private final int spare = Math.max(1, processors - 1);
    private final double most = processors > 2 ? MOST : MOST_OF_TWO;
    private final Queue<Sample> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private final LongAdder running = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private final ShadowTally tally = new ShadowTally();
    private final Thread worker;
    private double crowded;
    private int looked;
    private long typicalNanos;
    private volatile boolean stopped;

    /**
     * @param lane of the target's engine, for one row; closed by this shadow
     * @param target retained by the caller; released by this shadow
     */
    Shadow(String name, Loaded<I, O> champion, Loaded<I, O> target, ModelLane<I, O> lane, double share) {
        this.champion = champion;
        this.target = target;
        this.lane = lane;
        this.share = share;
        this.worker = new Thread(this::work, "flywheel-shadow " + name);
        worker.setDaemon(true);
    }

    private record Sample(Object prepared, int length, RowNumbers answer, long nanos) {}

    void start() {
        worker.start();
        champion.hook().begin(this);
    }

    /**
     * Ends the run that is under way, if the engine can; returns when the lane is closed, or after some seconds.
     *
     * @param patience after which it returns at any rate; null if those seconds are all right
     */
    void stop(@Nullable Duration patience) {
        champion.hook().end(this);
        stopped = true;
        lane.terminate();
        LockSupport.unpark(worker);
        boolean interrupted = false;
        long most = patience == null ? STOP_NANOS : Math.min(STOP_NANOS, patience.toNanos());
        long until = System.nanoTime() + most;
        while (worker.isAlive() && worker != Thread.currentThread() && System.nanoTime() - until < 0) {
            try {
                TimeUnit.NANOSECONDS.timedJoin(worker, Math.max(1, until - System.nanoTime()));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    Loaded<I, O> target() {
        return target;
    }

    Loaded<I, O> champion() {
        return champion;
    }

    double share() {
        return share;
    }

    ShadowReport report() {
        return tally.report(target.version(), champion.version(), dropped.sum());
    }

    /** A run of the champion begins; {@return when, to be given back}. */
    long begins() {
        running.increment();
        return System.nanoTime();
    }

    /** A run of the champion has ended; {@return how long it took, in nanoseconds}. */
    long ends(long started) {
        running.decrement();
        return System.nanoTime() - started;
    }

    /**
     * Takes a copy of a request that the champion has answered, if there is room. Called by whoever answered it.
     *
     * @param of what holds the answer
     * @param nanos how long the champion's run took; negative if the answer was known
     */
    void offer(Object prepared, int length, Lane of, int row, long nanos) {
        if (share < 1 && ThreadLocalRandom.current().nextDouble() >= share) {
            return;
        }
        if (queued.get() >= CAPACITY || champion.batcher().queued() > 0) {
            dropped.increment();
            return;
        }
        try {
            Sample sample = new Sample(kept(prepared), length, RowNumbers.of(of, row), nanos);
            queued.incrementAndGet();
            queue.add(sample);
        } catch (RuntimeException e) {
            dropped.increment();
            log.debug("a request could not be copied to the shadow", e);
        }
    }

    /** Callers fill their arrays again for the next request; other inputs are taken for values. */
    private static Object kept(Object prepared) {
        if (prepared instanceof float[] floats) {
            return floats.clone();
        } else if (prepared instanceof double[] doubles) {
            return doubles.clone();
        } else if (prepared instanceof long[] longs) {
            return longs.clone();
        } else if (prepared instanceof int[] ints) {
            return ints.clone();
        }
        return prepared;
    }

    private void work() {
        try (lane) {
            warmUp();
            long idle = SHORTEST_IDLE_NANOS;
            while (!stopped) {
                long used = slice();
                idle = queued.get() > 0 || used > 0 ? SHORTEST_IDLE_NANOS : Math.min(2 * idle, LONGEST_IDLE_NANOS);
                double duty = Math.min(most, HARM / Math.max(crowded, HARM));
                long rest = (long) (Math.max(used, SLICE_NANOS) * (1 / duty - 1));
                // What ran may have used up the permit of the stopping thread.
                if (!stopped) {
                    LockSupport.parkNanos(this, Math.max(rest, idle));
                }
            }
        } catch (RuntimeException | Error e) {
            champion.hook().end(this);
            log.warn("the shadow of version {} has ended", target.version(), e);
        } finally {
            target.release();
        }
    }

    /** The first run of a lane is many times slower than the others. */
    private void warmUp() {
        for (int runs = 0; runs < 2 && !stopped; runs++) {
            try {
                long started = System.nanoTime();
                int unused = lane.rehearse(1);
                typicalNanos = System.nanoTime() - started;
            } catch (RuntimeException | Error e) {
                log.debug("version {} could not be warmed up for the shadow", target.version(), e);
            }
        }
    }

    /** {@return for how long it has used a processor} */
    private long slice() {
        long used = 0;
        while (used < SLICE_NANOS && !stopped && spared()) {
            Sample sample = queue.poll();
            if (sample == null) {
                break;
            }
            queued.decrementAndGet();
            long started = System.nanoTime();
            compare(sample);
            used += charged(System.nanoTime() - started);
        }
        return used;
    }

    /** {@return the part of the time in which it was likely to run, and not to wait for a processor} */
    private long charged(long nanos) {
        if (typicalNanos == 0) {
            typicalNanos = nanos;
        }
        // Steps of an eighth up and down come to rest at the median.
        long typical = typicalNanos;
        typicalNanos = Math.max(1_000, nanos > typical ? typical + typical / 8 : typical - typical / 8);
        return Math.min(nanos, OUTLIER * typical);
    }

    private boolean spared() {
        boolean busy = running.sum() >= spare;
        looked = Math.min(looked + 1, REMEMBERED);
        crowded += ((busy ? 1 : 0) - crowded) / looked;
        return !busy && champion.batcher().queued() == 0;
    }

    private void compare(Sample sample) {
        try {
            long started = System.nanoTime();
            RowNumbers answer = lane.rehearse(sample.prepared(), sample.length());
            tally.compared(sample.answer(), answer, sample.nanos(), System.nanoTime() - started);
        } catch (RuntimeException | Error e) {
            if (!stopped) {
                tally.failed();
                log.debug("version {} failed in the shadow", target.version(), e);
            }
        }
    }

    /** What was found; touched by the worker and by who asks, never by callers. */
    private static final class ShadowTally {

        private final long[] differences = new long[Histogram.bucket(Long.MAX_VALUE) + 1];
        private final long[] championNanos = new long[differences.length];
        private final long[] shadowNanos = new long[differences.length];
        private long compared;
        private long failed;
        private long shifted;
        private double shift;

        synchronized void compared(RowNumbers expected, RowNumbers found, long expectedNanos, long foundNanos) {
            compared++;
            differences[Histogram.bucket(ShadowReport.units(expected.distance(found)))]++;
            if (expectedNanos >= 0) {
                championNanos[Histogram.bucket(expectedNanos)]++;
            }
            shadowNanos[Histogram.bucket(foundNanos)]++;
            double distance = found.shiftFrom(expected);
            if (Double.isFinite(distance)) {
                shifted++;
                shift += (distance - shift) / shifted;
            }
        }

        synchronized void failed() {
            failed++;
        }

        synchronized ShadowReport report(int version, int champion, long dropped) {
            return new ShadowReport(
                    version,
                    champion,
                    compared,
                    failed,
                    dropped,
                    Histogram.of(differences),
                    shift,
                    Histogram.of(championNanos),
                    Histogram.of(shadowNanos));
        }
    }
}
