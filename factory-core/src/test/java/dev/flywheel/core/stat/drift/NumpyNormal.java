package dev.flywheel.core.stat.drift;

/**
 * The normal numbers of NumPy's RandomState: a Mersenne twister (Matsumoto and Nishimura 1998) and Marsaglia's polar
 * method.
 */
final class NumpyNormal {

    private static final int N = 624;
    private static final int M = 397;

    private final int[] state = new int[N];
    private int at = N;
    private double spare = Double.NaN;

    NumpyNormal(int seed) {
        state[0] = seed;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    double next() {
        if (!Double.isNaN(spare)) {
            double kept = spare;
            spare = Double.NaN;
            return kept;
        }
        double x;
        double y;
        double r;
        do {
            x = 2 * uniform() - 1;
            y = 2 * uniform() - 1;
            r = x * x + y * y;
        } while (r >= 1 || r == 0);
        double factor = Math.sqrt(-2 * Math.log(r) / r);
        spare = factor * x;
        return factor * y;
    }

    private double uniform() {
        long high = (bits() & 0xffffffffL) >>> 5;
        long low = (bits() & 0xffffffffL) >>> 6;
        return (high * 67108864.0 + low) / 9007199254740992.0;
    }

    private int bits() {
        if (at == N) {
            for (int i = 0; i < N; i++) {
                int y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
                state[i] = state[(i + M) % N] ^ (y >>> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
            }
            at = 0;
        }
        int y = state[at++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >>> 18);
    }
}
