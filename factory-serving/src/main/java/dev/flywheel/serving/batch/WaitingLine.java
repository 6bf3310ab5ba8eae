package dev.flywheel.serving.batch;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.DeadlineException;
import dev.flywheel.core.OverloadedException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The calls that wait, up to a number. Thread-safe: calls come in without a lock, and go out in batches under one.
 *
 * <p>Calls of one length and priority go straight from the ring into a batch, first come first served. As soon as one
 * differs, all go through a {@link Backlog}, which chooses. A call that is cancelled or late keeps its place in the
 * ring until it comes to its turn, but is not counted any more.
 *
 * @param <C> the calls
 */
final class WaitingLine<C extends Call<?>> {

    private final String name;
    private final int capacity;
    private final long deadlineNanos;
    private final Ring<C> ring;
    private final Backlog<C> backlog = new Backlog<>();
    private final Unfilled unfilled = new Unfilled();
    /** A monitor, because leaving one needs no stack, so that no caller at the end of its stack leaves it locked. */
    private final Object taking = new Object();

    /** The most calls that may be in the ring: the capacity, less the backlog, and more by those that are gone. */
    private final AtomicInteger room;

    private final AtomicLong soonest = new AtomicLong(Long.MAX_VALUE);
    /**
     * The calls for which there was no room; negative from the end on. So whoever looks after the end has all: a caller
     * that has lost its processor before it could be counted finds the line closed.
     */
    private final AtomicLong refused = new AtomicLong();

    private final LongAdder expired = new LongAdder();
    private final LongAdder cancelled = new LongAdder();
    private volatile boolean mixed;
    /** Calls at positions that have none of these bits have a time of their own. */
    private volatile int stamped;

    private volatile int waitingBehind;
    /** When the first of the backlog came. */
    private volatile long oldestBehind;

    private volatile int longest;
    private volatile long lastStamp = Nanos.now();

    WaitingLine(String name, BatchOptions options) {
        this.name = name;
        this.capacity = options.queueCapacity();
        this.deadlineNanos = options.deadlineNanos();
        this.ring = new Ring<>(2 * capacity);
        this.room = new AtomicInteger(capacity);
    }

    /**
     * @param waiter the thread that will wait for the call; null if none does
     * @throws OverloadedException if there is no room
     * @throws ClosedException if it is closed
     */
    void add(C call, @Nullable Thread waiter) {
        // If so, it comes again, from a line that was closed and failed it. Here it is gone from the beginning.
        int over = call.waits() ? 0 : 1;
        call.enter(this, deadlineNanos, waiter);
        room.addAndGet(over);
        long position = claim(1);
        if (position < 0) {
            room.addAndGet(-over);
            call.turnAway();
            throw refusal(position, 1);
        }
        try {
            enter(call, position);
        } catch (RuntimeException | Error e) {
            // Out of stack, where every call fails: so without any.
            Unfilled left = unfilled;
            synchronized (left) {
                if (left.count < Unfilled.MOST) {
                    left.calls[left.count] = call;
                    left.positions[left.count++] = position;
                    left.any = true;
                }
            }
            throw e;
        }
    }

    /**
     * @throws OverloadedException if there is no room for all of them
     * @throws ClosedException if it is closed
     */
    void addAll(List<C> calls, @Nullable Thread waiter) {
        int over = 0;
        for (C call : calls) {
            over += call.waits() ? 0 : 1;
            call.enter(this, deadlineNanos, waiter);
        }
        Object[] all = calls.toArray();
        room.addAndGet(over);
        long position = claim(all.length);
        if (position < 0) {
            room.addAndGet(-over);
            calls.forEach(Call::turnAway);
            throw refusal(position, all.length);
        }
        int entered = 0;
        try {
            for (C call : calls) {
                enter(call, position + entered);
                entered++;
            }
        } catch (RuntimeException | Error e) {
            Unfilled left = unfilled;
            synchronized (left) {
                for (int i = entered; i < all.length && left.count < Unfilled.MOST; i++) {
                    left.calls[left.count] = all[i];
                    left.positions[left.count++] = position + i;
                    left.any = true;
                }
            }
            throw e;
        }
    }

