package dev.flywheel.core.model;

/** What a model predicts. */
public enum Task {
    /** The probability that a statement is true: one output in 0 to 1. */
    BINARY,
    /** Which one of several classes: the probability of each, in the order of their names, summing to 1. */
    MULTICLASS,
    /** A real number: one output in the target's own unit. */
    REGRESSION
}
