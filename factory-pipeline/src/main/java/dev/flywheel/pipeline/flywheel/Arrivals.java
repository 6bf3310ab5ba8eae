package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.ClosedException;
import dev.flywheel.core.StoreException;
import java.nio.file.Path;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How many predictions have arrived on the disk or were dropped, in the order in which they were handed in, and who
 * waits for more. Thread-safe; one thread tells of arrivals.
 */
final class Arrivals {

    private final Path directory;
    private final Runnable wake;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // under the lock
    private final PriorityQueue<Waiting> waiting = new PriorityQueue<>();
    private volatile long wanted;
    private volatile long reached;
    private volatile @Nullable StoreException failure;
    private boolean ended;

    /** Somebody who waits without a thread, for so many predictions. */
    private record Waiting(long target, CompletableFuture<Void> future) implements Comparable<Waiting> {
        @Override
        public int compareTo(Waiting other) {
            return Long.compare(target, other.target);
        }
    }

    /** @param wake makes the thread look soon whether somebody waits */
    Arrivals(Path directory, Runnable wake) {
        this.directory = directory;
        this.wake = wake;
    }

    /** Waits until so many have arrived. */
    void await(long target) {
        lock.lock();
        try {
            while (reached < target) {
                if (failure != null || ended) {
                    throw refusal();
                }
                want(target);
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** {@return a stage that completes as {@link #await} returns; what depends on it must not run on the thread} */
    CompletableFuture<Void> stage(long target) {
        Waiting one = new Waiting(target, new CompletableFuture<>());
        lock.lock();
        try {
            if (reached >= target || failure != null || ended) {
                complete(one);
            } else {
                waiting.add(one);
                want(target);
            }
        } finally {
            lock.unlock();
        }
        return one.future;
    }

    private void want(long target) {
        wanted = Math.max(wanted, target);
        wake.run();
    }

    /** {@return whether somebody waits for more than have arrived} */
    boolean wanted() {
        return wanted > reached;
    }

    long reached() {
        return reached;
    }

    /** So many have arrived, in all. */
    void reached(long count) {
        change(() -> reached = count);
    }

    /** No more will arrive until the disk is mended: whoever waits is told. */
    void failed(StoreException why) {
        change(() -> failure = why);
    }

    /** The disk takes predictions again. */
    void mended() {
        failure = null;
    }

    /** No more will arrive. */
    void end() {
        change(() -> ended = true);
    }

    private void change(Runnable how) {
        lock.lock();
        try {
            how.run();
            changed.signalAll();
            boolean all = failure != null || ended;
            for (Waiting next = waiting.peek();
                    next != null && (all || next.target <= reached);
                    next = waiting.peek()) {
                complete(waiting.remove());
            }
        } finally {
            lock.unlock();
        }
    }

    private void complete(Waiting one) {
        boolean unused =
                one.target <= reached ? one.future.complete(null) : one.future.completeExceptionally(refusal());
    }

    private RuntimeException refusal() {
        StoreException failed = failure;
        return failed == null
                ? closedException()
                : new StoreException(
                        "flushing predictions to " + directory,
                        "the log fails (" + failed.getMessage() + ")",
                        "free space on the disk or mend it; the log goes on by itself",
                        failed);
    }

    ClosedException closedException() {
        return new ClosedException(
                "prediction log " + directory, "it was closed", "stop predicting before closing, or open it again");
    }
}
