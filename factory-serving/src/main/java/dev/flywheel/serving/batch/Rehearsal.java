package dev.flywheel.serving.batch;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs that nobody waits for, before a model serves, to learn what they cost. */
final class Rehearsal {

    private static final Logger log = LoggerFactory.getLogger(Rehearsal.class);

    /** Enough for the code of a short run to be compiled at least once over; slower models get few runs. */
    private static final long NANOS = 15_000_000;

    private static final int MOST_RUNS = 500;
    private static final int ROWS = 16;

    private Rehearsal() {}

    /** Teaches the model the best of some runs of one row, and of some of several. */
    static void learn(Runner<?> runner, CostModel cost) {
        try {
            learn(runner, 1, cost);
            if (runner.maxRows() > 1 && cost.nanos(1) < 20.0 * NANOS) {
                learn(runner, Math.min(ROWS, runner.maxRows()), cost);
            }
        } catch (RuntimeException | Error e) {
            // A model that takes no such rows fails when it is asked to serve them, and the request is told why.
            log.debug("could not rehearse a run", e);
        }
    }

    private static void learn(Runner<?> runner, int rows, CostModel cost) {
        long best = Long.MAX_VALUE;
        int length = 0;
        long began = Nanos.now();
        for (int runs = 0; runs < MOST_RUNS; runs++) {
            long started = Nanos.now();
            length = runner.rehearse(rows);
            if (length == 0) {
                return;
            }
            long ended = Nanos.now();
            best = Math.min(best, ended - started);
            if (ended - began > NANOS) {
                break;
            }
        }
        for (int i = 0; i < 8; i++) {
            cost.observe((long) rows * length, best);
        }
    }
}
