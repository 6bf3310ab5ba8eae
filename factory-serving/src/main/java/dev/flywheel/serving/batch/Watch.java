package dev.flywheel.serving.batch;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A daemon thread that looks after batchers when time has passed, so that requests need not: at deadlines, at runs that
 * hang, at callbacks that block. There is one for all of them while there are any. It looks at each of them once a
 * second in any case, because whoever was to ask for that may have had no stack or memory left to do so. Thread-safe.
 */
final class Watch {

    static final Watch SHARED = new Watch();

    private static final long HEARTBEAT_NANOS = 1_000_000_000;

    private static final Logger log = LoggerFactory.getLogger(Watch.class);

    /** What is looked after. */
    interface Watched {
        /** {@return when to look again at the latest; quick, runs no code of others} */
        long look(long now);
    }

    private final Set<Watched> watched = ConcurrentHashMap.newKeySet();
    private final ReentrantLock changing = new ReentrantLock();
    private final AtomicLong next = new AtomicLong(Long.MAX_VALUE);
    private volatile @Nullable Thread thread;

    private Watch() {}

    void add(Watched some) {
        changing.lock();
        try {
            watched.add(some);
            if (thread == null) {
                Thread started = new Thread(null, this::run, "flywheel-serving-watch", 0, false);
                started.setDaemon(true);
                // Not before it has started: where there is no memory for a thread now, the next batcher tries again.
                started.start();
                thread = started;
            }
        } finally {
            changing.unlock();
        }
        lookBy(0);
    }

    void remove(Watched some) {
        changing.lock();
        try {
            watched.remove(some);
        } finally {
            changing.unlock();
        }
        lookBy(0);
    }

    /** Sees to it that everything is looked at by then; costs next to nothing if that is so. */
    void lookBy(long nanos) {
        long then = next.get();
        while (nanos < then) {
            if (next.compareAndSet(then, nanos)) {
                LockSupport.unpark(thread);
                return;
            }
            then = next.get();
        }
    }

    private void run() {
        while (!ends()) {
            next.set(Long.MAX_VALUE);
            long soonest = Nanos.now() + HEARTBEAT_NANOS;
            for (Watched some : watched) {
                soonest = Math.min(soonest, look(some));
            }
            next.accumulateAndGet(soonest, Math::min);
            long wait = next.get() - Nanos.now();
            while (wait > 0) {
                LockSupport.parkNanos(this, wait);
                wait = next.get() - Nanos.now();
            }
        }
    }

    private static long look(Watched some) {
        try {
            return some.look(Nanos.now());
        } catch (RuntimeException | Error e) {
            log.warn("could not look after requests", e);
            return Nanos.now() + HEARTBEAT_NANOS;
        }
    }

    private boolean ends() {
        changing.lock();
        try {
            if (watched.isEmpty()) {
                thread = null;
                return true;
            }
            return false;
        } finally {
            changing.unlock();
        }
    }
}
