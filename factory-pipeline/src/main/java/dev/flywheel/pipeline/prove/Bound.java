package dev.flywheel.pipeline.prove;

import java.io.Serializable;
import java.util.Objects;

/**
 * A condition on a measured value. Immutable.
 *
 * @param side which values meet it
 * @param value the bound, finite
 */
public record Bound(Side side, double value) implements Serializable {

    private static final long serialVersionUID = 1L;

    /** Which values meet a condition. */
    public enum Side {
        /** The bound and what is less. */
        AT_MOST("at most"),
        /** The bound and what is more. */
        AT_LEAST("at least"),
        /** What is less than the bound. */
        BELOW("below"),
        /** What is more than the bound. */
        ABOVE("above");

        private final String words;

        Side(String words) {
            this.words = words;
        }
    }

    /** @throws IllegalArgumentException if the bound is not finite */
    public Bound {
        Objects.requireNonNull(side, "side");
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("a bound must be finite, found " + value);
        }
    }

    /** {@return the condition that a value is {@code value} or less} */
    public static Bound atMost(double value) {
        return new Bound(Side.AT_MOST, value);
    }

    /** {@return the condition that a value is {@code value} or more} */
    public static Bound atLeast(double value) {
        return new Bound(Side.AT_LEAST, value);
    }

    /** {@return the condition that a value is less than {@code value}} */
    public static Bound below(double value) {
        return new Bound(Side.BELOW, value);
    }

    /** {@return the condition that a value is more than {@code value}} */
    public static Bound above(double value) {
        return new Bound(Side.ABOVE, value);
    }

    boolean holds(double measured) {
        return switch (side) {
            case AT_MOST -> measured <= value;
            case AT_LEAST -> measured >= value;
            case BELOW -> measured < value;
            case ABOVE -> measured > value;
        };
    }

    /** {@return the condition in words} */
    public String describe() {
        return side.words + " " + Words.plain(value);
    }
}
