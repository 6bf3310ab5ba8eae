package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The runs of one lane: one at a time, ended from other threads if need be, and none on handles that are freed. The
 * terminate flag is raised only while a run is under way and lowered when that has ended, so the next run never meets
 * it. {@link #terminate} and {@link #close} are thread-safe; the rest is the lane's.
 */
final class RunControl {

    private static final Logger log = LoggerFactory.getLogger(RunControl.class);

    private static final int IDLE = 0;
    private static final int RUNNING = 1;
    private static final int RAISING = 2;
    private static final int RAISED = 3;
    private static final int CLOSED = 4;

    private final AtomicInteger state = new AtomicInteger(IDLE);
    private final OrtSession.RunOptions options;
    private final Runnable free;
    private volatile boolean closing;

    /** @param free what to do when this is closed and no run is under way */
    RunControl(Runnable free) throws OrtException {
        this.options = new OrtSession.RunOptions();
        this.free = free;
    }

    OrtSession.RunOptions options() {
        return options;
    }

    /** @throws IllegalStateException if a run is under way, or the lane is closed */
    void begin() {
        if (!state.compareAndSet(IDLE, RUNNING)) {
            throw new IllegalStateException(
                    state.get() == CLOSED
                            ? "the lane is closed"
                            : "the lane runs in another thread; one at a time may use it");
        }
    }

    /** {@return whether the run that ends now was asked to} */
    boolean end() {
        boolean raised = !state.compareAndSet(RUNNING, IDLE);
        if (raised) {
            while (state.get() == RAISING) {
                Thread.onSpinWait();
            }
            flag(false);
            state.set(IDLE);
        }
        if (closing) {
            closeIfIdle();
        }
        return raised;
    }

    void terminate() {
        if (state.compareAndSet(RUNNING, RAISING)) {
            flag(true);
            state.set(RAISED);
        }
    }

    /** Closes at once, or, if a run is under way, asks it to end and closes then. */
    void close() {
        closing = true;
        terminate();
        closeIfIdle();
    }

    private void closeIfIdle() {
        if (state.compareAndSet(IDLE, CLOSED)) {
            options.close();
            free.run();
        }
    }

    private void flag(boolean terminate) {
        try {
            options.setTerminate(terminate);
        } catch (OrtException e) {
            log.debug("could not set the terminate flag of a run to {}", terminate, e);
        }
    }
}
