package dev.flywheel.core.stat;

/**
 * What scores of shape [rows] (the probability of label 1) or [rows, classes] (of each class), row-major, decide row by
 * row. Thread-safe: no state.
 */
public final class Decisions {

    private Decisions() {}

    /** {@return the number of scores a row: 1, or the number of classes} */
    static int width(double[] labels, double[] scores) {
        return scores.length / labels.length;
    }

    /**
     * {@return the label that a row is decided as: the most probable class, the first of equals; of one score a row, 1
     * from 0.5 on}
     *
     * @param width the number of scores a row
     */
    public static int of(double[] scores, int row, int width) {
        if (width == 1) {
            return scores[row] >= 0.5 ? 1 : 0;
        }
        int first = row * width;
        int best = 0;
        for (int i = 1; i < width; i++) {
            if (scores[first + i] > scores[first + best]) {
                best = i;
            }
        }
        return best;
    }

    /** {@return 1 for each row that is decided rightly, otherwise 0; of shape [rows]} */
    static double[] right(double[] labels, double[] scores) {
        int width = width(labels, scores);
        double[] right = new double[labels.length];
        for (int row = 0; row < right.length; row++) {
            right[row] = of(scores, row, width) == labels[row] ? 1 : 0;
        }
        return right;
    }

    /** {@return the probability of what each row is decided as, of shape [rows]} */
    static double[] confidence(double[] labels, double[] scores) {
        int width = width(labels, scores);
        double[] confidence = new double[labels.length];
        for (int row = 0; row < confidence.length; row++) {
            confidence[row] = scores[row * width + of(scores, row, width)];
        }
        return confidence;
    }
}
