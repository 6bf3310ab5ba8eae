package dev.flywheel.serving;

import dev.flywheel.core.model.PredictionIds;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what an observer throws away from the predictions. Thread-safe. */
final class Observation<I> {

    private static final Logger log = LoggerFactory.getLogger(Observation.class);

    private final String endpoint;
    private final @Nullable PredictionObserver<? super I> observer;
    private final AtomicBoolean complained = new AtomicBoolean();

    Observation(String endpoint, @Nullable PredictionObserver<? super I> observer) {
        this.endpoint = endpoint;
        this.observer = observer;
    }

    String endpoint() {
        return endpoint;
    }

    boolean wanted() {
        return observer != null;
    }

    void made(UUID id, int version, I input, double raw) {
        if (observer == null) {
            return;
        }
        try {
            observer.observed(id, version, input, raw, PredictionIds.time(id));
        } catch (RuntimeException | Error e) {
            if (complained.compareAndSet(false, true)) {
                log.error("the observer of {} failed at prediction {}; later failures are not logged", endpoint, id, e);
            }
        }
    }
}
