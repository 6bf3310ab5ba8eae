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
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs copies of the champion's requests on another version and compares what comes out. Thread-safe.
 *
 * <p>Callers find it at the champion's {@link ShadowHook} only while it wants copies: whoever fills its short queue
 * takes it away from there, and its own thread, which nobody ever wakes, puts it back when it has run some. All
 * requests in between cost what they cost without a shadow. Where requests are few, all are copied. Where they are
 * many, a sample is: those that come first after a rest, whose length is partly chance, so that it does not keep step
 * with the traffic. So where requests come in bursts, those at the beginning of a burst are copied more often than the
 * others.
 *
 * <p>That thread runs one row at a time in a lane of its own, never begins while requests wait, and rests between runs.
 * About the share d of all requests meets a run, where d is the share of the time that it runs. Where the champion uses
 * every processor, each run holds up somebody, and d is {@value #CROWDED}. Where one is free, the others share no more
 * than caches and memory with the shadow, and d is {@value #SPARE}, or {@value #SPARE_OF_TWO} with one or two
 * processors: their requests do not become measurably slower. So far fewer than one request in a hundred is held up,
 * and the 99th percentile stays where it was.
 */
final class Shadow<I, O> {

    private static final Logger log = LoggerFactory.getLogger(Shadow.class);

    private static final double CROWDED = 0.003;
    private static final double SPARE = 0.1;
    private static final double SPARE_OF_TWO = 0.02;

    /** Inputs may be large, and copies are worth little when they are old. */
    private static final int CAPACITY = 32;

    /** As many short runs as fit are done in one go, for waking costs some microseconds. */
    private static final long SLICE_NANOS = 100_000;

    private static final long SHORTEST_IDLE_NANOS = 1_000_000;
    private static final long LONGEST_IDLE_NANOS = 50_000_000;
    private static final long STOP_NANOS = 5_000_000_000L;
    private static final int OUTLIER = 4;

    private final Loaded<I, O> champion;
    private final Loaded<I, O> target;
    private final ModelLane<I, O> lane;
    private final double share;
    private final long answeredBefore;
    private final int processors = Runtime.getRuntime().availableProcessors();
    private final double spare = processors > 2 ? SPARE : SPARE_OF_TWO;
    private final Queue<Sample> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicLong copied = new AtomicLong();
    private final ShadowTally tally = new ShadowTally();
    private final Thread worker;
    private long idleNanos = SHORTEST_IDLE_NANOS;
    private long typicalNanos;
    private volatile long answeredInAll = -1;
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
        this.answeredBefore = champion.answered();
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
        answeredInAll = champion.answered();
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
        long ended = answeredInAll;
        double wanted = share * ((ended < 0 ? champion.answered() : ended) - answeredBefore);
        long copies = copied.get();
        return tally.report(target.version(), champion.version(), Math.max(0, Math.round(wanted) - copies));
    }

    /**
     * Takes a copy of a request that the champion has answered, if there is room; who fills it makes this the last one
     * that is offered. Called by whoever answered it.
     *
     * @param of what holds the answer
     * @param nanos how long the champion's run took; negative if the answer was known
     */
    void offer(Object prepared, int length, Lane of, int row, long nanos) {
        if (share < 1 && ThreadLocalRandom.current().nextDouble() >= share) {
            return;
        }
        int before = queued.getAndIncrement();
        if (before >= CAPACITY - 1) {
            champion.hook().disarm(this);
        }
        if (before >= CAPACITY) {
            queued.getAndDecrement();
            return;
        }
        try {
            queue.add(new Sample(kept(prepared), length, RowNumbers.of(of, row), nanos));
            copied.getAndIncrement();
        } catch (RuntimeException e) {
            queued.getAndDecrement();
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
            while (!stopped) {
                long rest = restAfter(slice());
                // What ran may have used up the permit of the stopping thread.
                if (!stopped) {
                    LockSupport.parkNanos(this, rest);
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
        while (used < SLICE_NANOS && !stopped && champion.batcher().queued() == 0) {
            Sample sample = queue.poll();
            if (sample == null) {
                break;
            }
            queued.getAndDecrement();
            long started = System.nanoTime();
            compare(sample);
            used += charged(System.nanoTime() - started);
        }
        if (queued.get() < CAPACITY) {
            champion.hook().arm(this);
        }
        return used;
    }

    /** {@return for how long to rest, half as long or half as long again by chance} */
    private long restAfter(long used) {
        idleNanos = used > 0 ? SHORTEST_IDLE_NANOS : Math.min(2 * idleNanos, LONGEST_IDLE_NANOS);
        double duty = champion.batcher().running() < processors ? spare : CROWDED;
        double rest = Math.max((double) idleNanos, Math.max(used, SLICE_NANOS) * (1 / duty - 1));
        return (long) (rest * (0.5 + ThreadLocalRandom.current().nextDouble()));
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
