package dev.flywheel.core.stat.experiment;

/**
 * What one arm says of a metric: an estimate and how much it can be trusted. Immutable. Made by {@link Moments#sample},
 * {@link CrossMoments#ratio}, {@link Cuped} or {@link #proportion}.
 *
 * @param n how many units it rests on
 * @param mean the estimate
 * @param variance of one unit; that of the estimate is an {@code n}-th of it. NaN if it is not known
 */
public record Sample(long n, double mean, double variance) {

    /**
     * {@return the share of successes, with the variance p (1 - p)}
     *
     * @throws IllegalArgumentException unless {@code 0 <= successes <= n} and {@code n >= 1}
     */
    public static Sample proportion(long successes, long n) {
        if (n < 1 || successes < 0 || successes > n) {
            throw new IllegalArgumentException(
                    "a proportion needs 0 <= successes <= n and n >= 1, found " + successes + " successes of " + n);
        }
        double p = (double) successes / n;
        return new Sample(n, p, p * (1 - p));
    }

    /** {@return the root of the estimate, by the delta method: of a mean squared error in the metric's own unit} */
    public Sample root() {
        return mean > 0 ? new Sample(n, Math.sqrt(mean), variance / (4 * mean)) : this;
    }

    double squaredError() {
        return variance / n;
    }
}
