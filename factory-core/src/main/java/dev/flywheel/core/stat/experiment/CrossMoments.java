package dev.flywheel.core.stat.experiment;

/**
 * Count, means, spreads and common spread of pairs of numbers seen one by one, in constant memory: a metric with its
 * covariate, or a numerator with its denominator. Immutable; merges in any order.
 *
 * @param n how many pairs
 * @param meanX the mean of the first numbers; 0 if there are none
 * @param meanY the mean of the second numbers; 0 if there are none
 * @param m2X the sum of the squared distances of the first from their mean
 * @param m2Y the same of the second
 * @param cXY the sum of the products of both distances
 */
public record CrossMoments(long n, double meanX, double meanY, double m2X, double m2Y, double cXY) {

    /** Of no pairs. */
    public static final CrossMoments NONE = new CrossMoments(0, 0, 0, 0, 0, 0);

    /** @throws IllegalArgumentException if these are no moments of any pairs */
    public CrossMoments {
        if (n < 0 || !(m2X >= 0) || !(m2Y >= 0)) {
            throw new IllegalArgumentException(
                    "moments need n, m2X and m2Y of at least 0, found n " + n + ", m2X " + m2X + " and m2Y " + m2Y);
        }
    }

    /** {@return the moments with one more pair; both must be finite} */
    public CrossMoments plus(double x, double y) {
        double distanceX = x - meanX;
        double distanceY = y - meanY;
        double nextX = meanX + distanceX / (n + 1);
        double nextY = meanY + distanceY / (n + 1);
        return new CrossMoments(
                n + 1,
                nextX,
                nextY,
                m2X + distanceX * (x - nextX),
                m2Y + distanceY * (y - nextY),
                cXY + distanceX * (y - nextY));
    }

    /** {@return the moments of the pairs of both} */
    public CrossMoments merge(CrossMoments other) {
        if (n == 0 || other.n == 0) {
            return n == 0 ? other : this;
        }
        double all = (double) n + other.n;
        double share = other.n / all;
        double distanceX = other.meanX - meanX;
        double distanceY = other.meanY - meanY;
        return new CrossMoments(
                n + other.n,
                meanX + distanceX * share,
                meanY + distanceY * share,
                m2X + other.m2X + distanceX * distanceX * n * share,
                m2Y + other.m2Y + distanceY * distanceY * n * share,
                cXY + other.cXY + distanceX * distanceY * n * share);
    }

    /** {@return the unbiased variance of the first numbers; NaN of fewer than two pairs} */
    public double varianceX() {
        return n < 2 ? Double.NaN : m2X / (n - 1);
    }

    /** {@return the unbiased variance of the second numbers; NaN of fewer than two pairs} */
    public double varianceY() {
        return n < 2 ? Double.NaN : m2Y / (n - 1);
    }

    /** {@return the unbiased covariance; NaN of fewer than two pairs} */
    public double covariance() {
        return n < 2 ? Double.NaN : cXY / (n - 1);
    }

    /** {@return the moments of the second numbers alone} */
    public Moments y() {
        return new Moments(n, meanY, m2Y);
    }

    /**
     * {@return sum of the first numbers / sum of the second, as a sample of an arm: such as clicks per view, where the
     * pairs belong to visitors, who are what was assigned to the arm} Its variance is that of the delta method (Deng,
     * Knoblich and Lu, KDD 2018), which knows that the views of one visitor are alike.
     */
    public Sample ratio() {
        double ratio = meanX / meanY;
        double variance = varianceX() - 2 * ratio * covariance() + ratio * ratio * varianceY();
        // of numbers in exact proportion it is 0, but for the last digits
        return new Sample(n, ratio, Math.max(0, variance) / (meanY * meanY));
    }
}
