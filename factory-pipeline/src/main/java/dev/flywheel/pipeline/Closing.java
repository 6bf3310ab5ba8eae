package dev.flywheel.pipeline;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Does all of what must be done in the end, whatever one of the parts throws. */
final class Closing {

    private Closing() {}

    /** Runs every step in order; then throws what the first failing one threw, with the others suppressed. */
    static void all(Runnable... steps) {
        Throwable first = null;
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (RuntimeException | Error e) {
                first = joined(first, e);
            }
        }
        if (first instanceof Error error) {
            throw error;
        } else if (first instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /**
     * {@return what the work gives; if it fails, what was done before is undone, all of it, and the failure thrown on}
     */
    static <T> T onFailure(Supplier<T> work, Runnable... undo) {
        try {
            return work.get();
        } catch (RuntimeException | Error e) {
            try {
                all(undo);
            } catch (RuntimeException | Error second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    private static Throwable joined(@Nullable Throwable first, Throwable next) {
        if (first == null) {
            return next;
        }
        first.addSuppressed(next);
        return first;
    }
}
