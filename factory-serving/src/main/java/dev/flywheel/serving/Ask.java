package dev.flywheel.serving;

/**
 * What one caller asks, ready to be written into a lane. Immutable. It becomes a {@link Request} only where it waits:
 * one that runs at once, on its caller's thread, needs no future.
 */
final class Ask<I> {

    /** What the caller gave. */
    final I input;

    /** What the codec writes. */
    final Object prepared;

    /** How long its row is. */
    final int length;

    Ask(I input, Object prepared, int length) {
        this.input = input;
        this.prepared = prepared;
        this.length = length;
    }
}
