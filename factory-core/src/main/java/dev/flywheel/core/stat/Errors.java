package dev.flywheel.core.stat;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Errors of a regression that no metric of {@link Metric} shows, each of labels and predictions of shape [rows], finite
 * and in the same unit. Thread-safe.
 */
public final class Errors {

    private Errors() {}

    /**
     * {@return the mean of |prediction - label| / |label|, as a share} Labels of 0 count as the smallest number above
     * it, as scikit-learn does: one of them makes it meaningless.
     *
     * @throws IllegalArgumentException if the arrays are empty, differ in length, or a value is not finite
     */
    public static double meanPercentage(double[] labels, double[] predictions) {
        double[] errors = absolute(labels, predictions);
        return Means.mean(IntStream.range(0, errors.length)
                .mapToDouble(i -> errors[i] / Math.max(Math.ulp(1.0), Math.abs(labels[i])))
                .toArray());
    }

    /**
     * {@return the median of |prediction - label|, which a few wild rows do not move}
     *
     * @throws IllegalArgumentException as {@link #meanPercentage} throws it
     */
    public static double median(double[] labels, double[] predictions) {
        double[] errors = absolute(labels, predictions);
        Arrays.sort(errors);
        return (errors[(errors.length - 1) / 2] + errors[errors.length / 2]) / 2;
    }

    /**
     * {@return the largest |prediction - label|}
     *
     * @throws IllegalArgumentException as {@link #meanPercentage} throws it
     */
    public static double largest(double[] labels, double[] predictions) {
        return Arrays.stream(absolute(labels, predictions)).max().orElseThrow();
    }

    /**
     * {@return the mean pinball loss, which the quantile itself makes smallest (Koenker and Bassett 1978)}
     *
     * @param quantile that is predicted, 0 to 1
     * @throws IllegalArgumentException as {@link #meanPercentage} throws it, or if the quantile is not within 0 to 1
     */
    public static double pinball(double[] labels, double[] predictions, double quantile) {
        if (!(quantile >= 0 && quantile <= 1)) {
            throw new IllegalArgumentException("a quantile is within 0 to 1, found " + quantile);
        }
        double[] errors = absolute(labels, predictions);
        return Means.mean(IntStream.range(0, errors.length)
                .mapToDouble(i -> errors[i] * (predictions[i] < labels[i] ? quantile : 1 - quantile))
                .toArray());
    }

    private static double[] absolute(double[] labels, double[] predictions) {
        Inputs.check(Metric.MAE, labels, predictions);
        return IntStream.range(0, labels.length)
                .mapToDouble(i -> Math.abs(predictions[i] - labels[i]))
                .toArray();
    }
}
