package dev.flywheel.core.stat.drift;

import java.util.Arrays;

/** Two-sample tests that look at ranks alone. */
final class RankTests {

    private RankTests() {}

    /** Two samples as counts of the distinct values of both, ascending. */
    private static final class Pooled {

        private final double[] first;
        private final double[] second;
        private final double n;
        private final double m;

        private Pooled(double[] first, double[] second, double n, double m) {
            this.first = first;
            this.second = second;
            this.n = n;
            this.m = m;
        }

        static Pooled of(Weighted a, Weighted b) {
            double[] all = Arrays.copyOf(a.values(), a.values().length + b.values().length);
            System.arraycopy(b.values(), 0, all, a.values().length, b.values().length);
            double[] values = Arrays.stream(all).sorted().distinct().toArray();
            return new Pooled(counts(a, values), counts(b, values), a.count(), b.count());
        }

        private static double[] counts(Weighted sample, double[] values) {
            double[] counts = new double[values.length];
            int at = 0;
            for (int i = 0; i < values.length; i++) {
                if (at < sample.values().length && sample.values()[at] == values[i]) {
                    counts[i] = sample.upTo()[at] - (at == 0 ? 0 : sample.upTo()[at - 1]);
                    at++;
                }
            }
            return counts;
        }

        int size() {
            return first.length;
        }
    }

    static TestResult mannWhitney(Weighted a, Weighted b, TwoSample.Side side) {
        Pooled pooled = Pooled.of(a, b);
        double n = pooled.n;
        double m = pooled.m;
        double before = 0;
        double ranks = 0;
        double ties = 0;
        for (int i = 0; i < pooled.size(); i++) {
            double here = pooled.first[i] + pooled.second[i];
            ranks += pooled.first[i] * (before + (here + 1) / 2);
            ties += here * (here * here - 1);
            before += here;
        }
        double u = ranks - n * (n + 1) / 2;
        double all = n + m;
        double error = Math.sqrt(n * m / 12 * (all + 1 - ties / (all * (all - 1))));
        double extreme = switch (side) {
            case EITHER -> Math.max(u, n * m - u);
            case FIRST_SMALLER -> n * m - u;
            case FIRST_GREATER -> u;
        };
        double z = error == 0 ? 0 : (extreme - n * m / 2 - 0.5) / error;
        double p = TwoSample.normalTail(z) * (side == TwoSample.Side.EITHER ? 2 : 1);
        return new TestResult("Mann-Whitney", u, error == 0 ? 1 : Math.min(1, p));
    }

    static TestResult cramerVonMises(Weighted a, Weighted b) {
        Pooled pooled = Pooled.of(a, b);
        double n = pooled.n;
        double m = pooled.m;
        double all = n + m;
        double u = n * squaredRanks(pooled, pooled.first) + m * squaredRanks(pooled, pooled.second);
        double t = u / (n * m * all) - (4 * n * m - 1) / (6 * all);
        double expected = (1 + 1 / all) / 6;
        double variance =
                (all + 1) * (4 * n * m * all - 3 * (n * n + m * m) - 2 * n * m) / (45 * all * all * 4 * n * m);
        double limit = 1.0 / 6 + (t - expected) / Math.sqrt(45 * variance);
        double p = limit < 0.003 ? 1 : Math.max(0, 1 - cramerVonMisesLimit(limit));
        return new TestResult("Cramér-von Mises", t, p);
    }

    /** The squared differences of a sample's ranks among both, midranks of ties, and among itself. */
    private static double squaredRanks(Pooled pooled, double[] sample) {
        double sum = 0;
        double before = 0;
        double own = 0;
        for (int i = 0; i < pooled.size(); i++) {
            double here = pooled.first[i] + pooled.second[i];
            double rank = before + (here + 1) / 2;
            double k = sample[i];
            // the own ranks of k ties are own + 1 to own + k
            double off = rank - own - (k + 1) / 2;
            sum += k * off * off + k * (k * k - 1) / 12;
            before += here;
            own += k;
        }
        return sum;
    }

    /** The limiting distribution function (Csörgő and Faraway 1996, equation 1.2). */
    static double cramerVonMisesLimit(double x) {
        double sum = 0;
        // Gamma(k + 1/2) / (Gamma(1/2) k!)
        double ratio = 1;
        for (int k = 0; k < 60; k++) {
            double y = 4.0 * k + 1;
            double q = y * y / (16 * x);
            double term = ratio * Math.sqrt(y) * scaledBessel(q) / (Math.PI * Math.sqrt(x));
            sum += term;
            if (term < 1e-16) {
                break;
            }
            ratio *= (k + 0.5) / (k + 1);
        }
        return Math.min(1, sum);
    }

