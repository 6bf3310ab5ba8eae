package dev.flywheel.serving.batch;

import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * One lane and who has it. Its state is one number: even while it is free, odd while it is taken, higher by one at each
 * change, so that a watcher can tell one run from the next without any clock in between. Thread-safe as far as the
 * state; the rest is that of the holder.
 */
final class Slot<C extends Call<?>, R extends Runner<? super C>> {

    private static final long CLOSED = -2;
    private static final long LOST = -4;

    /** After so many failed runs in a row the lane is more likely to be at fault than the rows. */
    private static final int SUSPECT = 16;

    // In the middle of an array longer than cache lines: lanes side by side do not slow each other down.
    private static final int STATE = 16;
    private static final int TELLING = 17;
    private final AtomicLongArray state = new AtomicLongArray(32);

    final R runner;
    final Tally tally = new Tally();

    /** What is run in it, or was. */
    volatile @Nullable Batch<C> batch;

    /** The state since its holder has it. */
    long held;

    /**
     * The state of a holder that had no stack left to release the lane, and has gone. Bare, as {@link #held} is,
     * because such a thread can write a field, but not call anything.
     */
    volatile long left;

    private int failures;
    private long lastNanos;
    private int calls;

    // Of the watching thread.
    private long seen;
    private long seenNanos;
    private boolean told;

    Slot(R runner) {
        this.runner = runner;
    }

    boolean claim() {
        long now = state.get(STATE);
        if (!isFree(now) || !state.compareAndSet(STATE, now, now + 1)) {
            return false;
        }
        held = now + 1;
        try {
            if (state.get(TELLING) != 0) {
                awaitTold();
            }
        } catch (StackOverflowError e) {
            left = now + 1;
            throw e;
        }
        return true;
    }

    /** Lets the watcher finish what it tells the holder before, who has gone, so that it does not hit this one. */
    @SuppressWarnings("ThreadPriorityCheck")
    private void awaitTold() {
        while (state.get(TELLING) != 0) {
            Thread.yield();
        }
    }

    /** {@return whether the lane is still there; if not, the holder is to close it} */
    boolean release() {
        long now = state.get(STATE);
        return now > 0 && state.compareAndSet(STATE, now, now + 1);
    }

    /** {@return whether its holder had left it without releasing it, and it is free now} */
    boolean freeLeft() {
        // States do not come again, so it need not be forgotten.
        long then = left;
        return then != 0 && state.compareAndSet(STATE, then, then + 1);
    }

    boolean isFree() {
        return isFree(state.get(STATE));
    }

    private static boolean isFree(long now) {
        return now >= 0 && (now & 1) == 0;
    }

    /** {@return whether it was free and now is closed} */
    boolean retire() {
        long now = state.get(STATE);
        return isFree(now) && state.compareAndSet(STATE, now, CLOSED);
    }

    /** {@return whether it is retired or given up} */
    boolean isOver() {
        return state.get(STATE) < 0;
    }

    /** {@return whether it was in the run that the watcher saw, and now is given up} */
    boolean giveUp() {
        return seen > 0 && !isFree(seen) && state.compareAndSet(STATE, seen, LOST);
    }

    /** {@return whether its holder was still counted on, and now has given it up} */
    boolean forsake() {
        long now = state.get(STATE);
        return now > 0 && !isFree(now) && state.compareAndSet(STATE, now, LOST);
    }

    /** {@return how long the watcher has seen the run that goes on now; 0 if there is none} */
    long look(long now) {
        long current = state.get(STATE);
        if (current != seen) {
            seen = current;
            seenNanos = now;
            told = false;
        }
        return current < 0 || isFree(current) ? 0 : Math.max(1, now - seenNanos);
    }

    /** Tells the run that the watcher has seen to end, once, and no other. {@return whether that is done now} */
    boolean tell() {
        if (told) {
            return false;
        }
        told = true;
        state.set(TELLING, 1);
        try {
            // Whoever claims the lane after this has seen that somebody is being told, and waits.
            if (state.get(STATE) == seen) {
                runner.terminate();
            }
        } finally {
            state.set(TELLING, 0);
        }
        return true;
    }

    /** Runs rows, and notes how that went. */
    void run(int rows) {
        try {
            runner.run(rows);
            failures = 0;
        } catch (Error e) {
            failures = SUSPECT;
            throw e;
        } catch (Throwable e) {
            failures++;
            throw e;
        }
    }

    boolean isSuspect() {
        return failures >= SUSPECT;
    }

    void acquit() {
        failures = 0;
    }

    /** {@return whether the next call on its caller's thread is to be timed} One in eight is, and the first ones. */
    boolean timesNext() {
        return (calls++ & 7) == 0 || calls < 64;
    }

    /** {@return whether there have been so many calls that it is time to make way} One in sixteen is. */
    boolean turnIsOver() {
        return (calls & 15) == 0;
    }

    /** {@return how long the last call took that was timed on its caller's thread} */
    long lastNanos() {
        return lastNanos;
    }

    void lastNanos(long nanos) {
        lastNanos = nanos;
    }
}
