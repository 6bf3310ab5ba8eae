package dev.flywheel.serving.monitor;

/**
 * How a shadow has answered copies of requests, compared with the champion, request by request. Immutable.
 *
 * @param version the number of the version in the shadow
 * @param champion the number of the version that answered the callers
 * @param compared copies that the shadow answered
 * @param failed copies on which the shadow failed
 * @param dropped requests that were not copied, because as many copies as are kept waited for spare capacity: those
 *     that the champion has answered since the shadow began, times the share to be copied, less the copies taken. As
 *     many copies as were taken, but neither compared nor failed, wait, or waited when the shadow ended
 * @param billionths the difference of each answer compared: the largest of the distances between its numbers, in units
 *     of 1e-9; {@link Long#MAX_VALUE} where a number is missing on one side alone, or a text differs
 * @param meanShift the mean of the shadow's first number less the champion's, where both are finite; 0 before any
 * @param championNanos how long the champion's runs took that answered these requests, in nanoseconds
 * @param shadowNanos how long the shadow's runs took, one row each, in nanoseconds
 */
public record ShadowReport(
        int version,
        int champion,
        long compared,
        long failed,
        long dropped,
        Histogram billionths,
        double meanShift,
        Histogram championNanos,
        Histogram shadowNanos) {

    /** Differences are counted in these. */
    private static final double UNIT = 1e-9;

    /**
     * {@return the share of the compared answers that differ by at most so much, within 6% of the tolerance; NaN before
     * the first}
     *
     * @param tolerance a distance between numbers, at least 0
     */
    public double agreement(double tolerance) {
        if (!(tolerance >= 0)) {
            throw new IllegalArgumentException("a tolerance must be at least 0, found " + tolerance);
        }
        return billionths.shareUpTo(units(tolerance));
    }

    /**
     * {@return the difference that this share of the compared answers did not exceed, within 6%; 0 before the first}
     *
     * @param share 0 to 1, such as 0.99
     */
    public double difference(double share) {
        return billionths.quantile(share) * UNIT;
    }

    /** {@return a distance in units of 1e-9; one that is not finite, or too large, is the greatest} */
    public static long units(double distance) {
        return Double.isNaN(distance) ? Long.MAX_VALUE : Math.round(distance / UNIT);
    }
}