    /** exp(-q) K_{1/4}(q), by the trapezoid rule on its integral over cosh, which converges geometrically. */
    private static double scaledBessel(double q) {
        double step = 1.0 / 64;
        double sum = 0.5 * Math.exp(-2 * q);
        for (int i = 1; i < 2000; i++) {
            double t = i * step;
            double term = Math.exp(-q - q * Math.cosh(t)) * Math.cosh(t / 4);
            sum += term;
            if (term < 1e-18 * sum) {
                break;
            }
        }
        return sum * step;
    }

    static TestResult andersonDarling(Weighted a, Weighted b) {
        Pooled pooled = Pooled.of(a, b);
        double all = pooled.n + pooled.m;
        double sum = 0;
        double before = 0;
        double first = 0;
        for (int i = 0; i < pooled.size(); i++) {
            double here = pooled.first[i] + pooled.second[i];
            double middle = before + here / 2;
            double weight = middle * (all - middle) - all * here / 4;
            double ours = first + pooled.first[i] / 2;
            double theirs = middle - ours;
            double off1 = all * ours - middle * pooled.n;
            double off2 = all * theirs - middle * pooled.m;
            sum += weight <= 0 ? 0 : here / all * (off1 * off1 / pooled.n + off2 * off2 / pooled.m) / weight;
            before += here;
            first += pooled.first[i];
        }
        double a2 = sum * (all - 1) / all;
        double statistic = (a2 - 1) / Math.sqrt(andersonVariance(pooled.n, pooled.m));
        return new TestResult("Anderson-Darling", statistic, andersonP(statistic));
    }

    /** The variance for two samples (Scholz and Stephens 1987, equation 4). */
    private static double andersonVariance(double n, double m) {
        double all = n + m;
        double inverse = 1 / n + 1 / m;
        double h = 0;
        double g = 0;
        double inner = 0;
        for (int i = 1; i < all; i++) {
            h += 1.0 / i;
        }
        for (int j = 2; j <= all - 1; j++) {
            inner += 1 / (all - j + 1);
            g += inner / j;
        }
        double a = 4 * g - 6 + (10 - 6 * g) * inverse;
        double b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6;
        double c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * inverse + 4 * h;
        double d = (2 * h + 6) * 4 - 8 * h;
        return (((a * all + b) * all + c) * all + d) / ((all - 1) * (all - 2) * (all - 3));
    }

    /** A parabola through the logarithms of the levels (Scholz and Stephens 1987, table 1 and section 4). */
    private static double andersonP(double statistic) {
        double[] critical = {0.325, 1.226, 1.961, 2.718, 3.752, 4.592, 6.546};
        double[] levels = {0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001};
        if (statistic < critical[0]) {
            return levels[0];
        }
        if (statistic > critical[critical.length - 1]) {
            return levels[levels.length - 1];
        }
        double[][] normal = new double[3][4];
        for (int i = 0; i < critical.length; i++) {
            double[] powers = {1, critical[i], critical[i] * critical[i]};
            for (int r = 0; r < 3; r++) {
                for (int s = 0; s < 3; s++) {
                    normal[r][s] += powers[r] * powers[s];
                }
                normal[r][3] += powers[r] * Math.log(levels[i]);
            }
        }
        double[] w = solved(normal);
        return Math.exp(w[0] + statistic * (w[1] + statistic * w[2]));
    }

    /** Gauss's elimination of a positive definite system with its right side as the last column. */
    private static double[] solved(double[][] a) {
        int n = a.length;
        for (int i = 0; i < n; i++) {
            for (int r = i + 1; r < n; r++) {
                double factor = a[r][i] / a[i][i];
                for (int s = i; s <= n; s++) {
                    a[r][s] -= factor * a[i][s];
                }
            }
        }
        double[] x = new double[n];
        for (int i = n - 1; i >= 0; i--) {
            x[i] = a[i][n];
            for (int s = i + 1; s < n; s++) {
                x[i] -= a[i][s] * x[s];
            }
            x[i] /= a[i][i];
        }
        return x;
    }
}
