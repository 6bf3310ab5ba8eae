package dev.flywheel.core.stat;

import dev.flywheel.core.model.Task;
import java.util.Arrays;
import java.util.List;

/** A measure of how well predictions fit the outcomes. Immutable. */
public enum Metric {
    /** Area under the receiver operating characteristic. */
    ROC_AUC(
            Task.BINARY,
            Direction.UP,
            "ROC AUC",
            "chance that a random positive row scores above a random negative one"),
    /** Average precision: the area under the precision-recall steps. */
    PR_AUC(Task.BINARY, Direction.UP, "PR AUC", "average precision over all recall levels; the base rate is chance"),
    /** Mean negative log likelihood, in nats. */
    LOG_LOSS(Task.BINARY, Direction.DOWN, "Log loss", "mean negative log likelihood of the outcomes, in nats"),
    /** Mean squared error of the probability. */
    BRIER(Task.BINARY, Direction.DOWN, "Brier score", "mean squared error of the probability"),
    /** Share of rows on the right side of 0.5; a score of 0.5 counts as positive. */
    ACCURACY(Task.BINARY, Direction.UP, "Accuracy", "share of rows on the right side of 0.5"),
    /** Harmonic mean of precision and recall at 0.5; a score of 0.5 counts as positive. */
    F1(Task.BINARY, Direction.UP, "F1", "harmonic mean of precision and recall at 0.5"),
    /** Expected calibration error over 10 bins of equal width. */
    ECE(
            Task.BINARY,
            Direction.DOWN,
            "Calibration error",
            "mean distance between predicted and observed rate, over 10 bins of equal width"),
    /** Root of the mean squared error, in the target's unit. */
    RMSE(Task.REGRESSION, Direction.DOWN, "RMSE", "root of the mean squared error, in the target's unit"),
    /** Mean absolute error, in the target's unit. */
    MAE(Task.REGRESSION, Direction.DOWN, "MAE", "mean absolute error, in the target's unit"),
    /** Coefficient of determination; negative when worse than predicting the mean. */
    R2(Task.REGRESSION, Direction.UP, "R\u00b2", "share of the target's variance that is explained");

    private enum Direction {
        UP,
        DOWN
    }

    private final Task task;
    private final Direction direction;
    private final String label;
    private final String meaning;

    Metric(Task task, Direction direction, String label, String meaning) {
        this.task = task;
        this.direction = direction;
        this.label = label;
        this.meaning = meaning;
    }

    /** {@return the metrics of a task, the most telling first} */
    public static List<Metric> of(Task task) {
        return Arrays.stream(values()).filter(metric -> metric.task == task).toList();
    }

    /** {@return whether a larger value is a better model} */
    public boolean higherIsBetter() {
        return direction == Direction.UP;
    }

    /** {@return the kind of prediction that it judges} */
    public Task task() {
        return task;
    }

    /** {@return the name for a human reader, such as {@code Log loss}} */
    public String label() {
        return label;
    }

    /** {@return what it measures, in one clause} */
    public String meaning() {
        return meaning;
    }

    /** {@return {@code difference} with the sign that makes positive mean better} */
    public double oriented(double difference) {
        return higherIsBetter() ? difference : -difference;
    }
}
