package dev.flywheel.serving.stress;

import dev.flywheel.core.model.Signature;
import dev.flywheel.serving.DelegatingLane;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A real engine that fails now and then on a batch, is slow now and then, and keeps watch over its lanes. Thread-safe.
 */
final class FaultyEngine implements Engine {

    /** To be set as the longest time of a run, where runs hang. */
    static final Duration SOONEST_GIVEN_UP = Duration.ofMillis(100);

    private static final int HANG_ONE_IN = 5_000;
    private static final long HANG_MILLIS = 800;
    private static final int SLOW_ONE_IN = 200;
    private static final int FAIL_ONE_IN = 100;
    private static final long SLOWEST_NANOS = 3_000_000;

    /** What is open of all the engines of a test. Thread-safe. */
    static final class Watch {

        final AtomicInteger engines = new AtomicInteger();
        final AtomicInteger lanes = new AtomicInteger();
        final AtomicInteger made = new AtomicInteger();
    }

    private final Engine real;
    private final Ledger ledger;
    private final Watch watch;
    private final AtomicInteger openLanes = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicBoolean proven = new AtomicBoolean();

    FaultyEngine(Engine real, Ledger ledger, Watch watch) {
        this.real = real;
        this.ledger = ledger;
        this.watch = watch;
        watch.engines.incrementAndGet();
        watch.made.incrementAndGet();
    }

    @Override
    public Signature signature() {
        return real.signature();
    }

    @Override
    public Lane newLane(int maxRows) {
        return new FaultyLane(real.newLane(maxRows));
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            ledger.violation("an engine is closed twice");
            return;
        }
        if (openLanes.get() != 0) {
            ledger.violation("an engine is closed before " + openLanes.get() + " of its lanes");
        }
        watch.engines.decrementAndGet();
        real.close();
    }

    private final class FaultyLane extends DelegatingLane {

        private final AtomicBoolean running = new AtomicBoolean();
        private final Semaphore ended = new Semaphore(0);
        private final boolean obedient = ThreadLocalRandom.current().nextBoolean();
        private volatile boolean laneClosed;

        FaultyLane(Lane lane) {
            super(lane);
            openLanes.incrementAndGet();
            watch.lanes.incrementAndGet();
        }

        @Override
        public void run(int rows) {
            if (laneClosed) {
                ledger.violation("a lane runs after it was closed");
                return;
            }
            if (!running.compareAndSet(false, true)) {
                ledger.violation("a lane runs twice at a time");
                return;
            }
            try {
                misbehave(rows);
                super.run(rows);
            } finally {
                running.set(false);
            }
        }

        private void misbehave(int rows) {
            // A version that fails before it serves is refused.
            if (proven.compareAndSet(false, true)) {
                return;
            }
            ThreadLocalRandom random = ThreadLocalRandom.current();
            if (random.nextInt(SLOW_ONE_IN) == 0) {
                LockSupport.parkNanos(random.nextLong(SLOWEST_NANOS));
            }
            if (ledger.hanging() && random.nextInt(HANG_ONE_IN) == 0) {
                hang();
            }
            // A lone row is not run again, so its failure would be its caller's.
            if (rows > 1 && random.nextInt(FAIL_ONE_IN) == 0) {
                throw new InjectedFault(Ask.Kind.BAD_RUN, InjectedFault.ANYONE);
            }
        }

        private void hang() {
            ended.drainPermits();
            try {
                boolean unused = ended.tryAcquire(HANG_MILLIS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                // As native code it does not care, and the caller keeps its interrupt.
                Thread.currentThread().interrupt();
            }
            throw new InjectedFault(Ask.Kind.BAD_RUN, InjectedFault.ANYONE);
        }

        @Override
        public void terminate() {
            if (obedient) {
                ended.release();
            }
            super.terminate();
        }

        @Override
        public void close() {
            if (laneClosed) {
                ledger.violation("a lane is closed twice");
                return;
            }
            laneClosed = true;
            if (running.get()) {
                // Left open, because closing it would end the process and with it the report.
                ledger.violation("a lane is closed while it runs");
                return;
            }
            openLanes.decrementAndGet();
            watch.lanes.decrementAndGet();
            super.close();
        }
    }
}
