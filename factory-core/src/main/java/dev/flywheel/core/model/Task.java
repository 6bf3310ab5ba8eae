package dev.flywheel.core.model;

/** What a model predicts. */
public enum Task {
    /** The probability that a statement is true: one output in 0 to 1. */
    BINARY,
    /** A real number: one output in the target's own unit. */
    REGRESSION
}
