package dev.flywheel.core.stat;

import dev.flywheel.core.model.Task;
import java.util.List;

/** A measure of how well predictions fit the outcomes. Immutable. */
public enum Metric {
    /** Area under the receiver operating characteristic. */
    ROC_AUC(Direction.UP, "ROC AUC", "chance that a random positive row scores above a random negative one"),
    /** Average precision: the area under the precision-recall steps. */
    PR_AUC(Direction.UP, "PR AUC", "average precision over all recall levels; the base rate is chance"),
    /** Mean negative log likelihood, in nats. */
    LOG_LOSS(Direction.DOWN, "Log loss", "mean negative log likelihood of the outcomes, in nats"),
    /** Mean squared error of the probability; of several classes, summed over them. */
    BRIER(Direction.DOWN, "Brier score", "mean squared error of the probability"),
    /** Share of rows decided rightly: for the most probable class, or at 0.5, which counts as positive. */
    ACCURACY(Direction.UP, "Accuracy", "share of rows decided rightly"),
    /** Harmonic mean of precision and recall at 0.5; a score of 0.5 counts as positive. */
    F1(Direction.UP, "F1", "harmonic mean of precision and recall at 0.5"),
    /** Mean of the F1 of each class; a class that neither occurs nor is predicted is left out. */
    MACRO_F1(Direction.UP, "Macro F1", "mean over the classes of the harmonic mean of precision and recall"),
    /** Expected calibration error over 10 bins of equal width; of several classes, that of the most probable one. */
    ECE(
            Direction.DOWN,
            "Calibration error",
            "mean distance between predicted and observed rate, over 10 bins of equal width"),
    /** Root of the mean squared error, in the target's unit. */
    RMSE(Direction.DOWN, "RMSE", "root of the mean squared error, in the target's unit"),
    /** Mean absolute error, in the target's unit. */
    MAE(Direction.DOWN, "MAE", "mean absolute error, in the target's unit"),
    /** Coefficient of determination; negative when worse than predicting the mean. */
    R2(Direction.UP, "R\u00b2", "share of the target's variance that is explained");

    private enum Direction {
        UP,
        DOWN
    }

    private final Direction direction;
    private final String label;
    private final String meaning;

    Metric(Direction direction, String label, String meaning) {
        this.direction = direction;
        this.label = label;
        this.meaning = meaning;
    }

    /** {@return the metrics of a task, the most telling first} */
    public static List<Metric> of(Task task) {
        return switch (task) {
            case BINARY -> List.of(ROC_AUC, PR_AUC, LOG_LOSS, BRIER, ACCURACY, F1, ECE);
            case MULTICLASS -> List.of(ACCURACY, MACRO_F1, LOG_LOSS, BRIER, ECE);
            case REGRESSION -> List.of(RMSE, MAE, R2);
        };
    }

    /** {@return whether a larger value is a better model} */
    public boolean higherIsBetter() {
        return direction == Direction.UP;
    }

    /** {@return whether it judges predictions of this kind} */
    public boolean judges(Task task) {
        return of(task).contains(this);
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
