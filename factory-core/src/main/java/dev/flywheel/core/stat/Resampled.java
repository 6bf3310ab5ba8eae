package dev.flywheel.core.stat;

import dev.flywheel.core.model.Estimate;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Metrics that are no mean over rows: average precision, F1 and its mean over classes, calibration error, R squared.
 * Intervals by bootstrap; where no resample differs, by the number of rows of the rarest class.
 */
final class Resampled {

    private static final int BINS = 10;

    private Resampled() {}

    static Estimate estimate(Metric metric, double[] labels, double[] scores) {
        ToDoubleFunction<byte[]> statistic = statistic(metric, labels, scores);
        double value = statistic.applyAsDouble(Bootstrap.ones(labels.length));
        double error = Bootstrap.standardError(labels.length, statistic);
        double half = error == 0 ? certain(Inputs.rarest(metric, labels)) : Proportion.Z * error;
        double low = metric == Metric.R2 ? value - half : Math.max(0, value - half);
        return new Estimate(value, low, Math.min(1, value + half), error == 0 ? "Wilson" : "bootstrap");
    }

    /** How far from the truth so many rows may be that are all decided alike. */
    private static double certain(long rows) {
        return 1 - Proportion.wilson(rows, rows).low();
    }

    static Estimate difference(Metric metric, double[] labels, double[] a, double[] b) {
        ToDoubleFunction<byte[]> first = statistic(metric, labels, a);
        ToDoubleFunction<byte[]> second = statistic(metric, labels, b);
        ToDoubleFunction<byte[]> both = weights -> first.applyAsDouble(weights) - second.applyAsDouble(weights);
        double value = both.applyAsDouble(Bootstrap.ones(labels.length));
        double error = Bootstrap.standardError(labels.length, both);
        boolean unproven = error == 0 && !Arrays.equals(a, b);
        double half = Proportion.Z * (unproven ? 1 / (Inputs.rarest(metric, labels) + 2.0) : error);
        return new Estimate(value, value - half, value + half, unproven ? "Agresti-Min" : "paired bootstrap");
    }

    private static ToDoubleFunction<byte[]> statistic(Metric metric, double[] labels, double[] scores) {
        return switch (metric) {
            case PR_AUC -> averagePrecision(labels, scores);
            case F1 -> f1(labels, scores);
            case MACRO_F1 -> macroF1(labels, scores);
            case ECE -> calibrationError(labels, scores);
            case R2 -> weights -> determination(labels, scores, weights);
            default -> throw new IllegalArgumentException(metric + " has a closed form");
        };
    }

    private static ToDoubleFunction<byte[]> averagePrecision(double[] labels, double[] scores) {
        int[] order = Ranking.ascending(scores);
        int n = order.length;
        boolean[] positive = new boolean[n];
        boolean[] endsTie = new boolean[n];
        for (int i = 0; i < n; i++) {
            positive[i] = labels[order[i]] == 1;
            endsTie[i] = i == 0 || scores[order[i]] != scores[order[i - 1]];
        }
        return weights -> averagePrecision(order, positive, endsTie, weights);
    }

    /** Walks from the highest score down; precision counts at the end of each group of equal scores. */
    private static double averagePrecision(int[] order, boolean[] positive, boolean[] endsTie, byte[] weights) {
        double area = 0;
        long hits = 0;
        long rows = 0;
        long before = 0;
        for (int i = order.length - 1; i >= 0; i--) {
            int weight = weights[order[i]];
            rows += weight;
            hits += positive[i] ? weight : 0;
            if (endsTie[i] && hits > before) {
                area += (double) (hits - before) * hits / rows;
                before = hits;
            }
        }
        return area / hits;
    }

    private static ToDoubleFunction<byte[]> f1(double[] labels, double[] scores) {
        byte[] kinds = new byte[labels.length];
        for (int i = 0; i < kinds.length; i++) {
            int right = labels[i] == 1 ? 2 : 0;
            kinds[i] = (byte) (scores[i] >= 0.5 == (labels[i] == 1) ? right : 1);
        }
        return weights -> {
            long[] sums = new long[3];
            for (int i = 0; i < kinds.length; i++) {
                sums[kinds[i]] += weights[i];
            }
            return 2.0 * sums[2] / (2 * sums[2] + sums[1]);
        };
    }

    private static ToDoubleFunction<byte[]> macroF1(double[] labels, double[] scores) {
        int classes = Decisions.width(labels, scores);
        int[] decided = new int[labels.length];
        Arrays.setAll(decided, row -> Decisions.of(scores, row, classes));
        return weights -> {
            long[] right = new long[classes];
            long[] rows = new long[classes];
            for (int i = 0; i < decided.length; i++) {
                int label = (int) labels[i];
                right[label] += decided[i] == label ? weights[i] : 0;
                rows[label] += weights[i];
                rows[decided[i]] += weights[i];
            }
            return IntStream.range(0, classes)
                    .filter(c -> rows[c] > 0)
                    .mapToDouble(c -> 2.0 * right[c] / rows[c])
                    .average()
                    .orElse(Double.NaN);
        };
    }

    private static ToDoubleFunction<byte[]> calibrationError(double[] labels, double[] scores) {
        if (Decisions.width(labels, scores) == 1) {
            return weights -> calibrationError(labels, scores, weights);
        }
        double[] right = Decisions.right(labels, scores);
        double[] confidence = Decisions.confidence(labels, scores);
        return weights -> calibrationError(right, confidence, weights);
    }

    private static double calibrationError(double[] labels, double[] scores, byte[] weights) {
        double[] gaps = new double[BINS];
        long rows = 0;
        for (int i = 0; i < labels.length; i++) {
            gaps[Math.min(BINS - 1, (int) (scores[i] * BINS))] += weights[i] * (scores[i] - labels[i]);
            rows += weights[i];
        }
        double sum = 0;
        for (double gap : gaps) {
            sum += Math.abs(gap);
        }
        return sum / rows;
    }

    private static double determination(double[] labels, double[] scores, byte[] weights) {
        double rows = 0;
        double sum = 0;
        for (int i = 0; i < labels.length; i++) {
            rows += weights[i];
            sum += weights[i] * labels[i];
        }
        double mean = sum / rows;
        double residual = 0;
        double total = 0;
        for (int i = 0; i < labels.length; i++) {
            residual += weights[i] * (labels[i] - scores[i]) * (labels[i] - scores[i]);
            total += weights[i] * (labels[i] - mean) * (labels[i] - mean);
        }
        return total == 0 ? Double.NaN : 1 - residual / total;
    }
}
