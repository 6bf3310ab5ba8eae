package dev.flywheel.serving.batch;

import java.util.List;

/** Runs calls together so that each of them fails alone. */
final class BatchRun {

    private BatchRun() {}

    /** Answers or fails every call that is not done yet; at most as many as the runner takes. */
    static <C extends Call<?>> void run(Runner<? super C> runner, List<C> calls, Tally tally) {
        int rows = 0;
        boolean sized = sized(runner, calls);
        for (C call : calls) {
            if (!call.isDone() && (!sized || written(runner, call, rows))) {
                call.row = rows++;
            }
        }
        if (rows > 0 && sized) {
            tally.batch(rows);
            runWritten(runner, calls, rows, tally);
        } else if (rows > 0) {
            runAlone(runner, calls, tally);
        }
        long now = System.nanoTime();
        for (C call : calls) {
            if (call.row >= 0 || call.failed()) {
                count(call, now, tally);
            }
        }
    }

    /** Answers or fails one call. */
    static <C extends Call<?>> void run(Runner<? super C> runner, C call, Tally tally) {
        tally.batch(1);
        alone(runner, call);
        count(call, System.nanoTime(), tally);
    }

    private static <C extends Call<?>> void runWritten(Runner<? super C> runner, List<C> calls, int rows, Tally tally) {
        try {
            runner.run(rows);
        } catch (Throwable failure) {
            if (rows > 1) {
                runAlone(runner, calls, tally);
                return;
            }
            for (C call : calls) {
                if (call.row >= 0) {
                    call.fail(failure);
                }
            }
            return;
        }
        for (C call : calls) {
            if (call.row >= 0) {
                read(runner, call);
            }
        }
    }

    private static <C extends Call<?>> void runAlone(Runner<? super C> runner, List<C> calls, Tally tally) {
        for (C call : calls) {
            if (call.row >= 0) {
                tally.batch(1);
                alone(runner, call);
            }
        }
    }

    /** {@return whether the runner takes rows of the length of these calls} */
    private static <C extends Call<?>> boolean sized(Runner<? super C> runner, List<C> calls) {
        int length = 1;
        for (C call : calls) {
            length = Math.max(length, call.length());
        }
        try {
            runner.length(length);
            return true;
        } catch (Throwable failure) {
            return false;
        }
    }

    private static <C extends Call<?>> boolean written(Runner<? super C> runner, C call, int row) {
        try {
            runner.write(call, row);
            return true;
        } catch (Throwable failure) {
            call.fail(failure);
            return false;
        }
    }

    private static <C extends Call<?>> void read(Runner<? super C> runner, C call) {
        try {
            runner.read(call, call.row);
        } catch (Throwable failure) {
            call.fail(failure);
        }
    }

    private static <C extends Call<?>> void alone(Runner<? super C> runner, C call) {
        try {
            runner.length(call.length());
            runner.write(call, 0);
            runner.run(1);
            runner.read(call, 0);
        } catch (Throwable failure) {
            call.fail(failure);
        }
    }

    private static void count(Call<?> call, long now, Tally tally) {
        tally.call(now - call.startedNanos());
        if (call.failed()) {
            tally.error();
        }
    }
}
