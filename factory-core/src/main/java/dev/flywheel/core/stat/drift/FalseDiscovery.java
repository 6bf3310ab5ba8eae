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
