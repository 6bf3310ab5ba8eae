package dev.flywheel.serving.batch;

/** Runs calls together so that each of them fails alone. */
final class BatchRun {

    private BatchRun() {}

    /** Gives every call of the batch its outcome; at most as many as the runner takes. */
    static <C extends Call<?>> void run(Slot<C, ?> slot, Batch<C> calls) {
        int rows = 0;
        boolean sized = sized(slot.runner, calls);
        for (int i = 0; i < calls.size(); i++) {
            C call = calls.get(i);
            boolean runs = !sized || written(slot.runner, call, rows);
            calls.runs(i, runs);
            rows += runs ? 1 : 0;
        }
        if (rows > 0 && sized) {
            slot.tally.batch(rows);
            runWritten(slot, calls, rows);
        } else if (rows > 0) {
            runAlone(slot, calls);
        }
    }

    /** Gives one call its outcome. */
    static <C extends Call<?>> void run(Slot<C, ?> slot, C call) {
        slot.tally.batch(1);
        alone(slot, call);
    }

    private static <C extends Call<?>> void runWritten(Slot<C, ?> slot, Batch<C> calls, int rows) {
        try {
            slot.run(rows);
        } catch (Throwable failure) {
            if (rows > 1) {
                runAlone(slot, calls);
            } else {
                calls.failRest(failure);
            }
            return;
        }
        int row = 0;
        for (int i = 0; i < calls.size(); i++) {
            if (calls.runs(i)) {
                read(slot.runner, calls.get(i), row++);
            }
        }
    }

    private static <C extends Call<?>> void runAlone(Slot<C, ?> slot, Batch<C> calls) {
        for (int i = 0; i < calls.size(); i++) {
            if (calls.runs(i)) {
                slot.tally.batch(1);
                alone(slot, calls.get(i));
            }
        }
    }

    /** {@return whether the runner takes rows of the length of these calls} */
    private static <C extends Call<?>> boolean sized(Runner<? super C> runner, Batch<C> calls) {
        int length = 1;
        for (int i = 0; i < calls.size(); i++) {
            length = Math.max(length, calls.get(i).length());
        }
        calls.length(length);
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

    private static <C extends Call<?>> void read(Runner<? super C> runner, C call, int row) {
        try {
            runner.read(call, row);
        } catch (Throwable failure) {
            call.fail(failure);
        }
    }

    private static <C extends Call<?>> void alone(Slot<C, ?> slot, C call) {
        try {
            slot.runner.length(call.length());
            slot.runner.write(call, 0);
            slot.run(1);
            slot.runner.read(call, 0);
        } catch (Throwable failure) {
            call.fail(failure);
        }
    }
}
