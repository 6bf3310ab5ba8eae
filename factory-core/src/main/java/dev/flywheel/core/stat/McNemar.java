package dev.flywheel.core.stat;

import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;

/**
 * Which rows two models decide rightly, as {@link Metric#ACCURACY} says it, counted in pairs, with McNemar's test
 * (1947) of whether one of them is right more often. Immutable.
 *
 * @param bothRight rows that both decide rightly
 * @param onlyFirst rows that only the first decides rightly
 * @param onlySecond rows that only the second decides rightly
 * @param bothWrong rows that both decide wrongly
 */
public record McNemar(long bothRight, long onlyFirst, long onlySecond, long bothWrong) {

    /** @throws IllegalArgumentException if a count is negative */
    public McNemar {
        if (bothRight < 0 || onlyFirst < 0 || onlySecond < 0 || bothWrong < 0) {
            throw new IllegalArgumentException("counts cannot be negative, found " + bothRight + ", " + onlyFirst + ", "
                    + onlySecond + ", " + bothWrong);
        }
    }

    /**
     * {@return the counts of two score vectors over the same rows}
     *
     * @throws IllegalArgumentException if the lengths differ or a value is not as {@link Metric#ACCURACY} needs it
     */
    public static McNemar of(double[] labels, double[] first, double[] second) {
        Inputs.check(Metric.ACCURACY, labels, first);
        Inputs.check(Metric.ACCURACY, labels, second);
        long[] counts = new long[4];
        double[] firstRight = Decisions.right(labels, first);
        double[] secondRight = Decisions.right(labels, second);
        for (int i = 0; i < labels.length; i++) {
            counts[(firstRight[i] == 1 ? 0 : 2) + (secondRight[i] == 1 ? 0 : 1)]++;
        }
        return new McNemar(counts[0], counts[1], counts[2], counts[3]);
    }

    /** {@return the two-sided p-value of the exact (binomial) test; 1 if the models never disagree} */
    public double exactP() {
        int discordant = Math.toIntExact(onlyFirst + onlySecond);
        if (discordant == 0) {
            return 1;
        }
        int fewer = (int) Math.min(onlyFirst, onlySecond);
        return Math.min(1, 2 * BinomialDistribution.of(discordant, 0.5).cumulativeProbability(fewer));
    }

    /** {@return the test's chi-square statistic with one degree of freedom; 0 if the models never disagree} */
    public double chiSquare() {
        double difference = onlyFirst - onlySecond;
        return onlyFirst + onlySecond == 0 ? 0 : difference * difference / (onlyFirst + onlySecond);
    }

    /** {@return the p-value of {@link #chiSquare}, good from about 25 disagreements on} */
    public double chiSquareP() {
        return ChiSquaredDistribution.of(1).survivalProbability(chiSquare());
    }

    /** {@return the statistic with Edwards' correction (1948), which brings it nearer to the exact test} */
    public double correctedChiSquare() {
        double difference = Math.max(0, Math.abs(onlyFirst - onlySecond) - 1.0);
        return onlyFirst + onlySecond == 0 ? 0 : difference * difference / (onlyFirst + onlySecond);
    }

    /** {@return the p-value of {@link #correctedChiSquare}} */
    public double correctedChiSquareP() {
        return ChiSquaredDistribution.of(1).survivalProbability(correctedChiSquare());
    }
}
