package dev.flywheel.pipeline.flywheel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue of predictions from any thread to one, without locks and without an object for each entry: a ring of
 * slots, each with a turn number that says whose it is (after D. Vyukov's bounded queue, 2010).
 *
 * @param <I> the type of a row
 */
final class HandOff<I> {

    private static final VarHandle TURN;

    static {
        try {
            TURN = MethodHandles.lookup().findVarHandle(Slot.class, "turn", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Slot<I>[] slots;
    private final int mask;
    private final AtomicLong tail = new AtomicLong();
    private final AtomicLong head = new AtomicLong();

    /** One prediction on its way. */
    static final class Slot<I> {
        // read and written through TURN alone
        @SuppressWarnings("UnusedVariable")
        private volatile long turn;

        @Nullable
        UUID id;

        int version;

        @Nullable
        I row;

        double output;

        @Nullable
        Instant at;
    }

    /** @param capacity a power of two */
    HandOff(int capacity) {
        @SuppressWarnings({"unchecked", "rawtypes"})
        Slot<I>[] made = new Slot[capacity];
        for (int i = 0; i < capacity; i++) {
            made[i] = new Slot<>();
            made[i].turn = i;
        }
        this.slots = made;
        this.mask = capacity - 1;
    }

    /** {@return the position of the entry, from 0, or -1 if the queue is full} */
    long offer(UUID id, int version, I row, double output, Instant at) {
        long position = tail.get();
        while (true) {
            Slot<I> slot = slots[(int) position & mask];
            long ahead = (long) TURN.getAcquire(slot) - position;
            if (ahead < 0) {
                return -1;
            }
            if (ahead == 0 && tail.compareAndSet(position, position + 1)) {
                slot.id = id;
                slot.version = version;
                slot.row = row;
                slot.output = output;
                slot.at = at;
                TURN.setRelease(slot, position + 1);
                return position;
            }
            position = tail.get();
        }
    }

    /** {@return the oldest entry, or null if there is none; for the reader alone, which gives it back} */
    @Nullable
    Slot<I> peek() {
        long position = head.getPlain();
        Slot<I> slot = slots[(int) position & mask];
        return (long) TURN.getAcquire(slot) == position + 1 ? slot : null;
    }

    /** Frees the slot that {@link #peek} returned. */
    void giveBack(Slot<I> slot) {
        slot.id = null;
        slot.row = null;
        slot.at = null;
        long position = head.getPlain();
        TURN.setRelease(slot, position + slots.length);
        head.setRelease(position + 1);
    }

    /** {@return the number of entries ever offered} */
    long offered() {
        return tail.get();
    }

    /** {@return the number of entries ever given back} */
    long taken() {
        return head.getAcquire();
    }
}
