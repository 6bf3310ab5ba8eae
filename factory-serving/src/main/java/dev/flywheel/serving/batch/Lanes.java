package dev.flywheel.serving.batch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lanes of one model version: made when they are needed, claimed and released without a lock, replaced when they
 * fail or hang, and closed, each when it is free, when the version is retired. Thread-safe.
 */
final class Lanes<C extends Call<?>, R extends Runner<? super C>> {

    private static final Logger log = LoggerFactory.getLogger(Lanes.class);

    private final Supplier<? extends R> source;
    private final IntSupplier most;
    /** A monitor, because leaving one needs no stack, so that no caller at the end of its stack leaves it locked. */
    private final Object changing = new Object();

    private volatile boolean making;
    private final Tally ended = new Tally();
    private final AtomicLong replaced = new AtomicLong();
    /** Never changed, but exchanged. */
    private volatile ArrayList<Slot<C, R>> slots = new ArrayList<>();

    private volatile int makeable = Integer.MAX_VALUE;
    private volatile boolean retired;
    private volatile @Nullable Thread retiring;

    // Under the lock.
    private int lost;
    private @Nullable Runnable whenClosed;

    /**
     * @param now the lanes to make at once; whatever that throws is thrown on, and the others are closed but the first
     * @param most the lanes that there may be at present
     */
    Lanes(R first, Supplier<? extends R> source, int now, IntSupplier most) {
        this.source = source;
        this.most = most;
        slots.add(new Slot<>(first));
        try {
            while (slots.size() < now) {
                slots.add(new Slot<>(source.get()));
            }
        } catch (RuntimeException | Error e) {
            slots.subList(1, slots.size()).forEach(Lanes::close);
            throw e;
        }
    }

    int size() {
        return Math.max(slots.size(), Math.min(makeable, most.getAsInt()));
    }

    List<Slot<C, R>> all() {
        return slots;
    }

    /**
     * {@return a lane that is now the caller's alone, or null if all are taken or closed}
     *
     * @throws RuntimeException whatever is thrown where the last lane was lost and none can be made
     */
    @Nullable
    Slot<C, R> claim() {
        ArrayList<Slot<C, R>> now = slots;
        int size = now.size();
        // A thread that comes back finds the lane that its processor still has in its cache.
        int first = size == 0 ? 0 : (int) ((Thread.currentThread().getId() & Integer.MAX_VALUE) % size);
        for (int i = 0; i < size; i++) {
            int at = first + i;
            Slot<C, R> slot = now.get(at < size ? at : at - size);
            if (slot.claim()) {
                return slot;
            }
        }
        return size < Math.min(makeable, most.getAsInt()) ? grow() : null;
    }

    boolean anyFree() {
        ArrayList<Slot<C, R>> now = slots;
        for (int i = 0; i < now.size(); i++) {
            if (now.get(i).isFree()) {
                return true;
            }
        }
        return now.size() < Math.min(makeable, most.getAsInt()) && !retired;
    }

    /** {@return whether a call is running} */
    boolean anyTaken() {
        ArrayList<Slot<C, R>> now = slots;
        for (int i = 0; i < now.size(); i++) {
            if (!now.get(i).isFree()) {
                return true;
            }
        }
        return false;
    }

    /** {@return the lanes in which calls are running} */
    int taken() {
        int taken = 0;
        for (Slot<C, R> slot : slots) {
            taken += slot.isFree() ? 0 : 1;
        }
        return taken;
    }

    private @Nullable Slot<C, R> grow() {
        // Whoever is not the first has its call wait, rather than for the lock.
        if (making) {
            return null;
        }
        synchronized (changing) {
            making = true;
            try {
                if (retired || slots.size() >= Math.min(makeable, most.getAsInt())) {
                    return null;
                }
                Slot<C, R> made = new Slot<>(source.get());
                made.claim();
                ArrayList<Slot<C, R>> more = new ArrayList<>(slots);
                more.add(made);
                slots = more;
                return made;
            } catch (StackOverflowError e) {
                // That says nothing about lanes.
                return null;
            } catch (RuntimeException | Error e) {
                if (slots.isEmpty()) {
                    throw e;
                }
                makeable = slots.size();
                log.debug("there can be no more than {} lanes", makeable, e);
                return null;
            } finally {
                making = false;
            }
        }
    }

