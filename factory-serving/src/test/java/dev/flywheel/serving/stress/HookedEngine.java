package dev.flywheel.serving.stress;

import dev.flywheel.core.model.Signature;
import dev.flywheel.serving.DelegatingLane;
import dev.flywheel.serving.engine.Engine;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.OnnxEngine;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A real engine with a fault at one place of the test's choosing. Thread-safe. */
class HookedEngine implements Engine {

    final AtomicInteger openLanes = new AtomicInteger();
    final AtomicInteger lanesMade = new AtomicInteger();
    final CountDownLatch closed = new CountDownLatch(1);

    /** The lanes that were open when the engine was closed; one that runs then may end the process. */
    final AtomicInteger lanesAtClose = new AtomicInteger();

    private final Engine real;

    HookedEngine(Path model) {
        real = OnnxEngine.open(model);
    }

    /** Called before each run of a lane. */
    void beforeRun(int rows) {}

    /** Called before a lane is made. */
    void beforeLane(int number) {}

    /** Called after a lane has been closed. */
    void afterClose() {}

    /** Called when a run is told to end. */
    void onTerminate() {}

    /** Called after the engine has been closed. */
    void afterEngineClose() {}

    /** Called when the length of rows is set. */
    void length(Lane lane, int length) {
        lane.length(length);
    }

    @Override
    public Signature signature() {
        return real.signature();
    }

    @Override
    public Lane newLane(int maxRows) {
        beforeLane(lanesMade.getAndIncrement());
        return new HookedLane(real.newLane(maxRows));
    }

    @Override
    public void close() {
        lanesAtClose.set(openLanes.get());
        if (openLanes.get() == 0) {
            real.close();
        }
        closed.countDown();
        afterEngineClose();
    }

    private final class HookedLane extends DelegatingLane {

        private final Lane lane;

        HookedLane(Lane lane) {
            super(lane);
            this.lane = lane;
            openLanes.incrementAndGet();
        }

        @Override
        public void length(int length) {
            HookedEngine.this.length(lane, length);
        }

        @Override
        public void run(int rows) {
            beforeRun(rows);
            super.run(rows);
        }

        @Override
        public void terminate() {
            onTerminate();
            super.terminate();
        }

        @Override
        public void close() {
            super.close();
            openLanes.decrementAndGet();
            afterClose();
        }
    }
}
