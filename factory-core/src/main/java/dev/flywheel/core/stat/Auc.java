package dev.flywheel.core.stat;

import dev.flywheel.core.model.Estimate;
import java.util.Arrays;

/**
 * Area under the ROC curve as the Mann-Whitney statistic, with the variance of DeLong, DeLong and Clarke-Pearson (1988)
 * from midranks in O(n log n) (Sun and Xu, IEEE Signal Processing Letters 21, 2014).
 */
final class Auc {

    private Auc() {}

    /**
     * {@return the area with a 95% interval, symmetric on the logit scale so that it stays inside 0 to 1 (Qin and
     * Hotilovac, Statistical Methods in Medical Research 17, 2008)}
     */
    static Estimate estimate(double[] labels, double[] scores) {
        Placements placements = Placements.of(labels, scores);
        double area = placements.area();
        double error = Math.sqrt(placements.variance());
        // Perfect separation, and a class of one row, leave DeLong without a variance.
        if (!(error > 0) || area <= 0 || area >= 1) {
            return newcombe(area, placements.positives, placements.negatives);
        }
        double logit = Math.log(area / (1 - area));
        double half = Proportion.Z * error / (area * (1 - area));
        return new Estimate(area, logistic(logit - half), logistic(logit + half), "DeLong");
    }

    /** {@return area(a) - area(b) on the same rows with DeLong's paired interval} */
    static Estimate difference(double[] labels, double[] a, double[] b) {
        Placements first = Placements.of(labels, a);
        Placements second = Placements.of(labels, b);
        double error = Math.sqrt(first.minus(second).variance());
        double value = first.area() - second.area();
        // Two models that both separate a few rows perfectly would be proven equal.
        boolean unproven = error == 0 && !Arrays.equals(a, b);
        double half = Proportion.Z * (unproven ? 1 / (Math.min(first.positives, first.negatives) + 2.0) : error);
        return new Estimate(value, value - half, value + half, unproven ? "Agresti-Min" : "paired DeLong");
    }

    /** The score interval of Newcombe (Statistics in Medicine 25, 2006), method 5. */
    private static Estimate newcombe(double area, int positives, int negatives) {
        return new Estimate(
                area,
                area <= 0 ? 0 : newcombeEnd(area, 0, positives, negatives),
                area >= 1 ? 1 : newcombeEnd(area, 1, positives, negatives),
                "Newcombe");
    }

    private static double newcombeEnd(double area, double border, double positives, double negatives) {
        double inside = area;
        double outside = border;
        double others = (positives + negatives) / 2 - 1;
        for (int i = 0; i < 60; i++) {
            double theta = (inside + outside) / 2;
            double variance = theta
                    * (1 - theta)
                    * (1 + others * (1 - theta) / (2 - theta) + others * theta / (1 + theta))
                    / (positives * negatives);
            if (Math.abs(area - theta) <= Proportion.Z * Math.sqrt(variance)) {
                inside = theta;
            } else {
                outside = theta;
            }
        }
        return (inside + outside) / 2;
    }

    private static double logistic(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** For each row the share of the rows of the other class that it is on the right side of; ties count half. */
    private static final class Placements {

        final double[] labels;
        final double[] values;
        final int positives;
        final int negatives;

        private Placements(double[] labels, double[] values, int positives) {
            this.labels = labels;
            this.values = values;
            this.positives = positives;
            this.negatives = labels.length - positives;
        }

        static Placements of(double[] labels, double[] scores) {
            int[] order = Ranking.ascending(scores);
            int positives = Inputs.positives(labels);
            int negatives = labels.length - positives;
            double[] values = new double[labels.length];
            int positivesBelow = 0;
            for (int start = 0; start < order.length; ) {
                int end = start;
                int tiedPositives = 0;
                while (end < order.length && scores[order[end]] == scores[order[start]]) {
                    tiedPositives += (int) labels[order[end++]];
                }
                int tiedNegatives = end - start - tiedPositives;
                int negativesBelow = start - positivesBelow;
                double ofPositive = (negativesBelow + tiedNegatives / 2.0) / negatives;
                double ofNegative = 1 - (positivesBelow + tiedPositives / 2.0) / positives;
                for (int i = start; i < end; i++) {
                    values[order[i]] = labels[order[i]] == 1 ? ofPositive : ofNegative;
                }
                positivesBelow += tiedPositives;
                start = end;
            }
            return new Placements(labels, values, positives);
        }

        Placements minus(Placements other) {
            double[] difference = new double[values.length];
            for (int i = 0; i < difference.length; i++) {
                difference[i] = values[i] - other.values[i];
            }
            return new Placements(labels, difference, positives);
        }

        double area() {
            return mean(1);
        }

        double variance() {
            return varianceOfClass(1) / positives + varianceOfClass(0) / negatives;
        }

        private double mean(double label) {
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                sum += labels[i] == label ? values[i] : 0;
            }
            return sum / (label == 1 ? positives : negatives);
        }

        private double varianceOfClass(double label) {
            double mean = mean(label);
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                double deviation = labels[i] == label ? values[i] - mean : 0;
                sum += deviation * deviation;
            }
            return sum / ((label == 1 ? positives : negatives) - 1.0);
        }
    }
}
