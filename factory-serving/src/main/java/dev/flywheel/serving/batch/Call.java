package dev.flywheel.serving.batch;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * One request and the future of its answer. A future that its owner completed or cancelled before its turn is not run.
 * The future is thread-safe; everything else is handed from thread to thread by a {@link Batcher}.
 *
 * @param <T> the answer
 */
public abstract class Call<T> extends CompletableFuture<T> {

    private static final String NO_ANSWER = "the runner neither answered nor failed the call";

    private final long startedNanos;
    private final int length;
    private final Priority priority;
    private final long timeoutNanos;
    private @Nullable T answer;
    private @Nullable Throwable failure;

    /** The row that it has in the batch being run; -1 if it has none. */
    int row = -1;

    /**
     * Starts the clock of this call.
     *
     * @param length how long its row is, at least 1
     */
    protected Call(int length) {
        this(length, Priority.NORMAL, 0);
    }

    /**
     * Starts the clock of this call.
     *
     * @param length how long its row is, at least 1
     * @param timeoutNanos the nanoseconds from now within which it wants its answer; {@link Long#MAX_VALUE} if it can
     *     wait for ever, 0 for what the batcher gives by default
     */
    protected Call(int length, Priority priority, long timeoutNanos) {
        this.startedNanos = System.nanoTime();
        this.length = length;
        this.priority = priority;
        this.timeoutNanos = timeoutNanos;
    }

    /** {@return how long its row is} */
    public final int length() {
        return length;
    }

    /** {@return who goes first} */
    public final Priority priority() {
        return priority;
    }

    final long timeoutNanos() {
        return timeoutNanos;
    }

    /** {@return the nanoseconds left to answer it; none if 0 or less, no end if {@link Long#MAX_VALUE}} */
    public final long leftNanos(BatchOptions options) {
        long given = timeoutNanos == 0 ? options.deadlineNanos() : timeoutNanos;
        return given == Long.MAX_VALUE ? given : given - (System.nanoTime() - startedNanos);
    }

    /** Sets the answer; the owner gets it when the lane is free again. */
    public final void answer(T value) {
        answer = value;
    }

    /** {@return the answer, waiting for it; a failure is thrown as it was, not wrapped} */
    public final T await() {
        try {
            return join();
        } catch (CompletionException e) {
            throw unchecked(e.getCause() == null ? e : e.getCause());
        }
    }

    /** Waits until the call is answered, failed or cancelled. */
    final void awaitDone() {
        try {
            join();
        } catch (CompletionException | CancellationException e) {
            // Its owner asks for the outcome.
        }
    }

    final long startedNanos() {
        return startedNanos;
    }

    /** {@return why its run failed; null if it did not, or has not run} */
    public final @Nullable Throwable failure() {
        return failure;
    }

    final boolean failed() {
        return failure != null;
    }

    final void fail(Throwable cause) {
        failure = cause;
    }

    /** Completes the future. Whoever waits for it goes on, and what depends on it runs on this thread. */
    final void finish() {
        if (failure != null) {
            completeExceptionally(failure);
        } else if (answer != null) {
            complete(answer);
        } else if (!isDone()) {
            completeExceptionally(new IllegalStateException(NO_ANSWER));
        }
    }

    /** {@return the answer of a call that ran on the caller's own thread, or throws its failure} */
    final T outcome() {
        if (answer == null || failure != null) {
            throw unchecked(failure == null ? new IllegalStateException(NO_ANSWER) : failure);
        }
        return answer;
    }

    private static RuntimeException unchecked(Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException runtime ? runtime : new CompletionException(cause);
    }
}
