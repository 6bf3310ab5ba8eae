package dev.flywheel.serving;

import dev.flywheel.core.model.Signature;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A real engine that counts its runs, and whose runs can be held up and made to fail. Thread-safe. */
public final class WatchedEngine implements Engine {

    private static final int OPEN = 1_000_000;

    private final Engine real;
    private final AtomicInteger runs = new AtomicInteger();
    private final AtomicInteger rows = new AtomicInteger();
    private final AtomicInteger tokens = new AtomicInteger();
    private final AtomicInteger lanes = new AtomicInteger();
    private final Semaphore gate = new Semaphore(OPEN);
    private final Semaphore arrived = new Semaphore(0);
    private volatile @Nullable Supplier<? extends RuntimeException> failure;

    public WatchedEngine(Path model) {
        this.real = OnnxEngine.open(model);
    }

    /** {@return the runs that have begun} */
    public int runs() {
        return runs.get();
    }

    /** {@return the rows of those runs} */
    public int rows() {
        return rows.get();
    }

    /** {@return the lengths of those rows, padding included} */
    public int tokens() {
        return tokens.get();
    }

    /** {@return the lanes that are open} */
    public int lanes() {
        return lanes.get();
    }

    /** Forgets what has run so far. */
    public void reset() {
        runs.set(0);
        rows.set(0);
        tokens.set(0);
        arrived.drainPermits();
    }

    /** Holds up every run from now on. */
    public void shut() {
        gate.drainPermits();
    }

    /** Lets all runs go on. */
    public void open() {
        gate.release(OPEN);
    }

    /** Lets one run go on. */
    public void openOnce() {
        gate.release();
    }

    /** Returns when one more run has come to the gate. */
    public void awaitRun() {
        arrived.acquireUninterruptibly();
    }

    /** Makes runs fail from now on; null lets them succeed again. */
    public void fail(@Nullable Supplier<? extends RuntimeException> with) {
        failure = with;
    }

    @Override
    public Signature signature() {
        return real.signature();
    }

    @Override
    public Lane newLane(int maxRows) {
        lanes.incrementAndGet();
        return new WatchedLane(real.newLane(maxRows));
    }

    @Override
    public void close() {
        real.close();
    }

    private final class WatchedLane extends DelegatingLane {

        private int length = 1;

        WatchedLane(Lane lane) {
            super(lane);
        }

        @Override
        public void length(int length) {
            super.length(length);
            this.length = length;
        }

        @Override
        public void run(int count) {
            runs.incrementAndGet();
            rows.addAndGet(count);
            tokens.addAndGet(count * length);
            arrived.release();
            gate.acquireUninterruptibly();
            Supplier<? extends RuntimeException> with = failure;
            if (with != null) {
                throw with.get();
            }
            super.run(count);
        }

        @Override
        public void close() {
            lanes.decrementAndGet();
            super.close();
        }
    }
}