    /** Fills the places of threads that could not, with calls that are gone. */
    @SuppressWarnings("unchecked") // they were to come in here
    private void fillPlaces() {
        synchronized (unfilled) {
            for (int i = 0; i < unfilled.count; i++) {
                C call = (C) unfilled.calls[i];
                unfilled.calls[i] = null;
                if (call != null && ring.isUnfilled(unfilled.positions[i])) {
                    if (call.leave()) {
                        left(false);
                    }
                    ring.put(unfilled.positions[i], call);
                }
            }
            unfilled.count = 0;
            unfilled.any = false;
        }
    }

    /**
     * Says whether calls go by so quickly that a time for every eighth is enough, and the first that finds nobody
     * before it: reading the clock took 25 to 90 ns where it was measured, as long as all else that a submission does.
     */
    void hurried(boolean quick) {
        int bits = quick ? 7 : 0;
        if (stamped != bits) {
            stamped = bits;
        }
    }

    private void enter(C call, long position) {
        if ((position & stamped) == 0 || ring.isNext(position)) {
            call.stamp();
        }
        if (call.length() != 1 || call.priority() != Priority.NORMAL) {
            call.stamp();
            mixed = true;
        }
        ring.put(position, call);
        if (call.deadlineNanos() != Long.MAX_VALUE && !call.blocks()) {
            soonest.accumulateAndGet(call.deadlineNanos(), Math::min);
        }
    }

    private long claim(int count) {
        long position = ring.claim(count, room.get());
        if (position == Ring.FULL && count <= capacity && size() + count <= capacity) {
            // The ring is full of calls that are gone.
            synchronized (taking) {
                drain();
            }
            position = ring.claim(count, room.get());
        }
        return position;
    }

    /**
     * Moves the calls that run next into the batch.
     *
     * @param rows the most of them
     * @param tokens the most of rows times the longest, at least 1
     */
    void take(Batch<C> batch, int rows, int tokens, CostModel model) {
        synchronized (taking) {
            longest = Math.max(longest, size());
            if (mixed || !backlog.isEmpty()) {
                takeMixed(batch, rows, tokens, model);
            } else {
                takeInOrder(batch, Math.min(rows, tokens));
            }
        }
    }

    private void takeInOrder(Batch<C> batch, int rows) {
        if (unfilled.any) {
            fillPlaces();
        }
        long stamp = lastStamp;
        int gone = 0;
        while (batch.size() < rows) {
            C call = ring.poll();
            if (call == null) {
                break;
            }
            stamp = stamp(call, stamp);
            if (call.take()) {
                batch.add(call);
            } else {
                gone++;
            }
        }
        lastStamp = stamp;
        ring.publish();
        if (gone > 0) {
            room.addAndGet(-gone);
        }
    }

    private static long stamp(Call<?> call, long before) {
        if (call.startedNanos() == 0) {
            call.startedNanos(before);
            return before;
        }
        return Math.max(before, call.startedNanos());
    }

    private void takeMixed(Batch<C> batch, int rows, int tokens, CostModel model) {
        mixed = false;
        drain();
        if (!ring.isEmpty()) {
            // Whoever is about to put a call there may have said already that it differs.
            mixed = true;
        }
        int before = batch.size();
        backlog.choose(batch, rows, tokens, model);
        settle(batch.size() - before);
    }

    /** Moves everything from the ring into the backlog. */
    private void drain() {
        if (unfilled.any) {
            fillPlaces();
        }
        int drained = 0;
        long stamp = lastStamp;
        for (C call = ring.poll(); call != null; call = ring.poll()) {
            stamp = stamp(call, stamp);
            drained++;
            if (call.waits()) {
                backlog.add(call);
            }
        }
        lastStamp = stamp;
        countBehind();
        room.addAndGet(-drained);
        ring.publish();
    }

    /** Calls have left the backlog to be run; those that were gone did not count. */
    private void settle(int taken) {
        countBehind();
        room.addAndGet(taken);
    }

    private void countBehind() {
        List<C> behind = backlog.calls();
        oldestBehind = behind.isEmpty() ? 0 : behind.get(0).startedNanos();
        waitingBehind = behind.size();
    }

    /** A call in here is not to be run any more. */
    void left(boolean byItsOwner) {
        room.incrementAndGet();
        if (byItsOwner) {
            cancelled.increment();
        }
    }

