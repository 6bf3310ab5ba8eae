package dev.flywheel.serving.monitor;

import java.util.Arrays;

/**
 * How often values of which size were counted, in 16 buckets for each power of two (the layout of HdrHistogram), so
 * that a value is known within 6%; values below 32 are known exactly. Immutable.
 */
public final class Histogram {

    private static final int SUB_BITS = 4;
    private static final int SUB = 1 << SUB_BITS;

    private static final Histogram EMPTY = new Histogram(new long[0]);

    private final long[] counts;
    private final long count;

    private Histogram(long[] counts) {
        this.counts = counts;
        this.count = Arrays.stream(counts).sum();
    }

    /** {@return a histogram without values} */
    public static Histogram empty() {
        return EMPTY;
    }

    /** {@return a histogram with these counts, bucket by bucket} */
    public static Histogram of(long[] counts) {
        int used = counts.length;
        while (used > 0 && counts[used - 1] == 0) {
            used--;
        }
        return used == 0 ? EMPTY : new Histogram(Arrays.copyOf(counts, used));
    }

    /** {@return the number of the bucket, from 0, in which a value is counted; negative values count as 0} */
    public static int bucket(long value) {
        if (value < SUB) {
            return (int) Math.max(0, value);
        }
        int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(value);
        return (exponent - SUB_BITS + 1) * SUB + (int) (value >>> (exponent - SUB_BITS) & (SUB - 1));
    }

    /** {@return how many values were counted} */
    public long count() {
        return count;
    }

    /**
     * {@return the value that this share of the values did not exceed, within 6%; 0 without values}
     *
     * @param share 0 to 1, such as 0.99
     */
    public long quantile(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a quantile is for a share of 0 to 1, found " + share);
        }
        long rank = Math.max(1, (long) Math.ceil(share * count));
        for (int i = 0; i < counts.length; i++) {
            rank -= counts[i];
            if (rank <= 0) {
                return middle(i);
            }
        }
        return 0;
    }

    /**
     * {@return the share of the values that do not exceed this one, which counts for its whole bucket; NaN without any}
     */
    public double shareUpTo(long value) {
        long within = 0;
        for (int i = 0; i < Math.min(counts.length, bucket(value) + 1); i++) {
            within += counts[i];
        }
        return count == 0 ? Double.NaN : (double) within / count;
    }

    /** {@return what no value exceeded, at most 6% above the largest; 0 without values} */
    public long max() {
        return counts.length == 0 ? 0 : least(counts.length) - 1;
    }

    /** {@return the sum of the values, each as the middle of its bucket: within 3%} */
    public double sum() {
        double sum = 0;
        for (int i = 0; i < counts.length; i++) {
            sum += (double) counts[i] * middle(i);
        }
        return sum;
    }

    /** {@return the mean value, within 3%; 0 without values} */
    public double mean() {
        return count == 0 ? 0 : sum() / count;
    }

    /** {@return the values of both} */
    public Histogram plus(Histogram other) {
        long[] sum = Arrays.copyOf(counts, Math.max(counts.length, other.counts.length));
        for (int i = 0; i < other.counts.length; i++) {
            sum[i] += other.counts[i];
        }
        return of(sum);
    }

    /**
     * {@return the values that came since}
     *
     * @param earlier the same histogram at an earlier time; counts below its own are taken for none
     */
    public Histogram since(Histogram earlier) {
        long[] rest = counts.clone();
        for (int i = 0; i < Math.min(rest.length, earlier.counts.length); i++) {
            rest[i] = Math.max(0, rest[i] - earlier.counts[i]);
        }
        return of(rest);
    }

    private static long middle(int bucket) {
        long least = least(bucket);
        return least + ((least(bucket + 1) - least) >> 1);
    }

    private static long least(int bucket) {
        if (bucket < SUB) {
            return bucket;
        }
        return (long) (SUB + bucket % SUB) << (bucket / SUB - 1);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Histogram that && Arrays.equals(counts, that.counts);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(counts);
    }

    @Override
    public String toString() {
        return count + (count == 1 ? " value" : " values") + ", p50 " + quantile(0.5) + ", p90 " + quantile(0.9)
                + ", p99 " + quantile(0.99) + ", p99.9 " + quantile(0.999) + ", at most " + max();
    }
}
