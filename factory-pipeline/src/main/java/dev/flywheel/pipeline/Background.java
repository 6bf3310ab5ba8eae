package dev.flywheel.pipeline;

import com.google.common.base.Throwables;
import dev.flywheel.core.ClosedException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** Waits for work on another thread. */
final class Background {

    private Background() {}

    /** {@return the result, or throws what the work threw} */
    static <T> T await(Future<T> work) {
        try {
            return work.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            Throwables.throwIfUnchecked(cause);
            throw new IllegalStateException(cause);
        } catch (InterruptedException e) {
            work.cancel(true);
            Thread.currentThread().interrupt();
            throw new ClosedException("a run", "the waiting thread was interrupted", "run it again", e);
        } catch (CancellationException e) {
            throw new ClosedException("a run", "the factory was closed", "open the factory and run it again", e);
        }
    }
}
