package dev.flywheel.core.device;

import java.nio.ByteBuffer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One accelerator, and how all that this process runs on it share it: who may hold how much of its memory, and whose
 * turn it is. Who holds none of it runs nothing on it. Thread-safe.
 */
public interface Accelerator {

    /** What somebody wants the device for; an earlier one goes before a later one. */
    enum Tier {
        /** Somebody waits for the answer. */
        SERVING,
        /** Many rows at once, with nobody waiting for a single one. */
        BATCH,
        /** Training, which can be left between two steps and taken up again. */
        TRAINING
    }

    /** Something of the device that is held until it is closed; closing it again does nothing. */
    interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /** Memory of the device. Thread-safe. Whoever reserved it closes it, after freeing what was in it. */
    interface Reservation extends Hold {

        /**
         * {@return a turn on the device, for one step or batch, to be closed when that has run} Waits for it: serving
         * goes before batches, and batches before training, which keeps a small share; among those alike whoever used
         * the device least, and of one owner whoever came first.
         *
         * @throws IllegalStateException if the reservation is closed
         * @throws java.util.concurrent.CancellationException if the thread is interrupted while it waits; it still is
         */
        Hold turn();

        /** {@return a turn as {@link #turn()}, for work of another tier than the memory is held for} */
        default Hold turn(Tier tier) {
            return turn();
        }
    }

    /** {@return the device} */
    Device device();

    /**
     * {@return memory that is kept for its owner} A demand that does not fit asks others to give theirs back, those of
     * a lower tier first of all, and waits.
     *
     * @param owner who it is for, as a path: what is before the first slash, such as a pipeline, shares the device with
     *     the others there, and its parts share what it gets
     * @param bytes how many, from 0: all that the owner's work will ever hold there at one time
     * @param patience how long to wait; zero for not at all
     * @param reclaim called at most once, by any thread, when somebody with more right to the memory asks for it back:
     *     returns at once, and has the reservation closed soon; null if it is never given back
     * @throws dev.flywheel.core.OverloadedException if it is more than the device can ever give, or was not free in
     *     that time
     * @throws java.util.concurrent.CancellationException if the thread is interrupted while it waits; it still is
     */
    Reservation reserve(String owner, Tier tier, long bytes, Duration patience, @Nullable Runnable reclaim);

    /**
     * {@return a lock that keeps direct memory where it is, so that copies to and from the device run at full speed}
     * Does nothing where that cannot be. To be closed before the memory is freed.
     */
    Hold pin(ByteBuffer memory);

    /** Shares the device in this way from now on; until then as {@link Sharing#defaults} says. */
    void sharing(Sharing sharing);
}
