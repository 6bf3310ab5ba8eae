package dev.flywheel.serving;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Where the lanes of a version find out whether its requests are copied to a shadow. Thread-safe. */
final class ShadowHook<I, O> {

    private final AtomicReference<@Nullable Shadow<I, O>> shadow = new AtomicReference<>();

    /** {@return what wants copies, or null} */
    @Nullable
    Shadow<I, O> shadow() {
        return shadow.get();
    }

    void begin(Shadow<I, O> next) {
        shadow.set(next);
    }

    void end(Shadow<I, O> ended) {
        shadow.compareAndSet(ended, null);
    }
}
