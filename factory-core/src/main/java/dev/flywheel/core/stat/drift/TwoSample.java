package dev.flywheel.core.stat.drift;

import java.util.Arrays;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Tests of whether two samples of numbers come from the same distribution, and how far apart they are. Samples hold at
 * least one number and no NaN. Thread-safe.
 */
public final class TwoSample {

    private static final double STEP_SLACK = 1e-9;

    /** Which change a Kolmogorov-Smirnov test looks for. */
    public enum Side {
        /** Any. */
        EITHER,
        /** The first sample's distribution function exceeds the second's: the first tends to be smaller. */
        FIRST_SMALLER,
        /** The second sample's distribution function exceeds the first's: the first tends to be greater. */
        FIRST_GREATER
    }

    private TwoSample() {}

    /**
     * {@return the Kolmogorov-Smirnov test with the exact distribution of the statistic, by counting lattice paths
     * (Hodges 1958); with ties its p-value is too large. Takes n m steps}
     */
    public static TestResult kolmogorovSmirnovExact(double[] first, double[] second, Side side) {
        double statistic = statistic(first, second, side);
        int n = first.length;
        int m = second.length;
        double common = (double) n / Kolmogorov.gcd(n, m) * m;
        long steps = Math.round(statistic * common - STEP_SLACK);
        Kolmogorov.Sides sides = side == Side.EITHER ? Kolmogorov.Sides.BOTH : Kolmogorov.Sides.ONE;
        double p = steps == 0 ? 1 : Kolmogorov.pathsOutside(n, m, steps, sides);
        return new TestResult("Kolmogorov-Smirnov exact", statistic, p);
    }

    /**
     * {@return the Kolmogorov-Smirnov test for many rows: two-sided by the distribution of one sample of n m / (n + m)
     * rows (Simard and L'Ecuyer 2011), one-sided by Hodges's expansion (1958, equation 5.3)}
     */
    public static TestResult kolmogorovSmirnov(double[] first, double[] second, Side side) {
        double statistic = statistic(first, second, side);
        double m = Math.max(first.length, second.length);
        double n = Math.min(first.length, second.length);
        double p;
        if (side == Side.EITHER) {
            p = Kolmogorov.survival(Math.max(1, Math.round(n * m / (n + m))), statistic);
        } else {
            double z = statistic * Math.sqrt(n * m / (n + m));
            p = Math.exp(-2 * z * z - 2 * z * (m + 2 * n) / Math.sqrt(n * m * (n + m)) / 3);
        }
        return new TestResult("Kolmogorov-Smirnov", statistic, Math.min(1, p));
    }

    private static double statistic(double[] first, double[] second, Side side) {
        Weighted.Gap gap = sample(first).gap(sample(second));
        return switch (side) {
            case EITHER -> gap.largest();
            case FIRST_SMALLER -> gap.above();
            case FIRST_GREATER -> gap.below();
        };
    }

    /** {@return Welch's t-test (1947) of the means, two-sided, without assuming equal variances} */
    public static TestResult welch(double[] first, double[] second) {
        return welch(moments(first), moments(second));
    }

    static TestResult welch(Moments first, Moments second) {
        double a = first.squares / (first.count - 1.0) / first.count;
        double b = second.squares / (second.count - 1.0) / second.count;
        double apart = first.mean - second.mean;
        // without any spread there is nothing to measure a difference of the means by
        if (!(a + b > 0)) {
            return new TestResult("Welch", 0, 1);
        }
        double degrees = (a + b) * (a + b) / (a * a / (first.count - 1.0) + b * b / (second.count - 1.0));
        return student("Welch", apart / Math.sqrt(a + b), degrees);
    }

    /** {@return Student's t-test (1908) of the means, two-sided, assuming equal variances} */
    public static TestResult student(double[] first, double[] second) {
        Moments a = moments(first);
        Moments b = moments(second);
        double degrees = a.count + b.count - 2.0;
        double variance = (a.squares + b.squares) / degrees;
        double error = Math.sqrt(variance * (1.0 / a.count + 1.0 / b.count));
        return student("Student", (a.mean - b.mean) / error, degrees);
    }

    private static TestResult student(String name, double t, double degrees) {
        return new TestResult(name, t, Math.min(1, 2 * TDistribution.of(degrees).survivalProbability(Math.abs(t))));
    }

    /**
     * {@return the test of Mann and Whitney (1947), two-sided, by the normal distribution with corrections for ties and
     * continuity; the statistic is U of the first sample}
     */
    public static TestResult mannWhitney(double[] first, double[] second) {
        return RankTests.mannWhitney(sample(first), sample(second), Side.EITHER);
    }

    /**
     * {@return the two-sample test of Cramér and von Mises (Anderson 1962) by the limiting distribution; the statistic
     * is T}
     */
    public static TestResult cramerVonMises(double[] first, double[] second) {
        return RankTests.cramerVonMises(sample(first), sample(second));
    }

    /**
     * {@return the two-sample test of Anderson and Darling for data with ties (Scholz and Stephens 1987, midranks); the
     * p-value is interpolated between 0.001 and 0.25 and cut off there}
     */
    public static TestResult andersonDarling(double[] first, double[] second) {
        return RankTests.andersonDarling(sample(first), sample(second));
    }

    /** {@return the test of the characteristic functions of Epps and Singleton (1986), good for discrete data} */
    public static TestResult eppsSingleton(double[] first, double[] second) {
        return EppsSingleton.test(first, second);
    }

    /** {@return Wasserstein's distance (of the first order): the area between the distribution functions} */
    public static double wasserstein(double[] first, double[] second) {
        return sample(first).gap(sample(second)).area();
    }

    /** {@return the energy distance (Székely and Rizzo 2013), the root of twice the squared area} */
    public static double energy(double[] first, double[] second) {
        return Math.sqrt(2 * sample(first).gap(sample(second)).squared());
    }

    static double normalTail(double z) {
        return NormalDistribution.of(0, 1).survivalProbability(z);
    }

    static Weighted sample(double[] sample) {
        if (sample.length == 0 || Arrays.stream(sample).anyMatch(Double::isNaN)) {
            throw new IllegalArgumentException("a sample holds at least one number and no NaN, found "
                    + (sample.length == 0 ? "none" : "NaN among " + sample.length));
        }
        return Weighted.of(sample);
    }

    private static Moments moments(double[] sample) {
        sample(sample);
        Moments moments = new Moments();
        for (double value : sample) {
            moments.add(value);
        }
        return moments;
    }
}
