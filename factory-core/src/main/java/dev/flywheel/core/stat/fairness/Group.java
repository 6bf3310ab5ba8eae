package dev.flywheel.core.stat.fairness;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.core.stat.Proportion;

/** How a model decides for the rows of one group. Immutable. */
public final class Group {

    private final String name;
    private final double[] labels;
    private final double[] scores;
    private final double[] counts = new double[4];
    private final double[] weights = new double[4];
    private final double[] squares = new double[4];

    Group(String name, double[] labels, double[] scores, double threshold, double[] weightOf) {
        this.name = name;
        this.labels = labels;
        this.scores = scores;
        for (int i = 0; i < labels.length; i++) {
            int cell = (scores[i] >= threshold ? 2 : 0) + (int) labels[i];
            counts[cell]++;
            weights[cell] += weightOf[i];
            squares[cell] += weightOf[i] * weightOf[i];
        }
    }

    /** {@return the value of the attribute that its rows have in common} */
    public String name() {
        return name;
    }

    /** {@return the number of rows} */
    public long rows() {
        return labels.length;
    }

    /** {@return the number of rows that a rate is a share of: of the true positive rate, the positive ones} */
    public long rows(Rate rate) {
        return (long) sum(counts, rate.of());
    }

    /**
     * {@return the rate with Wilson's 95% interval; NaN if there is nothing to take a share of} Of weighted rows, the
     * interval is that of as many rows as are worth the same (Kish 1965): the square of the sum of the weights by the
     * sum of their squares.
     */
    public Estimate rate(Rate rate) {
        return rate(rate, 0.95);
    }

    Estimate rate(Rate rate, double confidence) {
        double all = sum(weights, rate.of());
        if (!(all > 0)) {
            return new Estimate(Double.NaN, Double.NaN, Double.NaN, "undefined: no row to take a share of");
        }
        double worth = all * all / sum(squares, rate.of());
        return Proportion.wilson(sum(weights, rate.hits()) / all, worth, confidence);
    }

    /** {@return the area under the ROC curve within the group, without weights; NaN if it is of one class} */
    public Estimate auc() {
        return Metrics.estimate(Metric.ROC_AUC, labels, scores);
    }

    private static double sum(double[] values, int cells) {
        double sum = 0;
        for (int cell = 0; cell < values.length; cell++) {
            sum += (cells >> cell & 1) * values[cell];
        }
        return sum;
    }
}
