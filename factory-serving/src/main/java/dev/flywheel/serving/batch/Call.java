package dev.flywheel.serving.batch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One request and the future of its answer. A future that its owner completed or cancelled before its turn is not run,
 * and leaves the queue at once. The future is thread-safe; everything else is handed from thread to thread by a
 * {@link Batcher}.
 *
 * <p>Reading the clock costs as much as all the rest of queueing, so a call has a time of its own only where somebody
 * needs it; otherwise it counts from the time of the one before it in the queue.
 *
 * @param <T> the answer
 */
public abstract class Call<T> extends CompletableFuture<T> {

    private static final String NO_ANSWER = "the runner neither answered nor failed the call";

    private static final int WAITS = 0;
    /** It is being run, or was. */
    private static final int TAKEN = 1;
    /** It is not to be run: cancelled, expired, refused. */
    private static final int GONE = 2;
    /** It was run and the outcome is there; for blocking callers. */
    private static final int DONE = 3;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Call.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int length;
    private final Priority priority;
    private long startedNanos;
    private long timeoutNanos;
    private volatile int state;
    private @Nullable T answer;
    private @Nullable Throwable failure;
    /** Who is told of its end: the thread that blocks for it, or else the line that it leaves by itself. */
    private @Nullable Object told;

    /**
     * Makes a call that can wait for as long as the batcher lets it.
     *
     * @param length how long its row is, at least 1
     */
    protected Call(int length) {
        this(length, Priority.NORMAL, 0);
    }

    /**
     * Makes a call.
     *
     * @param length how long its row is, at least 1
     * @param timeoutNanos the nanoseconds from now within which it wants its answer; {@link Long#MAX_VALUE} if it can
     *     wait for ever, 0 for what the batcher gives by default
     */
    protected Call(int length, Priority priority, long timeoutNanos) {
        this.length = length;
        this.priority = priority;
        this.timeoutNanos = timeoutNanos;
        if (timeoutNanos != 0) {
            stamp();
        }
    }

    /** {@return how long its row is} */
    public final int length() {
        return length;
    }

    /** {@return who goes first} */
    public final Priority priority() {
        return priority;
    }

    /** {@return the nanoseconds left to answer it; none if 0 or less, no end if {@link Long#MAX_VALUE}} */
    public final long leftNanos(BatchOptions options) {
        long given = timeoutNanos == 0 ? options.deadlineNanos() : timeoutNanos;
        return given == Long.MAX_VALUE ? given : given - (Nanos.now() - stamp());
    }

    /** Starts its clock, if it does not run, and gives the time when it began, in nanoseconds of this package. */
    public final long stamp() {
        if (startedNanos == 0) {
            startedNanos = Nanos.now();
        }
        return startedNanos;
    }

    /** {@return when its clock began; 0 if it has not} */
    final long startedNanos() {
        return startedNanos;
    }

    final void startedNanos(long nanos) {
        startedNanos = nanos;
    }

    /** {@return when it wants its answer; {@link Long#MAX_VALUE} if it can wait} */
    final long deadlineNanos() {
        return timeoutNanos == 0 || timeoutNanos == Long.MAX_VALUE ? Long.MAX_VALUE : startedNanos + timeoutNanos;
    }

    /** Sets out to wait in a line. The thread that will {@link #await}, if there is one, is told when it is done. */
    final void enter(WaitingLine<?> entered, long defaultNanos, @Nullable Thread blocked) {
        setOut(defaultNanos);
        told = blocked == null ? entered : blocked;
    }

    /** Finds out when it wants its answer. */
    final void setOut(long defaultNanos) {
        if (timeoutNanos == 0) {
            timeoutNanos = defaultNanos;
        }
        if (timeoutNanos != Long.MAX_VALUE) {
            long unused = stamp();
        }
    }

    /** {@return whether it waits in a line, or has} */
    final boolean entered() {
        return told != null;
    }

    /** It was not let in. */
    final void turnAway() {
        told = null;
    }

    /** {@return whether somebody blocks until it is done, and so sees to its deadline} */
    final boolean blocks() {
        return told instanceof Thread;
    }

    /** {@return whether it is now to be run by the caller; false if it is not to be run} */
    final boolean take() {
        return STATE.compareAndSet(this, WAITS, TAKEN);
    }

    /** {@return whether it was still waiting and now is not to be run} */
    final boolean leave() {
        return STATE.compareAndSet(this, WAITS, GONE);
    }

    final boolean waits() {
        return state == WAITS;
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

    /**
     * Waits, as a blocking caller, until the call was run; what it throws is that its time is over or it was
     * interrupted.
     */
    final void awaitRun(WaitingLine<?> entered) {
        while (state != DONE && !isDone()) {
            long deadline = deadlineNanos();
            if (deadline == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else {
                long left = deadline - Nanos.now();
                if (left <= 0) {
                    throw entered.giveUp(this);
                }
                LockSupport.parkNanos(this, left);
            }
            if (Thread.currentThread().isInterrupted() && state != DONE) {
                throw entered.interrupted(this);
            }
        }
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

    /** Fails it if its run has left no outcome. */
    final void failUnlessAnswered(Throwable cause) {
        if (answer == null && failure == null) {
            failure = cause;
        }
    }

    /** Fails it in place of whoever was to run it. */
    final void abandon(Throwable cause) {
        if (!isDone()) {
            failure = cause;
            finish();
        }
    }

    /** Completes the future. Whoever waits for it goes on, and what depends on it runs on this thread. */
    final void finish() {
        try {
            if (failure != null) {
                completeExceptionally(failure);
            } else if (answer != null) {
                complete(answer);
            } else if (!isDone()) {
                fail(new IllegalStateException(NO_ANSWER));
                completeExceptionally(new IllegalStateException(NO_ANSWER));
            }
        } finally {
            // Needs no memory: a caller that blocks goes on even where there was none to complete the future.
            state = DONE;
            if (told instanceof Thread waiter) {
                LockSupport.unpark(waiter);
            }
        }
    }

    /** {@return the answer of a call that was run, or throws its failure} */
    final T outcome() {
        if (answer == null || failure != null) {
            if (failure == null && isDone()) {
                return await();
            }
            throw unchecked(failure == null ? new IllegalStateException(NO_ANSWER) : failure);
        }
        return answer;
    }

    @Override
    public boolean complete(T value) {
        return ended(super.complete(value));
    }

    @Override
    public boolean completeExceptionally(Throwable cause) {
        return ended(super.completeExceptionally(cause));
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return ended(super.cancel(mayInterruptIfRunning));
    }

    /** Gives up the place in the line, if it has one. */
    private boolean ended(boolean first) {
        if (first && state == WAITS && told instanceof WaitingLine<?> entered && leave()) {
            entered.left(isCancelled());
        }
        return first;
    }

    private static RuntimeException unchecked(Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException runtime ? runtime : new CompletionException(cause);
    }
}
