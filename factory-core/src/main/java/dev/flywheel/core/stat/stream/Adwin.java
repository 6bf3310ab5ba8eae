package dev.flywheel.core.stat.stream;

import java.util.Arrays;
import java.util.Map;

/**
 * ADWIN2 (Bifet and Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007) with the variance of
 * its buckets (Babcock et al., PODS 2003). Every border between two buckets is a place to cut.
 */
final class Adwin extends Detector {

    static final String KIND = "adwin";

    private static final int CLOCK = 32;
    private static final int MOST = 5;
    private static final int ROOM = MOST + 1;
    private static final int LEAST_WINDOW = 10;
    private static final int LEAST_SIDE = 5;
    /** More than 2^60 values are never seen. */
    private static final int MOST_ROWS = 60;

    private final double delta;
    private final Direction direction;
    private final int clock;

    /** Row r holds buckets of 2^r values in {@code r * ROOM} and on, the oldest first. */
    private double[] sums = new double[8 * ROOM];
    /** The sums of squared deviations from the bucket's mean. */
    private double[] deviations = new double[8 * ROOM];

    private final int[] buckets = new int[MOST_ROWS];
    private int rows = 1;
    private long width;
    private double sum;
    private double deviation;
    private int sinceLook;

    Adwin(double delta, Direction direction) {
        this(delta, direction, CLOCK);
    }

    /** @param clock after how many values to look for a cut */
    Adwin(double delta, Direction direction, int clock) {
        super(Map.of("delta", delta, "either", Settings.direction(direction), "clock", (double) clock));
        this.delta = open("delta", delta);
        this.direction = direction;
        this.clock = clock;
    }

    static Adwin of(Settings settings) {
        return new Adwin(settings.number("delta"), settings.direction(), (int) settings.number("clock"));
    }

    long width() {
        return width;
    }

    double sum() {
        return sum;
    }

    /** {@return the sum of the squared deviations from the window's mean} */
    double deviation() {
        return deviation;
    }

    @Override
    void check(double value) {
        finite(value);
    }

    @Override
    Change step(double value) {
        if (width > 0) {
            double gap = value - sum / width;
            deviation += gap * gap * width / (width + 1.0);
        }
        width++;
        sum += value;
        push(0, value, 0);
        if (++sinceLook < clock) {
            return Change.STABLE;
        }
        sinceLook = 0;
        return width > LEAST_WINDOW ? shrink() : Change.STABLE;
    }

    private Change shrink() {
        double before = sum / width;
        long full = width;
        while (cuttable()) {
            dropOldest();
        }
        return width < full && (direction == Direction.EITHER || sum / width > before) ? Change.DRIFT : Change.STABLE;
    }

    private boolean cuttable() {
        double logs = Math.log(2 * Math.log((double) width) / delta);
        double scatter = 2 * logs * deviation / width;
        double constant = 2.0 / 3 * logs;
        long older = 0;
        double olderSum = 0;
        for (int row = rows - 1; row >= 0; row--) {
            for (int i = 0; i < buckets[row]; i++) {
                older += 1L << row;
                olderSum += sums[row * ROOM + i];
                long newer = width - older;
                if (newer < LEAST_SIDE) {
                    return false;
                }
                if (older >= LEAST_SIDE) {
                    double m = 1.0 / (older - LEAST_SIDE + 1) + 1.0 / (newer - LEAST_SIDE + 1);
                    double beyond = Math.abs(olderSum / older - (sum - olderSum) / newer) - constant * m;
                    // |difference| > sqrt(scatter m) + constant m, without the root
                    if (beyond > 0 && beyond * beyond > scatter * m) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private void push(int row, double bucketSum, double bucketDeviation) {
        if (row == rows) {
            grow();
        }
        int at = row * ROOM + buckets[row]++;
        sums[at] = bucketSum;
        deviations[at] = bucketDeviation;
        if (buckets[row] > MOST) {
            mergeOldest(row);
        }
    }

    private void mergeOldest(int row) {
        int at = row * ROOM;
        double size = 1L << row;
        double gap = (sums[at] - sums[at + 1]) / size;
        double bucketSum = sums[at] + sums[at + 1];
        double bucketDeviation = deviations[at] + deviations[at + 1] + gap * gap * size / 2;
        remove(row, 2);
        push(row + 1, bucketSum, bucketDeviation);
    }

    private void remove(int row, int count) {
        int at = row * ROOM;
        buckets[row] -= count;
        System.arraycopy(sums, at + count, sums, at, buckets[row]);
        System.arraycopy(deviations, at + count, deviations, at, buckets[row]);
    }

    private void grow() {
        rows++;
        if (sums.length < rows * ROOM) {
            sums = Arrays.copyOf(sums, 2 * sums.length);
            deviations = Arrays.copyOf(deviations, 2 * deviations.length);
        }
    }

    private void dropOldest() {
        remove(rows - 1, 1);
        while (rows > 1 && buckets[rows - 1] == 0) {
            rows--;
        }
        recount();
    }

    /** Adds the buckets up anew: taking one bucket off the totals would leave its rounding errors behind. */
    private void recount() {
        width = 0;
        sum = 0;
        deviation = 0;
        for (int row = rows - 1; row >= 0; row--) {
            double size = 1L << row;
            for (int i = row * ROOM; i < row * ROOM + buckets[row]; i++) {
                double gap = width == 0 ? 0 : sums[i] / size - sum / width;
                deviation += deviations[i] + gap * gap * width * size / (width + size);
                width += 1L << row;
                sum += sums[i];
            }
        }
    }

    @Override
    long changedFor() {
        return width;
    }

    @Override
    void clear() {
        Arrays.fill(buckets, 0);
        rows = 1;
        width = 0;
        sum = 0;
        deviation = 0;
        sinceLook = 0;
    }

    @Override
    String kind() {
        return KIND;
    }

    @Override
    double[] memory() {
        int count = Arrays.stream(buckets, 0, rows).sum();
        double[] memory = new double[4 + rows + 2 * count];
        memory[0] = sinceLook;
        memory[1] = sum;
        memory[2] = deviation;
        memory[3] = rows;
        int next = 4;
        for (int row = 0; row < rows; row++) {
            memory[next++] = buckets[row];
            for (int i = row * ROOM; i < row * ROOM + buckets[row]; i++) {
                memory[next++] = sums[i];
                memory[next++] = deviations[i];
            }
        }
        return memory;
    }

    @Override
    void remember(double[] memory) {
        clear();
        int found = (int) memory[3];
        int next = 4;
        for (int row = 0; row < found; row++) {
            if (row > 0) {
                grow();
            }
            int count = (int) memory[next++];
            for (int i = row * ROOM; i < row * ROOM + count; i++) {
                sums[i] = memory[next++];
                deviations[i] = memory[next++];
            }
            buckets[row] = count;
            width += (long) count << row;
        }
        length(memory, next);
        sinceLook = (int) memory[0];
        sum = memory[1];
        deviation = memory[2];
    }
}
