package dev.flywheel.core.stat;

import dev.flywheel.core.model.Task;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Checks on the arrays that metrics are computed from. */
final class Inputs {

    private Inputs() {}

    static void check(Metric metric, double[] labels, double[] scores) {
        if (several(labels, scores) && metric.judges(Task.MULTICLASS)) {
            checkClasses(labels, scores);
            return;
        }
        sameLength(labels, scores);
        finite(labels, "label");
        finite(scores, "score");
        switch (metric) {
            case ROC_AUC, PR_AUC -> binary(labels);
            case LOG_LOSS, BRIER, ACCURACY, F1, ECE -> {
                binary(labels);
                probabilities(scores);
            }
            case MACRO_F1 -> checkClasses(labels, scores);
            case RMSE, MAE, R2 -> {}
        }
    }

    /** {@return whether there are scores of several classes for each row} */
    static boolean several(double[] labels, double[] scores) {
        return labels.length > 0 && scores.length > labels.length && scores.length % labels.length == 0;
    }

    static void checkClasses(double[] labels, double[] scores) {
        if (!several(labels, scores)) {
            throw new IllegalArgumentException("each row needs a label and the scores of 2 classes or more, found "
                    + labels.length + " labels and " + scores.length + " scores");
        }
        finite(scores, "score");
        probabilities(scores);
        int classes = scores.length / labels.length;
        for (int row = 0; row < labels.length; row++) {
            if (labels[row] != Math.rint(labels[row]) || !(labels[row] >= 0 && labels[row] < classes)) {
                throw new IllegalArgumentException("the label of row " + row + " is " + labels[row]
                        + ", expected the number of a class from 0 to " + (classes - 1));
            }
            double sum = 0;
            for (int i = row * classes; i < (row + 1) * classes; i++) {
                sum += scores[i];
            }
            if (Math.abs(sum - 1) > Metrics.PROBABILITY_SUM) {
                throw new IllegalArgumentException(
                        "the scores of row " + row + " sum to " + sum + ", expected the probabilities of all classes");
            }
        }
    }

    static void checkBinary(double[] labels, double[] scores) {
        check(Metric.ROC_AUC, labels, scores);
    }

    static int positives(double[] labels) {
        int positives = 0;
        for (double label : labels) {
            positives += (int) label;
        }
        return positives;
    }

    /** {@return the rows of the rarest class that occurs; all rows where there are no classes} */
    static long rarest(Metric metric, double[] labels) {
        return metric.judges(Task.REGRESSION)
                ? labels.length
                : Arrays.stream(labels)
                        .boxed()
                        .collect(Collectors.groupingBy(label -> label, Collectors.counting()))
                        .values()
                        .stream()
                        .mapToLong(rows -> rows)
                        .min()
                        .orElse(0);
    }

    private static void sameLength(double[] labels, double[] scores) {
        if (labels.length != scores.length) {
            throw new IllegalArgumentException("each row needs a label and a score, found " + labels.length
                    + " labels and " + scores.length + " scores");
        }
        if (labels.length == 0) {
            throw new IllegalArgumentException("a metric needs at least one row, found none");
        }
    }

    private static void finite(double[] values, String what) {
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(values[i])) {
                throw new IllegalArgumentException(
                        "the " + what + " of row " + i + " is " + values[i] + ", expected a finite number");
            }
        }
    }

    private static void binary(double[] labels) {
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] != 0 && labels[i] != 1) {
                throw new IllegalArgumentException("the label of row " + i + " is " + labels[i] + ", expected 0 or 1");
            }
        }
    }

    private static void probabilities(double[] scores) {
        for (int i = 0; i < scores.length; i++) {
            if (scores[i] < 0 || scores[i] > 1) {
                throw new IllegalArgumentException(
                        "the score of row " + i + " is " + scores[i] + ", expected a probability from 0 to 1");
            }
        }
    }
}
