package dev.flywheel.serving;

import dev.flywheel.serving.monitor.ShadowReport;
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
    synchronized void start(Loaded<I, O> champion, Loaded<I, O> target, double share) {
        if (closed) {
            return;
        }
        Shadow<I, O> next = models.shadow(champion, target, share);
        end();
        last = null;
        current = next;
        next.start();
    }

    /** Stops copying. */
    synchronized void end() {
        if (current != null) {
            current.stop();
            last = current.report();
            current = null;
        }
    }

    /** Ends for good. */
    synchronized void close() {
        closed = true;
        end();
    }

    /** {@return whether copies go to the version} */
    synchronized boolean uses(Loaded<I, O> version) {
        return current != null && current.target() == version;
    }

    /** Goes on with the requests of another champion, and counts anew; ends where the shadow itself is the champion. */
    synchronized void follow(Loaded<I, O> champion) {
        Shadow<I, O> before = current;
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
