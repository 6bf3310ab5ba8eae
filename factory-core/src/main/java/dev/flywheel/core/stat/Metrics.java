package dev.flywheel.core.stat;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Metrics of predictions against outcomes, each with a 95% confidence interval. Labels, of shape [rows], are 0 or 1 for
 * {@link Task#BINARY}, the number of the class from 0 on for {@link Task#MULTICLASS} and in the target's unit for
 * {@link Task#REGRESSION}; scores are probabilities or predictions in the same unit, of shape [rows], and for
 * MULTICLASS of shape [rows, classes], row-major: so many scores a label are what tells the classes. Every method is
 * deterministic, takes O(n log n) and leaves its arguments as they are. Thread-safe.
 *
 * <p>A metric that these rows cannot tell (an AUC of one class, an R squared of labels that do not vary) is not an
 * error: its estimate is NaN throughout and its method says why, as {@code undefined: one class}. An interval that one
 * row cannot give is NaN around a known value.
 *
 * <p>Intervals: DeLong on the logit scale for ROC AUC; Wilson for accuracy; the normal approximation for the means (log
 * loss, Brier, MAE; RMSE through the delta method); the normal approximation with a bootstrapped standard error (200
 * Poisson resamples, fixed seed, at least 50 above 400,000 rows) for PR AUC, F1, macro F1, calibration error and R
 * squared. Where the rows leave nothing to vary, as those of a perfect model do, it is Newcombe's interval for ROC AUC,
 * and for the bootstrapped ones Wilson's of as many right decisions as the rarest class has rows; two different models
 * between which nothing varies are as far apart as Agresti and Min's interval says of as many rows that both decide
 * alike. The calibration error of few rows is biased upwards, because noise in a bin counts as error whatever its sign;
 * below some thousand rows its interval is about the biased value.
 */
public final class Metrics {

    /** How far the probabilities of a row's classes may be from 1 in sum; those of a graph are floats. */
    public static final double PROBABILITY_SUM = 1e-3;

    private Metrics() {}

    /**
     * {@return the metric of these rows}
     *
     * @throws IllegalArgumentException if the arrays are empty or differ in length, a value is not finite, a label of a
     *     binary metric is not 0 or 1 and one of several classes not the number of one, or a score of a metric of
     *     probabilities is outside 0 to 1 or those of the classes do not sum to 1
     */
    public static Estimate estimate(Metric metric, double[] labels, double[] scores) {
        Inputs.check(metric, labels, scores);
        String reason = undefined(metric, labels, scores);
        if (!reason.isEmpty()) {
            return undefined(reason);
        }
        return switch (metric) {
            case ROC_AUC -> Auc.estimate(labels, scores);
            case LOG_LOSS, BRIER, RMSE, MAE -> Means.estimate(metric, labels, scores);
            case ACCURACY -> accuracy(labels, scores);
            case PR_AUC, F1, MACRO_F1, ECE, R2 -> Resampled.estimate(metric, labels, scores);
        };
    }

    /**
     * {@return every metric of a task for these rows, the most telling first}
     *
     * @throws IllegalArgumentException as {@link #estimate}
     */
    public static Map<Metric, Estimate> all(Task task, double[] labels, double[] scores) {
        Map<Metric, Estimate> all = new LinkedHashMap<>();
        for (Metric metric : Metric.of(task)) {
            all.put(metric, estimate(metric, labels, scores));
        }
        return Collections.unmodifiableMap(all);
    }

    /**
     * {@return metric(a) - metric(b) of two score vectors on the same rows} The interval is that of the difference
     * itself (paired by row), so it is far narrower than the two estimates suggest when the models resemble each other:
     * DeLong for ROC AUC, Agresti-Min for accuracy, the normal approximation of row by row differences for the other
     * means, a paired bootstrap for the rest. The sign is not turned: a negative difference of a loss is an improvement
     * (see {@link Metric#oriented}).
     *
     * @throws IllegalArgumentException as {@link #estimate}
     */
    public static Estimate difference(Metric metric, double[] labels, double[] a, double[] b) {
        Inputs.check(metric, labels, a);
        Inputs.check(metric, labels, b);
        String reason = firstNonEmpty(undefined(metric, labels, a), undefined(metric, labels, b));
        if (!reason.isEmpty()) {
            return undefined(reason);
        }
        return switch (metric) {
            case ROC_AUC -> Auc.difference(labels, a, b);
            case LOG_LOSS, BRIER, RMSE, MAE -> Means.difference(metric, labels, a, b);
            case ACCURACY -> Means.accuracyDifference(labels, a, b);
            case PR_AUC, F1, MACRO_F1, ECE, R2 -> Resampled.difference(metric, labels, a, b);
        };
    }

    private static Estimate accuracy(double[] labels, double[] scores) {
        double[] right = Decisions.right(labels, scores);
        return Proportion.wilson((long) Arrays.stream(right).sum(), labels.length);
    }

    private static Estimate undefined(String reason) {
        return new Estimate(Double.NaN, Double.NaN, Double.NaN, "undefined: " + reason);
    }

    /** {@return why the metric has no value on these rows; empty if it has one} */
    private static String undefined(Metric metric, double[] labels, double[] scores) {
        return switch (metric) {
            case ROC_AUC, PR_AUC -> {
                int positives = Inputs.positives(labels);
                yield positives == 0 || positives == labels.length ? "one class" : "";
            }
            case F1 ->
                Inputs.positives(labels) == 0 && Arrays.stream(scores).noneMatch(score -> score >= 0.5)
                        ? "no positive row and none predicted"
                        : "";
            case R2 -> Arrays.stream(labels).allMatch(label -> label == labels[0]) ? "the labels do not vary" : "";
            default -> "";
        };
    }

    private static String firstNonEmpty(String first, String second) {
        return first.isEmpty() ? second : first;
    }
}