    /** {@return what to throw at the caller of a call whose time is over} */
    DeadlineException giveUp(Call<?> call) {
        if (call.leave()) {
            left(false);
            expired.increment();
        }
        return deadline(call);
    }

    private DeadlineException deadline(Call<?> call) {
        return new DeadlineException(
                name + " gave up a prediction",
                "it was not answered within its " + (call.deadlineNanos() - call.startedNanos()) / 1_000_000 + " ms; "
                        + size() + " requests wait",
                "allow more time, add lanes, or send less");
    }

    /** {@return what to throw at a caller that was interrupted while it waited} */
    CancellationException interrupted(Call<?> call) {
        if (call.leave()) {
            left(true);
        }
        return new CancellationException(name + " gave up a prediction: its caller was interrupted while it waited");
    }

    /** {@return when the first of the calls that nobody blocks for may be late} */
    long soonestNanos() {
        return soonest.get();
    }

    /** Takes out the calls that are late and have nobody who waits for them; they are to be completed. */
    void expire(long now, List<Late> late) {
        soonest.set(Long.MAX_VALUE);
        synchronized (taking) {
            int claimed = ring.size();
            for (int i = 0; i < claimed; i++) {
                C call = ring.at(i);
                if (call != null) {
                    expire(call, now, late);
                }
            }
            backlog.calls().forEach(call -> expire(call, now, late));
        }
    }

    /** Notes the call, if it is late, and when it will be, if it is not. */
    void expire(Call<?> call, long now, List<Late> late) {
        if (call.deadlineNanos() == Long.MAX_VALUE || call.blocks() || call.isDone()) {
            return;
        }
        if (call.deadlineNanos() > now) {
            soonest.accumulateAndGet(call.deadlineNanos(), Math::min);
            return;
        }
        if (call.leave()) {
            left(false);
            expired.increment();
        }
        late.add(new Late(call, deadline(call)));
    }

    /** A call whose time is over, and what to tell it. */
    record Late(Call<?> call, DeadlineException cause) {}

    /** Takes out everything, which then is to be completed. */
    List<C> takeAll() {
        synchronized (taking) {
            drain();
            List<C> all = new ArrayList<>(backlog.calls());
            backlog.calls().clear();
            all.removeIf(call -> !call.take());
            settle(all.size());
            return all;
        }
    }

    /** Refuses what comes from now on. */
    void close() {
        ring.seal();
        refused.getAndUpdate(n -> n | Long.MIN_VALUE);
    }

    boolean isClosed() {
        return ring.isSealed();
    }

    /** {@return whether there is surely nothing to run} */
    boolean isEmpty() {
        // In this order: what leaves the ring for the backlog is counted there first.
        return ring.isEmpty() && waitingBehind == 0;
    }

    /** {@return the calls that wait and are to be run} */
    int size() {
        return Math.max(0, capacity - room.get() + ring.size());
    }

    /** {@return since when about the oldest of the calls waits; now, if that cannot be told} */
    long oldestNanos(long now) {
        long behind = oldestBehind;
        if (behind != 0) {
            return behind;
        }
        C call = ring.peek();
        long started = call == null ? 0 : call.startedNanos();
        return started != 0 ? started : call == null ? now : lastStamp;
    }

    /** {@return the most calls that ever waited} */
    int maxSize() {
        return Math.max(longest, size());
    }

    void count(Tally total) {
        total.refused(refused.get() & Long.MAX_VALUE);
        total.expired(expired.sum());
        total.cancelled(cancelled.sum());
    }

    ClosedException closedException() {
        return new ClosedException(
                name + " refused a prediction", "it is closed", "keep it open for as long as requests come");
    }

    private RuntimeException refusal(long position, int more) {
        if (position == Ring.SEALED || refused.getAndUpdate(n -> n < 0 ? n : n + more) < 0) {
            return closedException();
        }
        longest = Math.max(longest, size());
        long now = Nanos.now();
        return new OverloadedException(
                name + " refused " + (more == 1 ? "a prediction" : more + " predictions"),
                "its queue holds " + size() + " of " + capacity + " requests, the oldest for "
                        + Math.max(0, now - oldestNanos(now)) / 1_000_000 + " ms",
                "raise queueCapacity, add lanes, or send less");
    }
}
