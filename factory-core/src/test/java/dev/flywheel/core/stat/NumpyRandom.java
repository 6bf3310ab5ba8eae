package dev.flywheel.core.stat;

/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998) with the polar method of Marsaglia: the numbers of
 * NumPy's legacy {@code RandomState}, which published examples name as their data.
 */
public final class NumpyRandom {

    private static final int N = 624;
    private static final int M = 397;

    private final int[] state = new int[N];
    private int at = N;
    private double spare = Double.NaN;

    public NumpyRandom(int seed) {
        state[0] = seed;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    private int nextInt() {
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

    private double nextDouble() {
        int high = nextInt() >>> 5;
        int low = nextInt() >>> 6;
        return (high * 67108864.0 + low) / 9007199254740992.0;
    }

    public double nextGaussian() {
        if (!Double.isNaN(spare)) {
            double value = spare;
            spare = Double.NaN;
            return value;
        }
        double x;
        double y;
        double r;
        do {
            x = 2 * nextDouble() - 1;
            y = 2 * nextDouble() - 1;
            r = x * x + y * y;
        } while (r >= 1 || r == 0);
        double factor = Math.sqrt(-2 * Math.log(r) / r);
        spare = factor * x;
        return factor * y;
    }

    /** A draw from Binomial(1, 0.5), by inversion. */
    public int nextCoin() {
        return nextDouble() > 0.5 ? 1 : 0;
    }
}
