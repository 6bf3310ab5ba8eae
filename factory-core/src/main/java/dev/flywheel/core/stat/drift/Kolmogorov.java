package dev.flywheel.core.stat.drift;

/**
 * Distributions of the Kolmogorov-Smirnov statistics: of one sample exactly and nearly so (Simard and L'Ecuyer 2011,
 * "Computing the two-sided Kolmogorov-Smirnov distribution"), and of two samples by counting lattice paths (Hodges
 * 1958).
 */
final class Kolmogorov {

    private static final int SMALL = 140;
    private static final int MEDIUM = 10_000;
    /** Up to this n x^1.5 the exact matrix is small (Simard and L'Ecuyer 2011). */
    private static final double NEAR = 1.4;

    private static final int HUGE = 100_000;
    /** Above this n x^2 both tails together are twice one of them, to 5e-8; chosen as by Simard and L'Ecuyer. */
    private static final double FAR = 2.2;

    private static final double PI2 = Math.PI * Math.PI;

    private Kolmogorov() {}

    /** {@return P(D >= x) of one sample of n rows, two-sided} */
    static double survival(long n, double x) {
        if (x <= 0.5 / n) {
            return 1;
        }
        if (x >= 1) {
            return 0;
        }
        if (n * x * x >= FAR || n == 1) {
            return Math.min(1, 2 * oneSided(n, x));
        }
        boolean exactly = n <= SMALL || (n <= MEDIUM && n * Math.pow(x, 1.5) <= NEAR);
        double below = exactly ? marsaglia((int) n, x) : pelzGood(n, x);
        return Math.min(1, Math.max(0, 1 - below));
    }

    /** {@return P(D+ >= x) of one sample of n rows (Smirnov 1944, Birnbaum and Tingey 1951)} */
    static double oneSided(long n, double x) {
        if (n > HUGE) {
            double root = 6.0 * n * x + 1;
            return Math.exp(-root * root / (18.0 * n));
        }
        double sum = 0;
        double choose = 0;
        long last = (long) Math.floor(n * (1 - x));
        for (long j = 0; j <= last; j++) {
            double share = x + (double) j / n;
            double rest = 1 - share;
            double log = choose + (j - 1) * Math.log(share);
            if (j < n) {
                log += rest > 0 ? (n - j) * Math.log(rest) : Double.NEGATIVE_INFINITY;
            }
            sum += Math.exp(log);
            choose += Math.log((double) (n - j) / (j + 1));
        }
        return Math.min(1, x * sum);
    }

    /** Pelz and Good 1976: an expansion in 1 / sqrt(n), to 7 digits from n = 140 on. */
    private static double pelzGood(long n, double x) {
        double root = Math.sqrt((double) n);
        double z = root * x;
        double z2 = z * z;
        double z4 = z2 * z2;
        double z6 = z4 * z2;
        double k0 = 0;
        double k1 = 0;
        double k2 = 0;
        double k3 = 0;
        for (int k = 0; k < 40; k++) {
            double h2 = PI2 * (k + 0.5) * (k + 0.5);
            double e = Math.exp(-h2 / (2 * z2));
            k0 += e;
            k1 += (h2 - z2) * e;
            k2 += (6 * z6 + 2 * z4 + h2 * (2 * z4 - 5 * z2) + h2 * h2 * (1 - 2 * z2)) * e;
            k3 += (h2 * h2 * h2 * (5 - 30 * z2)
                            + h2 * h2 * (-60 * z2 + 212 * z4)
                            + h2 * (135 * z4 - 96 * z6)
                            - 30 * z6
                            - 90 * z6 * z2)
                    * e;
        }
        double even2 = 0;
        double even3 = 0;
        for (int k = 1; k < 40; k++) {
            double h2 = PI2 * k * k;
            double e = Math.exp(-h2 / (2 * z2));
            even2 += h2 * e;
            even3 += (-h2 * h2 + 3 * h2 * z2) * e;
        }
        double c = Math.sqrt(Math.PI / 2);
        double first = 2 * c / z * k0;
        double second = 2 * c / (6 * z4) * k1 / root;
        double third = (2 * c / (72 * z6 * z) * k2 - 2 * c / (36 * z2 * z) * even2) / n;
        double fourth = (2 * c / (6480 * z6 * z4) * k3 + 2 * c / (216 * z6) * even3) / (n * root);
        return first + second + third + fourth;
    }

