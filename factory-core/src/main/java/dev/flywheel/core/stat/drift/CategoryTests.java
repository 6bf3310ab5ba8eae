package dev.flywheel.core.stat.drift;

import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;
import org.apache.commons.statistics.distribution.HypergeometricDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Tests of whether two samples of categories come from the same distribution. Counts are given category by category, in
 * the same order for both samples. Thread-safe.
 */
public final class CategoryTests {

    /** Probabilities this close count as equal (the relative tolerance of R's and SciPy's tests). */
    private static final double SAME = 1e-7;

    private CategoryTests() {}

    /**
     * {@return Pearson's chi-square test of homogeneity (1900) without Yates's correction, for two samples; categories
     * that occur in neither are left out. Good where expected counts are at least 5 (Cochran 1954)}
     *
     * @throws IllegalArgumentException if the lengths differ or a count is negative
     */
    public static TestResult chiSquare(long[] reference, long[] window) {
        double n = sum(reference, window);
        double m = sum(window, reference);
        double statistic = 0;
        int used = 0;
        for (int i = 0; i < reference.length; i++) {
            double both = reference[i] + (double) window[i];
            if (both > 0 && n > 0 && m > 0) {
                double expected = both * m / (n + m);
                double off = window[i] - expected;
                statistic += off * off / expected + off * off / (both - expected);
                used++;
            }
        }
        return new TestResult("chi-square", statistic, chiSquareP(statistic, used - 1));
    }

    /**
     * {@return Pearson's chi-square test of fit: whether the window's counts fit the shares of the reference, taken as
     * known. Too eager where the reference is not much larger than the window}
     *
     * @throws IllegalArgumentException if the lengths differ, a count is negative, or a category of the window is
     *     absent from the reference
     */
    public static TestResult chiSquareFit(long[] reference, long[] window) {
        double[] expected = expected(reference, window);
        double statistic = 0;
        for (int i = 0; i < expected.length; i++) {
            double off = window[i] - expected[i];
            statistic += expected[i] == 0 ? 0 : off * off / expected[i];
        }
        return new TestResult("chi-square of fit", statistic, chiSquareP(statistic, occupied(reference) - 1));
    }

    /**
     * {@return the likelihood ratio (G) test of fit (Wilks 1938), with the reference's counts scaled to the window}
     *
     * @throws IllegalArgumentException as {@link #chiSquareFit} throws it
     */
    public static TestResult gTestFit(long[] reference, long[] window) {
        double[] expected = expected(reference, window);
        double statistic = 0;
        for (int i = 0; i < expected.length; i++) {
            statistic += window[i] == 0 ? 0 : 2 * window[i] * Math.log(window[i] / expected[i]);
        }
        return new TestResult("G of fit", statistic, chiSquareP(statistic, occupied(reference) - 1));
    }

    /**
     * {@return Fisher's exact test (1935) of the table [[a, b], [c, d]], two-sided: the probability of all tables that
     * are no more likely; the statistic is the odds ratio}
     *
     * @throws IllegalArgumentException if a count is negative
     * @throws ArithmeticException if the counts add up to more than an int holds
     */
    public static TestResult fisherExact(long a, long b, long c, long d) {
        sum(new long[] {a, b}, new long[] {c, d});
        sum(new long[] {c, d}, new long[] {a, b});
        int all = Math.toIntExact(a + b + c + d);
        double odds = (double) a * d / ((double) b * c);
        if (all == 0) {
            return new TestResult("Fisher's exact", odds, 1);
        }
        HypergeometricDistribution tables =
                HypergeometricDistribution.of(all, Math.toIntExact(a + c), Math.toIntExact(a + b));
        double limit = tables.probability((int) a) * (1 + SAME);
        double p = 0;
        for (int x = tables.getSupportLowerBound(); x <= tables.getSupportUpperBound(); x++) {
            double probability = tables.probability(x);
            p += probability <= limit ? probability : 0;
        }
        return new TestResult("Fisher's exact", odds, Math.min(1, p));
    }

    /**
     * {@return Fisher's exact test of two samples of at most two categories}
     *
     * @throws IllegalArgumentException if there are more than two categories
     * @throws NullPointerException if a value is missing
     */
    public static TestResult fisherExact(List<String> reference, List<String> window) {
        Stream.concat(reference.stream(), window.stream())
                .forEach(v -> Objects.requireNonNull(v, "Fisher's exact test takes no missing values"));
        TreeSet<String> categories = new TreeSet<>(reference);
        categories.addAll(window);
        if (categories.size() > 2) {
            throw new IllegalArgumentException(
                    "Fisher's exact test takes two categories, found more than 2 categories: " + categories);
        }
        String first = categories.isEmpty() ? "" : categories.first();
        long a = reference.stream().filter(first::equals).count();
        long c = window.stream().filter(first::equals).count();
        return fisherExact(a, reference.size() - a, c, window.size() - c);
    }

    /**
     * {@return the two-sided test of two shares by the normal distribution with the pooled share; good where all four
     * expected counts are at least 5}
     *
     * @throws IllegalArgumentException if a count is not within 0 to its n
     */
    public static TestResult proportions(long reference, long n, long window, long m) {
        if (reference < 0 || reference > n || window < 0 || window > m || n < 1 || m < 1) {
            throw new IllegalArgumentException("shares need 0 <= count <= n and n >= 1, found " + reference + " of " + n
                    + " and " + window + " of " + m);
        }
        double pooled = (reference + (double) window) / (n + (double) m);
        double error = Math.sqrt(pooled * (1 - pooled) * (1.0 / n + 1.0 / m));
        double z = error == 0 ? 0 : ((double) reference / n - (double) window / m) / error;
        double p = 2 * NormalDistribution.of(0, 1).survivalProbability(Math.abs(z));
        return new TestResult("two proportions", z, Math.min(1, p));
    }

    static double chiSquareP(double statistic, int degrees) {
        return degrees < 1 ? 1 : ChiSquaredDistribution.of(degrees).survivalProbability(statistic);
    }

    private static double[] expected(long[] reference, long[] window) {
        double scale = sum(window, reference) / sum(reference, window);
        double[] expected = new double[reference.length];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = reference[i] * scale;
            if (reference[i] == 0 && window[i] > 0) {
                throw new IllegalArgumentException(
                        "a test of fit needs every category in the reference; category " + i + " is not there");
            }
        }
        return expected;
    }

    private static int occupied(long[] counts) {
        int occupied = 0;
        for (long count : counts) {
            occupied += count > 0 ? 1 : 0;
        }
        return occupied;
    }

    private static double sum(long[] counts, long[] others) {
        if (counts.length != others.length) {
            throw new IllegalArgumentException(
                    "counts of the same categories expected, found " + counts.length + " and " + others.length);
        }
        double sum = 0;
        for (long count : counts) {
            if (count < 0) {
                throw new IllegalArgumentException("counts cannot be negative, found " + count);
            }
            sum += count;
        }
        return sum;
    }
}
