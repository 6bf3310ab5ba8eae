package dev.flywheel.serving.engine;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sessions of a model. All lanes begin with the first; a lane of a small model that runs again and again gets one
 * of its own, because runs of microseconds spend a third of their time on what threads share in a session: with eight
 * threads one session gave 640,000 runs a second and eight gave 830,000. As long as there is room for it; beyond, lanes
 * share sessions evenly. A session is closed with the last lane that uses it, the first not before the model.
 * Thread-safe.
 */
final class OnnxSessions {

    /** A lane that has run so often is in use. Making a session takes as long as a hundred runs of a small model. */
    static final int BUSY_RUNS = 32;

    private static final Logger log = LoggerFactory.getLogger(OnnxSessions.class);

    private final OnnxRecipe recipe;
    private final int most;
    private final ReentrantLock changing = new ReentrantLock();
    private final Shared first;
    private final Runnable freed;

    // Under the lock.
    private final List<Shared> open = new ArrayList<>();
    private int making;
    private boolean closed;

    /** @param freed what to do when the last session is closed */
    OnnxSessions(OrtSession first, OnnxRecipe recipe, Runnable freed) {
        this.recipe = recipe;
        this.freed = freed;
        this.most = recipe.mostSessions();
        this.first = new Shared(first);
        open.add(this.first);
    }

    /** A session, and how many lanes use it; that is guarded by the lock. */
    private static final class Shared {
        final OrtSession session;
        int lanes;

        Shared(OrtSession session) {
            this.session = session;
        }
    }

    /** The session of one lane, which may become another from run to run. Not thread-safe. */
    final class Use {
        private Shared current;
        private int runs;

        private Use(Shared current) {
            this.current = current;
        }

        /** {@return the session for the next run} */
        OrtSession next() {
            if (runs < BUSY_RUNS && ++runs == BUSY_RUNS && most > 1) {
                current = own(current);
            }
            return current.session;
        }

        /** The lane does not run any more. */
        void end() {
            leave(current);
        }
    }

    /** {@return a session for a lane; null if all are closed} */
    @Nullable
    Use use() {
        changing.lock();
        try {
            if (!open.contains(first)) {
                return null;
            }
            first.lanes++;
            return new Use(first);
        } finally {
            changing.unlock();
        }
    }

    /** {@return the number of sessions that are open} */
    int size() {
        changing.lock();
        try {
            return open.size();
        } finally {
            changing.unlock();
        }
    }

    /** Closes the first session, when no lane uses it any more. */
    void close() {
        changing.lock();
        try {
            closed = true;
        } finally {
            changing.unlock();
        }
        closeUnused();
    }

    private Shared own(Shared now) {
        changing.lock();
        try {
            if (now.lanes == 1 || closed) {
                return now;
            }
            if (open.size() + making >= most) {
                return move(now, leastUsed(now));
            }
            making++;
        } finally {
            changing.unlock();
        }
        // Outside of the lock: other lanes of a busy model want theirs at the same time.
        Shared made = tryMake();
        changing.lock();
        try {
            making--;
            if (made == null) {
                return now;
            }
            open.add(made);
            return move(now, made);
        } finally {
            changing.unlock();
        }
    }

    private @Nullable Shared tryMake() {
        try {
            return new Shared(recipe.make());
        } catch (OrtException | RuntimeException e) {
            log.debug("a lane stays with a session that others use too", e);
            return null;
        }
    }

    private Shared leastUsed(Shared now) {
        Shared least = now;
        for (Shared other : open) {
            // It counts there as soon as it is moved.
            if (other.lanes + 1 < least.lanes) {
                least = other;
            }
        }
        return least;
    }

    private static Shared move(Shared from, Shared to) {
        // Others use the one that is left.
        from.lanes--;
        to.lanes++;
        return to;
    }

    private void leave(Shared left) {
        changing.lock();
        try {
            left.lanes--;
        } finally {
            changing.unlock();
        }
        closeUnused();
    }

    private void closeUnused() {
        List<Shared> unused = new ArrayList<>();
        boolean last;
        changing.lock();
        try {
            open.removeIf(shared -> {
                boolean over = shared.lanes == 0 && (shared != first || closed);
                return over && unused.add(shared);
            });
            last = open.isEmpty() && !unused.isEmpty();
        } finally {
            changing.unlock();
        }
        unused.forEach(shared -> closeQuietly(shared.session));
        if (last) {
            freed.run();
        }
    }

    static void closeQuietly(@Nullable OrtSession session) {
        if (session == null) {
            return;
        }
        try {
            session.close();
        } catch (OrtException | IllegalStateException e) {
            log.debug("closing a session failed", e);
        }
    }
}