    /** Gives a lane back; the next holder sees everything that this one wrote. */
    void release(Slot<C, R> slot) {
        if (slot.isSuspect()) {
            replace(slot);
        }
        if (!slot.release()) {
            closeLost(slot);
        }
        hurry();
    }

    /** Frees the lanes whose holders had no stack left to give them back. */
    void freeLeft() {
        for (Slot<C, R> slot : slots) {
            if (slot.freeLeft()) {
                hurry();
            }
        }
    }

    /** Lets whoever retires the lanes look again. */
    void hurry() {
        Thread waiting = retiring;
        if (waiting != null) {
            LockSupport.unpark(waiting);
        }
    }

    /**
     * Puts a fresh lane beside one that fails, if there can be one, and gives up the other, whose holder calls this.
     */
    private void replace(Slot<C, R> slot) {
        slot.acquit();
        synchronized (changing) {
            making = true;
            try {
                if (retired || !slots.contains(slot)) {
                    return;
                }
                Slot<C, R> fresh = new Slot<>(source.get());
                if (slot.forsake()) {
                    drop(slot, fresh);
                    log.debug("a lane that kept failing was replaced");
                } else {
                    close(fresh);
                }
            } catch (RuntimeException | Error e) {
                log.debug("a lane keeps failing and there can be no other", e);
            } finally {
                making = false;
            }
        }
    }

    private void closeLost(Slot<C, R> slot) {
        close(slot);
        synchronized (changing) {
            lost--;
        }
        whenClosed(null);
    }

    /**
     * Has something done when every lane is closed, those included that were given up while they ran; to be called when
     * the others are retired.
     */
    void whenClosed(@Nullable Runnable given) {
        Runnable task;
        synchronized (changing) {
            task = given == null ? whenClosed : given;
            whenClosed = lost == 0 ? null : task;
            if (lost > 0) {
                return;
            }
        }
        if (task != null) {
            task.run();
        }
    }

    /** {@return whether the lane is given up, as {@code over} says; another can be made} */
    boolean giveUp(Slot<C, R> slot, BooleanSupplier over) {
        synchronized (changing) {
            if (!slots.contains(slot) || !over.getAsBoolean()) {
                return false;
            }
            drop(slot, null);
        }
        hurry();
        return true;
    }

    private void drop(Slot<C, R> slot, @Nullable Slot<C, R> instead) {
        ArrayList<Slot<C, R>> others = new ArrayList<>(slots);
        others.remove(slot);
        if (instead != null) {
            others.add(instead);
        }
        slots = others;
        lost++;
        ended.add(slot.tally);
        replaced.incrementAndGet();
        slot.runner.givenUp();
    }

    /**
     * Closes every lane, waiting for those that are taken, but not beyond a time.
     *
     * @param untilNanos tells that time; when it becomes earlier, {@link #hurry} is to be called
     * @return those that are still taken
     */
    List<Slot<C, R>> retire(LongSupplier untilNanos) {
        synchronized (changing) {
            retired = true;
        }
        retiring = Thread.currentThread();
        // An interrupted thread would not sleep.
        boolean interrupted = Thread.interrupted();
        List<Slot<C, R>> open = new ArrayList<>();
        for (Slot<C, R> slot : slots) {
            while (!slot.isOver()) {
                if (slot.retire()) {
                    close(slot);
                    break;
                }
                long left = untilNanos.getAsLong() - Nanos.now();
                if (left <= 0) {
                    open.add(slot);
                    break;
                }
                LockSupport.parkNanos(this, left);
                interrupted |= Thread.interrupted();
            }
        }
        retiring = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return open;
    }

    private static void close(Slot<?, ?> slot) {
        try {
            slot.runner.close();
        } catch (RuntimeException | Error e) {
            log.warn("a lane could not be closed; what it held may stay", e);
        }
    }

    /** Adds what the lanes have done to {@code total}. */
    void count(Tally total) {
        total.add(ended);
        slots.forEach(slot -> total.add(slot.tally));
        total.replaced(replaced.get());
    }
}
