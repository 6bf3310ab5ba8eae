package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.source.Target;

/** What a trainer makes small. */
enum Objective {
    /** The mean log loss of the probability that the label is 1. */
    PROBABILITY(Task.BINARY),
    /** The mean squared error of the label. */
    NUMBER(Task.REGRESSION),
    /** The mean squared error of the label's natural logarithm; the model still answers in the label's own unit. */
    NUMBER_ON_LOG_SCALE(Task.REGRESSION);

    private final Task task;

    Objective(Task task) {
        this.task = task;
    }

    static Objective of(Target<?> target) {
        return switch (target.task()) {
            case BINARY -> PROBABILITY;
            case MULTICLASS -> throw new IllegalArgumentException("no network learns several classes yet");
            case REGRESSION -> target.logScale() ? NUMBER_ON_LOG_SCALE : NUMBER;
        };
    }

    Task task() {
        return task;
    }
}
