package dev.flywheel.core.stat;

/** Checks on the arrays that metrics are computed from. */
final class Inputs {

    private Inputs() {}

    static void check(Metric metric, double[] labels, double[] scores) {
        sameLength(labels, scores);
        finite(labels, "label");
        finite(scores, "score");
        switch (metric) {
            case ROC_AUC, PR_AUC -> binary(labels);
            case LOG_LOSS, BRIER, ACCURACY, F1, ECE -> {
                binary(labels);
                probabilities(scores);
            }
            case RMSE, MAE, R2 -> {}
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
