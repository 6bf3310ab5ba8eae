package dev.flywheel.pipeline;

import com.google.common.base.Throwables;
import dev.flywheel.core.ClosedException;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Work on the threads of a factory. */
final class Background {

    private Background() {}

    /**
     * {@return the result, or throws what the work threw}
     *
     * @throws ClosedException if the executor ends before the work has begun, or this thread is interrupted; the work
     *     is then interrupted, too
     */
    static <T> T await(ExecutorService executor, Callable<T> work) {
        Future<T> result;
        try {
            result = executor.submit(work);
        } catch (RejectedExecutionException e) {
            throw closed(e);
        }
        try {
            return result.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            Throwables.throwIfUnchecked(cause);
            throw new IllegalStateException(cause);
        } catch (InterruptedException e) {
            result.cancel(true);
            Thread.currentThread().interrupt();
            throw new ClosedException("a run", "the waiting thread was interrupted", "run it again", e);
        } catch (CancellationException e) {
            throw closed(e);
        }
    }

    /**
     * {@return the repetition of a task}
     *
     * @throws ClosedException if the executor has ended
     */
    static ScheduledFuture<?> everySecond(ScheduledExecutorService executor, Runnable task) {
        try {
            return executor.scheduleWithFixedDelay(task, 1, 1, TimeUnit.SECONDS);
        } catch (RejectedExecutionException e) {
            throw closed(e);
        }
    }

    private static ClosedException closed(RuntimeException cause) {
        return new ClosedException("a pipeline", "the factory was closed", "open the factory again", cause);
    }
}
