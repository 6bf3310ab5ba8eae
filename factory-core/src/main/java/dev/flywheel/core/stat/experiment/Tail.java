package dev.flywheel.core.stat.experiment;

/** Which alternative a test is open to. */
public enum Tail {
    /** The effect is not zero; the interval has two ends. */
    TWO_SIDED,
    /** The effect is greater than zero; the interval has no upper end. */
    GREATER,
    /** The effect is less than zero; the interval has no lower end. */
    LESS
}
