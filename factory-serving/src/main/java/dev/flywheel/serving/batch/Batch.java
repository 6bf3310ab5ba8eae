package dev.flywheel.serving.batch;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The calls that run together. Filled and run by one thread at a time, over and over; looked at by the one that
 * watches, which may see calls of the batch before, that are done.
 *
 * @param <C> the calls
 */
final class Batch<C extends Call<?>> {

    private static final long RUNNING = 0;
    private static final long LENT = -1;

    private final AtomicReferenceArray<@Nullable C> calls;
    /** Since when its calls are being completed; whether somebody else stands in for the thread that has it. */
    private final AtomicLong phase = new AtomicLong();

    /** Which calls could be written. Not what they say of it: one whose run was given up has failed, but has a row. */
    private final boolean[] running;

    private int size;
    private int length = 1;

    Batch(int capacity) {
        this.calls = new AtomicReferenceArray<>(capacity);
        this.running = new boolean[capacity];
    }

    int size() {
        return size;
    }

    int capacity() {
        return calls.length();
    }

    /** {@return how long the longest row is} */
    int length() {
        return length;
    }

    void length(int longest) {
        length = longest;
    }

    void add(C call) {
        calls.setPlain(size++, call);
    }

    // Only cells below the size are asked for, and they are full.
    @SuppressWarnings("NullAway")
    C get(int index) {
        return calls.getPlain(index);
    }

    /** Notes whether a call is in the run, and so has a row. */
    void runs(int index, boolean written) {
        running[index] = written;
    }

    boolean runs(int index) {
        return running[index];
    }

    /** Lets go of the calls. */
    void clear() {
        for (int i = 0; i < size; i++) {
            calls.setPlain(i, null);
        }
        size = 0;
    }

    /**
     * Completes the calls, whatever the code that depends on them does: first those that somebody blocks for, because
     * that code may block too.
     */
    void finish() {
        boolean others = false;
        for (int i = 0; i < size; i++) {
            if (get(i).blocks()) {
                finish(get(i));
            } else {
                others = true;
            }
        }
        for (int i = 0; i < size && others; i++) {
            if (!get(i).blocks()) {
                finish(get(i));
            }
        }
    }

    private void finish(C call) {
        try {
            call.finish();
        } catch (Throwable e) {
            // Out of memory, in the middle of completing. The call's state is past that; the others follow.
        }
    }

    /** Counts the calls, which have their outcomes now; those that came together at once. */
    void count(Tally tally, long now) {
        int same = 0;
        long started = 0;
        for (int i = 0; i < size; i++) {
            C call = get(i);
            if (call.startedNanos() != started && same > 0) {
                tally.calls(same, now - started);
                same = 0;
            }
            started = call.startedNanos();
            same++;
            if (call.failed()) {
                tally.error();
            }
        }
        if (same > 0) {
            tally.calls(same, now - started);
        }
    }

    /** Fails those calls that have no outcome yet. */
    void failRest(Throwable cause) {
        for (int i = 0; i < size; i++) {
            get(i).failUnlessAnswered(cause);
        }
    }

    /** Shows the watching thread what may be in it. */
    void look(Consumer<? super C> eye) {
        for (int i = 0; i < calls.length(); i++) {
            C call = calls.getAcquire(i);
            if (call != null) {
                eye.accept(call);
            }
        }
    }

    /** {@return whether its thread is still on duty, and now begins to complete calls} */
    boolean beginFinishing(long now) {
        return phase.compareAndSet(RUNNING, now);
    }

    /** {@return whether its thread is still on duty} */
    boolean endFinishing(long since) {
        return phase.compareAndSet(since, RUNNING);
    }

    /** {@return since when its calls are being completed; 0 or less if they are not} */
    long finishingSince() {
        return phase.get();
    }

    /** {@return whether its thread was on duty, in the same phase, and now is not counted on} */
    boolean lend(long then) {
        return then != LENT && phase.compareAndSet(then, LENT);
    }

    /** Its thread is on duty again. */
    void reclaim() {
        phase.set(RUNNING);
    }
}
