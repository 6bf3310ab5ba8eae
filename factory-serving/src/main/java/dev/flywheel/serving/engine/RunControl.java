package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends runs of one lane from other threads. Its flag is raised only while a run is under way and lowered when that has
 * ended, so the next run never meets it. {@link #terminate} is thread-safe; the rest is the lane's.
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

    RunControl() throws OrtException {
        options = new OrtSession.RunOptions();
    }

    OrtSession.RunOptions options() {
        return options;
    }

    void begin() {
        state.set(RUNNING);
    }

    /** {@return whether the run that ends now was asked to} */
    boolean end() {
        if (state.compareAndSet(RUNNING, IDLE)) {
            return false;
        }
        while (state.get() == RAISING) {
            Thread.onSpinWait();
        }
        flag(false);
        state.set(IDLE);
        return true;
    }

    void terminate() {
        if (state.compareAndSet(RUNNING, RAISING)) {
            flag(true);
            state.set(RAISED);
        }
    }

    /** To be called when no run is under way, once. */
    void close() {
        if (state.getAndSet(CLOSED) != CLOSED) {
            options.close();
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
