package dev.flywheel.serving;

import dev.flywheel.serving.monitor.ShadowReport;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The shadow of an endpoint, if it has one: at most one at a time. Thread-safe. */
final class Shadows<I, O> {

    private static final Logger log = LoggerFactory.getLogger(Shadows.class);

    private final Models<I, O> models;
    private @Nullable Shadow<I, O> current;
    private @Nullable ShadowReport last;
    private boolean closed;

    Shadows(Models<I, O> models) {
        this.models = models;
    }

    /** Copies a share of the champion's requests to a version, in place of the shadow before. */
    void start(Loaded<I, O> champion, Loaded<I, O> target, double share) {
        // Outside of the lock, because making a lane may take long, and closing does not wait for that.
        Shadow<I, O> next;
        try {
            next = models.shadow(champion, target, share);
        } catch (RuntimeException e) {
            if (isClosed()) {
                return;
            }
            throw e;
        }
        Shadow<I, O> before;
        synchronized (this) {
            before = closed ? next : current;
            current = closed ? null : next;
            last = closed ? last : null;
        }
        if (before != null) {
            before.stop(null);
        }
        // One that is stopped frees its lane.
        next.start();
    }

    private synchronized @Nullable Shadow<I, O> current() {
        return current;
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** Stops copying. */
    void end() {
        end(null);
    }

    private void end(@Nullable Duration patience) {
        Shadow<I, O> ended;
        synchronized (this) {
            ended = current;
            current = null;
            last = ended == null ? last : ended.report();
        }
        if (ended != null) {
            ended.stop(patience);
            synchronized (this) {
                // What it compared meanwhile.
                last = current == null ? ended.report() : last;
            }
        }
    }

    /**
     * Ends for good.
     *
     * @param patience for a run that is under way; null if it may take as long as it needs
     */
    void close(@Nullable Duration patience) {
        synchronized (this) {
            closed = true;
        }
        end(patience);
    }

    /** {@return whether copies go to the version} */
    synchronized boolean uses(Loaded<I, O> version) {
        return current != null && current.target() == version;
    }

    /** Goes on with the requests of another champion, and counts anew; ends where the shadow itself is the champion. */
    void follow(Loaded<I, O> champion) {
        Shadow<I, O> before = current();
        if (before == null || before.champion() == champion) {
            return;
        }
        if (before.target() == champion) {
            end();
            return;
        }
        try {
            start(champion, before.target(), before.share());
        } catch (RuntimeException e) {
            log.warn(
                    "{} goes on without its shadow, version {}",
                    models.name(),
                    before.target().version(),
                    e);
            end();
        }
    }

    /** {@return what the shadow, or the last one, has found} */
    synchronized Optional<ShadowReport> report() {
        return current == null ? Optional.ofNullable(last) : Optional.of(current.report());
    }
}
