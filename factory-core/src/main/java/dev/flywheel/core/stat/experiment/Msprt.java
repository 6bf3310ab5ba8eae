package dev.flywheel.core.stat.experiment;

/**
 * The mixture sequential probability ratio test of two streams of normal numbers with known variance (Johari, Koomen,
 * Pekelis and Walsh, KDD 2017). Immutable.
 *
 * @param variance of one number, above 0
 * @param mixture the variance of the effects one expects: their squared usual size; above 0
 */
public record Msprt(double variance, double mixture) {

    /** @throws IllegalArgumentException unless both are above 0 and finite */
    public Msprt {
        if (!(variance > 0 && mixture > 0 && variance + mixture < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "an mSPRT needs variances above 0, found variance " + variance + " and mixture " + mixture);
        }
    }

    /**
     * {@return the logarithm of the likelihood ratio of some difference over none}
     *
     * @param perArm how many numbers each stream has had
     * @param difference between the means of the streams
     */
    public double logLikelihoodRatio(long perArm, double difference) {
        double both = 2 * variance + perArm * mixture;
        return 0.5 * Math.log(2 * variance / both)
                + (double) perArm * perArm * mixture * difference * difference / (4 * variance * both);
    }

    /** {@return the p-value as of now; the least one of all looks so far is valid at any time} */
    public double p(long perArm, double difference) {
        return Math.min(1, Math.exp(-logLikelihoodRatio(perArm, difference)));
    }
}