    /** Marsaglia, Tsang and Wang 2003, "Evaluating Kolmogorov's distribution": a power of a matrix. */
    private static double marsaglia(int n, double x) {
        int k = (int) (n * x) + 1;
        int m = 2 * k - 1;
        double[][] h = matrix(m, k - n * x);
        double[][] power = identity(m);
        int scale = 0;
        int powerScale = 0;
        for (int rest = n; rest > 0; rest >>= 1) {
            if ((rest & 1) == 1) {
                power = product(power, h);
                powerScale += scale;
                powerScale += shrunk(power, k - 1);
            }
            h = product(h, h);
            scale *= 2;
            scale += shrunk(h, k - 1);
        }
        double s = power[k - 1][k - 1];
        for (int i = 1; i <= n; i++) {
            s = s * i / n;
            if (s < 1e-140) {
                s *= 1e140;
                powerScale -= 140;
            }
        }
        return s * Math.pow(10, powerScale);
    }

    private static double[][] matrix(int m, double h) {
        double[][] a = new double[m][m];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < m && j <= i + 1; j++) {
                a[i][j] = 1;
            }
        }
        for (int i = 0; i < m; i++) {
            a[i][0] -= Math.pow(h, i + 1.0);
            a[m - 1][i] -= Math.pow(h, (double) m - i);
        }
        a[m - 1][0] += 2 * h - 1 > 0 ? Math.pow(2 * h - 1, m) : 0;
        for (int i = 0; i < m; i++) {
            for (int j = 0; j <= i; j++) {
                for (int g = 1; g <= i - j + 1; g++) {
                    a[i][j] /= g;
                }
            }
        }
        return a;
    }

    private static double[][] identity(int m) {
        double[][] a = new double[m][m];
        for (int i = 0; i < m; i++) {
            a[i][i] = 1;
        }
        return a;
    }

    private static double[][] product(double[][] a, double[][] b) {
        int m = a.length;
        double[][] c = new double[m][m];
        for (int i = 0; i < m; i++) {
            for (int k = 0; k < m; k++) {
                for (int j = 0; j < m; j++) {
                    c[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return c;
    }

    private static int shrunk(double[][] a, int middle) {
        if (a[middle][middle] < 1e140) {
            return 0;
        }
        for (double[] row : a) {
            for (int j = 0; j < row.length; j++) {
                row[j] *= 1e-140;
            }
        }
        return 140;
    }

    /**
     * {@return the share of the lattice paths from (0, 0) to (n, m) that leave the band, which is P(D >= d) of two
     * samples without ties}
     *
     * @param steps d times the least common multiple of n and m
     * @param sides where the paths may leave
     */
    static double pathsOutside(int n, int m, long steps, Sides sides) {
        long common = gcd(n, m);
        long up = m / common;
        long right = n / common;
        // the share of the paths to (i, j) that have left the band, all paths being equally likely
        double[] row = new double[m + 1];
        for (int i = 0; i <= n; i++) {
            for (int j = 0; j <= m; j++) {
                long apart = i * up - j * right;
                if (apart >= steps || (sides == Sides.BOTH && -apart >= steps)) {
                    row[j] = 1;
                } else {
                    double fromLeft = i == 0 ? 0 : i * row[j];
                    double fromBelow = j == 0 ? 0 : j * row[j - 1];
                    row[j] = i + j == 0 ? 0 : (fromLeft + fromBelow) / (i + j);
                }
            }
        }
        return row[m];
    }

    /** Which sides of the band a path may leave by. */
    enum Sides {
        /** Above only. */
        ONE,
        /** Above or below. */
        BOTH
    }

    static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
