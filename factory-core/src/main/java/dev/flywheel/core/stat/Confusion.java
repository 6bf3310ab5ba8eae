package dev.flywheel.core.stat;

/**
 * How often a binary decision is right and wrong, by class. Immutable. A share whose denominator is 0 is NaN.
 *
 * @param truePositives positive rows decided as positive
 * @param falsePositives negative rows decided as positive
 * @param trueNegatives negative rows decided as negative
 * @param falseNegatives positive rows decided as negative
 */
public record Confusion(long truePositives, long falsePositives, long trueNegatives, long falseNegatives) {

    /**
     * {@return the counts when every score from {@code threshold} on is decided as positive}
     *
     * @throws IllegalArgumentException if the arrays are empty, differ in length, or hold a label other than 0 or 1
     */
    public static Confusion of(double[] labels, double[] scores, double threshold) {
        Inputs.checkBinary(labels, scores);
        long[] counts = new long[4];
        for (int i = 0; i < labels.length; i++) {
            counts[(scores[i] >= threshold ? 2 : 0) + (int) labels[i]]++;
        }
        return new Confusion(counts[3], counts[2], counts[0], counts[1]);
    }

    /** {@return the number of rows} */
    public long rows() {
        return truePositives + falsePositives + trueNegatives + falseNegatives;
    }

    /** {@return the share of rows decided rightly} */
    public double accuracy() {
        return (double) (truePositives + trueNegatives) / rows();
    }

    /** {@return the share of rows decided as positive that are positive} */
    public double precision() {
        return (double) truePositives / (truePositives + falsePositives);
    }

    /** {@return the share of positive rows decided as positive} */
    public double recall() {
        return (double) truePositives / (truePositives + falseNegatives);
    }

    /** {@return the share of negative rows decided as negative} */
    public double specificity() {
        return (double) trueNegatives / (trueNegatives + falsePositives);
    }

    /** {@return the harmonic mean of precision and recall} */
    public double f1() {
        return 2.0 * truePositives / (2 * truePositives + falsePositives + falseNegatives);
    }

    /** {@return the correlation between decision and label (Matthews 1975), from -1 to 1} */
    public double matthews() {
        double product = Math.sqrt((double) (truePositives + falsePositives) * (truePositives + falseNegatives))
                * Math.sqrt((double) (trueNegatives + falsePositives) * (trueNegatives + falseNegatives));
        return ((double) truePositives * trueNegatives - (double) falsePositives * falseNegatives) / product;
    }

    /** {@return how far the agreement of decision and label is above chance (Cohen 1960), up to 1} */
    public double kappa() {
        double rows = rows();
        double chance = ((truePositives + falsePositives) / rows) * ((truePositives + falseNegatives) / rows)
                + ((trueNegatives + falseNegatives) / rows) * ((trueNegatives + falsePositives) / rows);
        return (accuracy() - chance) / (1 - chance);
    }
}
