package dev.flywheel.core.stat.drift;

/**
 * Rows of a histogram between two values, spread evenly; all at one value where both are equal. Immutable.
 *
 * @param low the least value
 * @param high the greatest value, at least {@code low}
 * @param count the rows, at least 0
 */
public record Bucket(double low, double high, double count) {

    /** @throws IllegalArgumentException if the borders are no numbers in order, or the count is negative */
    public Bucket {
        if (!(low <= high) || !(count >= 0)) {
            throw new IllegalArgumentException("a bucket needs low <= high and count >= 0, found " + low + " to " + high
                    + " with " + count + " rows");
        }
    }

    /** {@return how many of the rows lie between two neighbouring borders, or at a point where both are equal} */
    double within(double from, double to) {
        if (low == high || from == to) {
            return low == high && from == to && low == from ? count : 0;
        }
        return count * Math.max(0, Math.min(high, to) - Math.max(low, from)) / (high - low);
    }
}
