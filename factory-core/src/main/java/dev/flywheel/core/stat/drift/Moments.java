package dev.flywheel.core.stat.drift;

/**
 * Count, mean and variance in one pass (Welford 1962), merged after Chan, Golub and LeVeque (1979), with the extremes.
 * Not thread-safe.
 */
final class Moments {

    long count;
    double mean;
    double squares;
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;

    void add(double value) {
        count++;
        double fromOldMean = value - mean;
        mean += fromOldMean / count;
        squares += fromOldMean * (value - mean);
        min = Math.min(min, value);
        max = Math.max(max, value);
    }

    void merge(Moments other) {
        if (other.count == 0) {
            return;
        }
        long both = count + other.count;
        double apart = other.mean - mean;
        squares += other.squares + apart * apart * count * other.count / both;
        mean += apart * other.count / both;
        count = both;
        min = Math.min(min, other.min);
        max = Math.max(max, other.max);
    }

    /** {@return the mean squared distance from the mean; NaN without values} */
    double variance() {
        return squares / count;
    }
}
