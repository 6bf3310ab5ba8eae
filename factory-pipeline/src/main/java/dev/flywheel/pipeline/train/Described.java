package dev.flywheel.pipeline.train;

/** A trainer that equals what describes itself with the same words. */
abstract class Described implements Trainer {

    private static final long serialVersionUID = 1L;

    @Override
    public final boolean equals(Object other) {
        return other instanceof Described that && describe().equals(that.describe());
    }

    @Override
    public final int hashCode() {
        return describe().hashCode();
    }

    /** {@return {@link #describe()}} */
    @Override
    public final String toString() {
        return describe();
    }
}
