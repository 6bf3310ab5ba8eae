package dev.flywheel.core.stat;

import dev.flywheel.core.model.Estimate;
import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Confidence intervals of a share {@code count / n}, at 95% unless asked for otherwise. Wilson is the one to take: it
 * stays inside 0 to 1 and keeps its coverage with few rows (Brown, Cai and DasGupta 2001). Thread-safe.
 */
public final class Proportion {

    /** The 97.5% quantile of the standard normal distribution. */
    static final double Z = 1.959963984540054;

    private static final double TAIL = 0.025;

    private Proportion() {}

    /** {@return the share with Wilson's score interval (1927)} */
    public static Estimate wilson(long count, long n) {
        return score(share(count, n), (double) n, Z);
    }

    /**
     * {@return a share of rows that count by weight, with Wilson's score interval}
     *
     * @param share 0 to 1
     * @param rows as many of weight 1 as are worth the same, above 0
     * @param confidence the chance that the interval holds the truth, above 0 and below 1
     * @throws IllegalArgumentException if an argument is out of its range
     */
    public static Estimate wilson(double share, double rows, double confidence) {
        boolean valid = share >= 0 && share <= 1 && rows > 0 && confidence > 0 && confidence < 1;
        if (!valid) {
            throw new IllegalArgumentException("an interval needs a share of 0 to 1, rows above 0 and a confidence "
                    + "between 0 and 1, found " + share + ", " + rows + " and " + confidence);
        }
        return score(share, rows, NormalDistribution.of(0, 1).inverseSurvivalProbability((1 - confidence) / 2));
    }

    private static Estimate score(double p, double n, double z) {
        double z2 = z * z;
        double centre = (p * n + z2 / 2) / (n + z2);
        double half = z / (n + z2) * Math.sqrt(n * p * (1 - p) + z2 / 4);
        // The ends are exact at the borders; computed, they are off in the last bit.
        return clipped(p, p == 0 ? 0 : centre - half, p == 1 ? 1 : centre + half, "Wilson");
    }

    /** {@return the share with the textbook normal interval, which is too narrow with few rows} */
    public static Estimate normal(long count, long n) {
        double p = share(count, n);
        double half = Z * Math.sqrt(p * (1 - p) / n);
        return clipped(p, p - half, p + half, "normal");
    }

    /** {@return the share with the interval of Agresti and Coull (1998)} */
    public static Estimate agrestiCoull(long count, long n) {
        double p = share(count, n);
        double rows = n + Z * Z;
        double centre = (count + Z * Z / 2) / rows;
        double half = Z * Math.sqrt(centre * (1 - centre) / rows);
        return clipped(p, centre - half, centre + half, "Agresti-Coull");
    }

    /** {@return the share with the exact interval of Clopper and Pearson (1934), never narrower than 95%} */
    public static Estimate clopperPearson(long count, long n) {
        double p = share(count, n);
        double low = count == 0 ? 0 : quantile((double) count, n - count + 1.0, TAIL);
        double high = count == n ? 1 : quantile(count + 1.0, (double) (n - count), 1 - TAIL);
        return new Estimate(p, low, high, "Clopper-Pearson");
    }

    /** {@return the share with the equal-tailed interval of the posterior under Jeffreys' prior} */
    public static Estimate jeffreys(long count, long n) {
        double p = share(count, n);
        return new Estimate(
                p,
                quantile(count + 0.5, n - count + 0.5, TAIL),
                quantile(count + 0.5, n - count + 0.5, 1 - TAIL),
                "Jeffreys");
    }

    /**
     * {@return the exact one-sided upper limit of the share, after Clopper and Pearson}
     *
     * @param confidence such as 0.95
     */
    public static double upperBound(long count, long n, double confidence) {
        return share(count, n) == 1 ? 1 : quantile(count + 1.0, (double) (n - count), confidence);
    }

    private static double share(long count, long n) {
        if (n < 1 || count < 0 || count > n) {
            throw new IllegalArgumentException(
                    "a share needs 0 <= count <= n and n >= 1, found count " + count + " and n " + n);
        }
        return (double) count / n;
    }

    private static double quantile(double a, double b, double p) {
        return BetaDistribution.of(a, b).inverseCumulativeProbability(p);
    }

    private static Estimate clipped(double value, double low, double high, String method) {
        return new Estimate(value, Math.max(0, low), Math.min(1, high), method);
    }
}
