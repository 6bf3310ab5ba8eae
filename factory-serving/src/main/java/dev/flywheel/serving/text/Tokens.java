package dev.flywheel.serving.text;

import org.jspecify.annotations.Nullable;

/** A text as its model sees it: at least one token. Immutable: nobody writes into the arrays. */
final class Tokens {

    final long[] ids;

    /** The types of the tokens; null where all are 0. */
    final long @Nullable [] types;

    Tokens(long[] ids, long @Nullable [] types) {
        this.ids = ids;
        this.types = types;
    }

    int count() {
        return ids.length;
    }
}
