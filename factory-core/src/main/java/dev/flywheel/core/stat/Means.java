package dev.flywheel.core.stat;

import dev.flywheel.core.model.Estimate;
import java.util.Arrays;

/** Metrics that are a mean over rows, or the root of one: normal intervals, paired by row for a difference. */
final class Means {

    // As scikit-learn clips (eps of log_loss before its version 1.3): a certain but wrong row costs 34.5 nats.
    private static final double EPSILON = 1e-15;

    private Means() {}

    static Estimate estimate(Metric metric, double[] labels, double[] scores) {
        double[] losses = losses(metric, labels, scores);
        double mean = mean(losses);
        double error = standardError(losses, mean);
        if (metric != Metric.RMSE) {
            return interval(mean, error, "normal");
        }
        double root = Math.sqrt(mean);
        return interval(root, root == 0 ? 0 : error / (2 * root), "normal, delta method");
    }

    static Estimate difference(Metric metric, double[] labels, double[] a, double[] b) {
        double[] first = losses(metric, labels, a);
        double[] second = losses(metric, labels, b);
        double meanFirst = mean(first);
        double meanSecond = mean(second);
        boolean root = metric == Metric.RMSE;
        double value = root ? Math.sqrt(meanFirst) - Math.sqrt(meanSecond) : meanFirst - meanSecond;
        double slopeFirst = slope(root, meanFirst);
        double slopeSecond = slope(root, meanSecond);
        double[] influence = new double[labels.length];
        for (int i = 0; i < influence.length; i++) {
            influence[i] = slopeFirst * first[i] - slopeSecond * second[i];
        }
        double half = Proportion.Z * standardError(influence, mean(influence));
        return new Estimate(value, value - half, value + half, root ? "paired normal, delta method" : "paired normal");
    }

    /**
     * {@return accuracy(a) - accuracy(b)} The interval is that of Agresti and Min (Statistics in Medicine 24, 2005).
     */
    static Estimate accuracyDifference(double[] labels, double[] a, double[] b) {
        McNemar table = McNemar.of(labels, a, b);
        double n = labels.length;
        double value = (table.onlyFirst() - table.onlySecond()) / n;
        // Half a row more in each cell: without it, two models that agree on a few rows would be proven equal.
        double first = (table.onlyFirst() + 0.5) / (n + 2);
        double second = (table.onlySecond() + 0.5) / (n + 2);
        double difference = first - second;
        double half = Proportion.Z * Math.sqrt((first + second - difference * difference) / (n + 2));
        return new Estimate(
                value, Math.min(value, difference - half), Math.max(value, difference + half), "Agresti-Min");
    }

    private static double slope(boolean root, double mean) {
        if (!root) {
            return 1;
        }
        return mean == 0 ? 0 : 1 / (2 * Math.sqrt(mean));
    }

    private static double[] losses(Metric metric, double[] labels, double[] scores) {
        double[] losses = new double[labels.length];
        int classes = Decisions.width(labels, scores);
        for (int i = 0; i < losses.length; i++) {
            losses[i] = classes == 1
                    ? loss(metric, labels[i], scores[i])
                    : loss(metric, (int) labels[i], scores, i * classes, classes);
        }
        return losses;
    }

    /** The loss of a row whose scores of the classes begin at {@code from}. */
    private static double loss(Metric metric, int label, double[] scores, int from, int classes) {
        if (metric == Metric.LOG_LOSS) {
            return loss(metric, 1, scores[from + label]);
        }
        double sum = 0;
        for (int i = 0; i < classes; i++) {
            sum += loss(metric, i == label ? 1 : 0, scores[from + i]);
        }
        return sum;
    }

    private static double loss(Metric metric, double label, double score) {
        return switch (metric) {
            case LOG_LOSS -> -Math.log(Math.min(1 - EPSILON, Math.max(EPSILON, label == 1 ? score : 1 - score)));
            case BRIER, RMSE -> (score - label) * (score - label);
            case MAE -> Math.abs(score - label);
            default -> throw new IllegalArgumentException(metric + " is no mean over rows");
        };
    }

    static double mean(double[] values) {
        return Arrays.stream(values).sum() / values.length;
    }

    static double standardError(double[] values, double mean) {
        double sum = 0;
        for (double value : values) {
            sum += (value - mean) * (value - mean);
        }
        return Math.sqrt(sum / (values.length - 1.0) / values.length);
    }

    private static Estimate interval(double value, double error, String method) {
        double half = Proportion.Z * error;
        return new Estimate(value, Math.max(0, value - half), value + half, method);
    }
}
