package dev.flywheel.pipeline;

import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Where the runs of a factory are made, one at a time; while one rests, others are made. Thread-safe. */
final class RunThread extends ThreadPoolExecutor {

    private final Semaphore turn = new Semaphore(1, true);
    private final Set<Thread> outOfTurn = ConcurrentHashMap.newKeySet();

    RunThread(ThreadFactory threads) {
        super(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
    }

    @Override
    protected void beforeExecute(Thread thread, Runnable task) {
        turn.acquireUninterruptibly();
    }

    @Override
    protected void afterExecute(Runnable task, @Nullable Throwable failure) {
        if (!outOfTurn.remove(Thread.currentThread())) {
            turn.release();
        }
    }

    /**
     * Lets others go on while a task of this thread waits, and waits for its turn after that.
     *
     * @throws CancellationException if the thread is interrupted before it has its turn; it still is
     */
    void aside(Runnable waiting) {
        grow();
        turn.release();
        boolean mine = false;
        try {
            waiting.run();
            turn.acquire();
            mine = true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("the run was abandoned");
        } finally {
            if (!mine) { // it is abandoned, which must not wait for the run of another
                outOfTurn.add(Thread.currentThread());
            }
            shrink();
        }
    }

    private synchronized void grow() {
        setMaximumPoolSize(getMaximumPoolSize() + 1);
        setCorePoolSize(getCorePoolSize() + 1);
    }

    private synchronized void shrink() {
        setCorePoolSize(getCorePoolSize() - 1);
        setMaximumPoolSize(getMaximumPoolSize() - 1);
    }
}
