package dev.flywheel.core.stat.drift;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Corrections of p-values for the number of tests. A test is significant if its corrected value is below the rate asked
 * for, not equal to it. Thread-safe.
 */
public final class FalseDiscovery {

    private FalseDiscovery() {}

    /**
     * {@return the q-values of Benjamini and Hochberg (1995): of the tests with q below a rate, at most that share is
     * expected to be false, if the tests are independent or positively dependent; and if nothing is true, the
     * probability of any is at most the rate}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] benjaminiHochberg(double... p) {
        return stepUp(p, 1);
    }

    /**
     * {@return the q-values of Benjamini and Yekutieli (2001), which hold for tests that depend on each other in any
     * way, and find less}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] benjaminiYekutieli(double... p) {
        return stepUp(
                p, IntStream.rangeClosed(1, p.length).mapToDouble(i -> 1.0 / i).sum());
    }

    /**
     * {@return the p-values corrected after Holm (1979): the probability of any false finding at all is at most the
     * rate}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] holm(double... p) {
        Integer[] order = ascending(p);
        double[] corrected = new double[p.length];
        double least = 0;
        for (int i = 0; i < p.length; i++) {
            least = Math.max(least, Math.min(1, (p.length - i) * p[order[i]]));
            corrected[order[i]] = least;
        }
        return corrected;
    }

    /**
     * {@return the p-values corrected after Bonferroni (1936): as {@link #holm}, and finds less}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] bonferroni(double... p) {
        ascending(p);
        return Arrays.stream(p).map(value -> Math.min(1, p.length * value)).toArray();
    }

    /**
     * {@return the p-values corrected after Hochberg (1988): as {@link #holm}, and finds more where tests are
     * independent or positively dependent}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] hochberg(double... p) {
        Integer[] order = ascending(p);
        double[] corrected = new double[p.length];
        double most = 1;
        for (int i = p.length - 1; i >= 0; i--) {
            most = Math.min(most, (p.length - i) * p[order[i]]);
            corrected[order[i]] = most;
        }
        return corrected;
    }

    /**
     * {@return the p-values corrected after Hommel (Biometrika 75, 1988): as {@link #hochberg}, and finds a little
     * more}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] hommel(double... p) {
        Integer[] order = ascending(p);
        int n = p.length;
        double[] corrected = p.clone();
        for (int m = n; m > 1; m--) {
            double least = Double.POSITIVE_INFINITY;
            for (int i = 1; i <= m; i++) {
                least = Math.min(least, m * p[order[n - m + i - 1]] / i);
            }
            for (int i = 0; i < n; i++) {
                double bound = i >= n - m ? least : Math.min(m * p[order[i]], least);
                corrected[order[i]] = Math.max(corrected[order[i]], bound);
            }
        }
        return corrected;
    }

    /**
     * {@return the p-values corrected after Sidak (1967): as {@link #bonferroni}, exact for independent tests}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] sidak(double... p) {
        ascending(p);
        return Arrays.stream(p).map(value -> any(value, p.length)).toArray();
    }

    /**
     * {@return the p-values corrected step by step after Holm with Sidak's bound: as {@link #holm}, a little sharper
     * for independent tests}
     *
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] holmSidak(double... p) {
        Integer[] order = ascending(p);
        double[] corrected = new double[p.length];
        double least = 0;
        for (int i = 0; i < p.length; i++) {
            least = Math.max(least, any(p[order[i]], p.length - i));
            corrected[order[i]] = least;
        }
        return corrected;
    }

    /** The chance that any of n independent tests has so small a p-value. */
    private static double any(double p, int n) {
        return -Math.expm1(n * Math.log1p(-p));
    }

    /**
     * {@return the q-values of {@link #benjaminiHochberg} for the number of true hypotheses that they themselves
     * suggest (Benjamini and Hochberg, Journal of Educational and Behavioral Statistics 25, 2000): finds more where
     * much is to be found}
     *
     * @param rate that the q-values will be compared with, 0 to 1
     * @throws IllegalArgumentException if a p-value is not within 0 to 1
     */
    public static double[] twoStage(double rate, double... p) {
        double[] q = benjaminiHochberg(p);
        long left = Arrays.stream(q).filter(value -> value > rate).count();
        if (left == 0) {
            return q;
        }
        return Arrays.stream(q).map(value -> value * left / p.length).toArray();
    }

    private static double[] stepUp(double[] p, double factor) {
        Integer[] order = ascending(p);
        double[] q = new double[p.length];
        double most = 1;
        for (int i = p.length - 1; i >= 0; i--) {
            most = Math.min(most, factor * p.length * p[order[i]] / (i + 1));
            q[order[i]] = most;
        }
        return q;
    }

    private static Integer[] ascending(double[] p) {
        for (double value : p) {
            if (!(value >= 0 && value <= 1)) {
                throw new IllegalArgumentException("a p-value is within 0 to 1, found " + value);
            }
        }
        Integer[] order = IntStream.range(0, p.length).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(i -> p[i]));
        return order;
    }
}
