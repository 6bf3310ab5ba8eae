package dev.flywheel.core.stat.drift;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A sketch of the ranks of many numbers (Karnin, Lang and Liberty 2016, "Optimal quantile approximation in streams"):
 * level h holds numbers that stand for 2^h each; a level that is full hands every other number of its sorted ones to
 * the next. Exact up to {@link #K} numbers, at most 3 {@link #K} + {@link #LEAST} numbers a level afterwards. The coin
 * of each compaction is drawn from the numbers themselves, so the same numbers in the same order make the same sketch.
 * Not thread-safe. Written here because Apache DataSketches 6.2.0 refuses to run on JDK 25 and tosses its coins
 * unrepeatably.
 */
final class Kll {

    /** The capacity of the top level; chosen so that the rank error, 0.27%, is small beside a window's own noise. */
    static final int K = 1024;

    /** The least capacity of a level: sorting tens at once costs less per number than sorting eight. */
    static final int LEAST = 32;

    private static final double SHRINK = 2.0 / 3;
    private static final int FIRST_ROOM = 64;
    private static final int MOST_LEVELS = 60;

    private double[][] levels;
    private int[] sizes;
    private int held;
    private int capacity;

    Kll() {
        this(new double[][] {new double[FIRST_ROOM]}, new int[] {0});
    }

    private Kll(double[][] levels, int[] sizes) {
        this.levels = levels;
        this.sizes = sizes;
        this.held = Arrays.stream(sizes).sum();
        this.capacity = capacityOf(levels.length);
    }

    /** {@return the sketch that {@link #levels} described; null if it cannot have been one} */
    static @Nullable Kll of(double[][] levels) {
        if (levels.length < 1 || levels.length > MOST_LEVELS) {
            return null;
        }
        int[] sizes = new int[levels.length];
        for (int h = 0; h < levels.length; h++) {
            sizes[h] = levels[h].length;
            for (int i = 0; i < sizes[h]; i++) {
                boolean falls = h > 0 && i > 0 && levels[h][i] < levels[h][i - 1];
                if (falls || !Double.isFinite(levels[h][i])) {
                    return null;
                }
            }
        }
        Kll sketch = new Kll(levels, sizes);
        return sketch.held <= sketch.capacity ? sketch : null;
    }

    /** {@return the numbers held, level by level} */
    double[][] levels() {
        double[][] copy = new double[levels.length][];
        for (int h = 0; h < copy.length; h++) {
            copy[h] = Arrays.copyOf(levels[h], sizes[h]);
        }
        return copy;
    }

    void add(double value) {
        if (held == capacity) {
            compress();
        }
        int size = sizes[0];
        if (size == levels[0].length) {
            levels[0] = Arrays.copyOf(levels[0], Math.max(FIRST_ROOM, 2 * size));
        }
        levels[0][size] = value;
        sizes[0] = size + 1;
        held++;
    }

    void merge(Kll other) {
        double[][] theirs = other.levels();
        while (levels.length < theirs.length) {
            addLevel();
        }
        levels[0] = concatenated(levels[0], sizes[0], theirs[0]);
        sizes[0] += theirs[0].length;
        for (int h = 1; h < theirs.length; h++) {
            insert(h, theirs[h], theirs[h].length);
        }
        held = Arrays.stream(sizes).sum();
        while (held > capacity) {
            compress();
        }
    }

    /** {@return how many numbers were added} */
    long count() {
        long count = 0;
        for (int h = 0; h < sizes.length; h++) {
            count += (long) sizes[h] << h;
        }
        return count;
    }

    /**
     * {@return by how much the share of the numbers below any one may be wrong, with 99% confidence; 0 as long as every
     * number is held. The curve is the one fitted to KLL by Apache DataSketches}
     */
    double error() {
        return levels.length == 1 ? 0 : 2.296 / Math.pow(K, 0.9723);
    }

    /** {@return the numbers with their weights} */
    Weighted weighted() {
        double[] values = new double[held];
        long[] weights = new long[held];
        double[] bottom = Arrays.copyOf(levels[0], sizes[0]);
        Arrays.sort(bottom);
        int end = 0;
        for (int h = levels.length - 1; h >= 0; h--) {
            double[] level = h == 0 ? bottom : levels[h];
            int a = end - 1;
            int b = sizes[h] - 1;
            end += sizes[h];
            for (int to = end - 1; b >= 0; to--) {
                boolean ours = a >= 0 && values[a] > level[b];
                weights[to] = ours ? weights[a] : 1L << h;
                values[to] = ours ? values[a--] : level[b--];
            }
        }
        return Weighted.ofSorted(values, weights);
    }

    private void compress() {
        int h = 0;
        while (sizes[h] < capacityOf(h, levels.length)) {
            h++;
        }
        if (h == levels.length - 1) {
            addLevel();
        }
        double[] level = levels[h];
        int size = sizes[h];
        if (h == 0) {
            Arrays.sort(level, 0, size);
        }
        int odd = size & 1;
        int half = size / 2;
        int from = odd + coin(level, size, h);
        double[] promoted = new double[half];
        for (int i = 0; i < half; i++) {
            promoted[i] = level[from + 2 * i];
        }
        sizes[h] = odd;
        insert(h + 1, promoted, half);
        held -= half;
    }

    /** Merges from the back, in place. */
    private void insert(int h, double[] sorted, int count) {
        int size = sizes[h];
        if (levels[h].length < size + count) {
            levels[h] = Arrays.copyOf(levels[h], Math.max(size + count, capacityOf(h, levels.length)));
        }
        double[] level = levels[h];
        int a = size - 1;
        int b = count - 1;
        for (int to = size + count - 1; b >= 0; to--) {
            level[to] = a >= 0 && level[a] > sorted[b] ? level[a--] : sorted[b--];
        }
        sizes[h] = size + count;
    }

    private void addLevel() {
        levels = Arrays.copyOf(levels, levels.length + 1);
        levels[levels.length - 1] = new double[0];
        sizes = Arrays.copyOf(sizes, levels.length);
        capacity = capacityOf(levels.length);
    }

    private static int coin(double[] level, int size, int h) {
        long bits = Double.doubleToRawLongBits(level[0]) * 31 + Double.doubleToRawLongBits(level[size / 2]);
        bits = bits * 31 + Double.doubleToRawLongBits(level[size - 1]);
        return (int) (Hashes.mixed(bits * 31 + h) >>> 63);
    }

    private static double[] concatenated(double[] first, int size, double[] second) {
        double[] both = Arrays.copyOf(first, Math.max(FIRST_ROOM, size + second.length));
        System.arraycopy(second, 0, both, size, second.length);
        return both;
    }

    private static int capacityOf(int h, int levels) {
        return Math.max(LEAST, (int) Math.ceil(K * Math.pow(SHRINK, levels - 1.0 - h)));
    }

    private static int capacityOf(int levels) {
        int sum = 0;
        for (int h = 0; h < levels; h++) {
            sum += capacityOf(h, levels);
        }
        return sum;
    }
}
