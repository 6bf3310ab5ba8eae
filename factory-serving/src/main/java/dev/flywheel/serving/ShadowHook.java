package dev.flywheel.serving;

import org.jspecify.annotations.Nullable;

/** Where the lanes of a version find out whether a copy of its requests is wanted for a shadow. Thread-safe. */
final class ShadowHook<I, O> {

    private @Nullable Shadow<I, O> shadow;
    private volatile @Nullable Shadow<I, O> armed;

    /** {@return what wants copies now, or null} */
    @Nullable
    Shadow<I, O> shadow() {
        return armed;
    }

    /** Puts a shadow in place of the one before. */
    synchronized void begin(Shadow<I, O> next) {
        shadow = next;
        armed = next;
    }

    /** Has copies offered to a shadow, if it is not ended. */
    synchronized void arm(Shadow<I, O> wanting) {
        if (shadow == wanting && armed != wanting) {
            armed = wanting;
        }
    }

    /** Has no more copies offered to a shadow, until it asks for them. */
    synchronized void disarm(Shadow<I, O> sated) {
        if (armed == sated) {
            armed = null;
        }
    }

    synchronized void end(Shadow<I, O> ended) {
        if (shadow == ended) {
            shadow = null;
            armed = null;
        }
    }
}
