package dev.flywheel.core.stat.drift;

import java.util.Arrays;

/** The test of Epps and Singleton (1986): do the empirical characteristic functions agree at two points? */
final class EppsSingleton {

    private static final double[] POINTS = {0.4, 0.8};
    private static final int SMALL = 25;
    private static final double SINGULAR = 1e-10;

    private EppsSingleton() {}

    static TestResult test(double[] first, double[] second) {
        double[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        Weighted pooled = TwoSample.sample(both);
        double scale = (pooled.quantile(0.75) - pooled.quantile(0.25)) / 2;
        double n = first.length;
        double m = second.length;
        double[] difference = new double[4];
        double[][] covariance = new double[4][4];
        collect(first, scale, 1, (n + m) / n, difference, covariance);
        collect(second, scale, -1, (n + m) / m, difference, covariance);
        double[] form = quadraticForm(covariance, difference);
        double w = (n + m) * form[0];
        if (Math.max(n, m) < SMALL) {
            w /= 1 + Math.pow(n + m, -0.45) + 10.1 * (Math.pow(n, -1.7) + Math.pow(m, -1.7));
        }
        return new TestResult("Epps-Singleton", w, CategoryTests.chiSquareP(w, (int) form[1]));
    }

    private static void collect(
            double[] sample, double scale, double sign, double weight, double[] difference, double[][] covariance) {
        double[] mean = new double[4];
        double[][] products = new double[4][4];
        for (double value : sample) {
            double[] g = waves(value, scale);
            for (int i = 0; i < 4; i++) {
                mean[i] += g[i] / sample.length;
                for (int j = 0; j < 4; j++) {
                    products[i][j] += g[i] * g[j] / sample.length;
                }
            }
        }
        for (int i = 0; i < 4; i++) {
            difference[i] += sign * mean[i];
            for (int j = 0; j < 4; j++) {
                covariance[i][j] += weight * (products[i][j] - mean[i] * mean[j]);
            }
        }
    }

    private static double[] waves(double value, double scale) {
        double[] g = new double[4];
        for (int k = 0; k < 2; k++) {
            double t = POINTS[k] / scale * value;
            g[k] = Math.cos(t);
            g[k + 2] = Math.sin(t);
        }
        return g;
    }

    /** {@return x' A^-1 x and the rank of A, by elimination that leaves out what is linearly dependent} */
    private static double[] quadraticForm(double[][] a, double[] x) {
        double form = 0;
        int rank = 0;
        double largest = 0;
        for (int step = 0; step < 4; step++) {
            int pivot = 0;
            for (int i = 1; i < 4; i++) {
                pivot = a[i][i] > a[pivot][pivot] ? i : pivot;
            }
            double d = a[pivot][pivot];
            largest = Math.max(largest, d);
            if (!(d > SINGULAR * largest)) {
                break;
            }
            form += x[pivot] * x[pivot] / d;
            rank++;
            double[] row = a[pivot].clone();
            double known = x[pivot];
            for (int i = 0; i < 4; i++) {
                double factor = row[i] / d;
                x[i] -= factor * known;
                for (int j = 0; j < 4; j++) {
                    a[i][j] -= factor * row[j];
                }
            }
        }
        return new double[] {form, rank};
    }
}
