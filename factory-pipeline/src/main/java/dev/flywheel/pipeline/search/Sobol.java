package dev.flywheel.pipeline.search;

/**
 * Points that fill a cube evenly, however many are taken: the sequence of Sobol in the order of Antonov and Saleev
 * (1979), with the direction numbers of Joe and Kuo, <em>Constructing Sobol sequences with better two-dimensional
 * projections</em>, SIAM J. Sci. Comput. 30, 2008 (new-joe-kuo-6.21201). Immutable and thread-safe.
 */
public final class Sobol {

    /** The most dimensions there are points for. */
    public static final int MOST_DIMENSIONS = 21;

    private static final int BITS = 32;

    /** Of each dimension from the second on: the coefficients of its primitive polynomial, and its first numbers. */
    private static final int[][] JOE_KUO = {
        {0, 1},
        {1, 1, 3},
        {1, 1, 3, 1},
        {2, 1, 1, 1},
        {1, 1, 1, 3, 3},
        {4, 1, 3, 5, 13},
        {2, 1, 1, 5, 5, 17},
        {4, 1, 1, 5, 5, 5},
        {7, 1, 1, 7, 11, 19},
        {11, 1, 1, 5, 1, 1},
        {13, 1, 1, 1, 3, 11},
        {14, 1, 3, 5, 5, 31},
        {1, 1, 3, 3, 9, 7, 49},
        {13, 1, 1, 1, 15, 21, 21},
        {16, 1, 3, 1, 13, 27, 49},
        {19, 1, 1, 1, 15, 7, 5},
        {22, 1, 3, 1, 15, 13, 25},
        {25, 1, 1, 5, 5, 19, 61},
        {1, 1, 3, 7, 11, 23, 15, 103},
        {4, 1, 3, 7, 13, 13, 15, 69}
    };

    /** One scrambling of the bits of a dimension. */
    private interface Scramble {
        int of(int bits, int dimension);
    }

    private final int[][] directions;
    private final Scramble scramble;

    private Sobol(int dimensions, Scramble scramble) {
        if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
            throw new IllegalArgumentException(
                    "a Sobol sequence has 1 to " + MOST_DIMENSIONS + " dimensions, found " + dimensions);
        }
        this.scramble = scramble;
        this.directions = new int[dimensions][];
        for (int dimension = 0; dimension < dimensions; dimension++) {
            directions[dimension] = directions(dimension);
        }
    }

    /** {@return the plain sequence, whose first point is 0 in all dimensions} */
    public static Sobol plain(int dimensions) {
        return new Sobol(dimensions, (bits, dimension) -> bits);
    }

    /**
     * {@return a random one of the sequences that fill the cube as evenly as the plain one: nested uniform scrambling
     * by Owen, <em>Randomly permuted (t,m,s)-nets and (t,s)-sequences</em>, 1995}
     *
     * @param seed the same seed gives the same sequence
     */
    public static Sobol scrambled(int dimensions, long seed) {
        return new Sobol(dimensions, (bits, dimension) -> owen(bits, mix(seed + dimension)));
    }

    private static int[] directions(int dimension) {
        int[] numbers = new int[BITS];
        if (dimension == 0) {
            for (int bit = 0; bit < BITS; bit++) {
                numbers[bit] = 1 << (BITS - 1 - bit);
            }
            return numbers;
        }
        int[] row = JOE_KUO[dimension - 1];
        int degree = row.length - 1;
        for (int bit = 0; bit < BITS; bit++) {
            if (bit < degree) {
                numbers[bit] = row[bit + 1] << (BITS - 1 - bit);
                continue;
            }
            numbers[bit] = numbers[bit - degree] ^ (numbers[bit - degree] >>> degree);
            for (int k = 1; k < degree; k++) {
                if ((row[0] >> (degree - 1 - k) & 1) == 1) {
                    numbers[bit] ^= numbers[bit - k];
                }
            }
        }
        return numbers;
    }

    /**
     * {@return a point: a number from 0 to below 1 for each dimension}
     *
     * @param index its place in the sequence, from 0
     */
    public double[] point(int index) {
        if (index < 0) {
            throw new IllegalArgumentException("a point's place is at least 0, found " + index);
        }
        int gray = index ^ (index >>> 1);
        double[] point = new double[directions.length];
        for (int dimension = 0; dimension < point.length; dimension++) {
            int bits = 0;
            for (int bit = 0; bit < BITS; bit++) {
                bits ^= (gray >>> bit & 1) == 0 ? 0 : directions[dimension][bit];
            }
            point[dimension] = Integer.toUnsignedLong(scramble.of(bits, dimension)) * 0x1.0p-32;
        }
        return point;
    }

    /** Whether a bit is turned depends on all bits before it, and on the seed. */
    private static int owen(int bits, long seed) {
        int turned = bits;
        for (int level = 0; level < BITS; level++) {
            long before = 1L << level | Integer.toUnsignedLong(bits) >>> (BITS - level);
            turned ^= (int) (mix(seed ^ before) >>> 63) << (BITS - 1 - level);
        }
        return turned;
    }

    /** One step of SplitMix64 (Steele, Lea, Flood, 2014). */
    private static long mix(long seed) {
        long z = seed + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
