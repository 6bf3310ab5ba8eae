package dev.flywheel.benchmarks;

import org.HdrHistogram.Histogram;

/**
 * What one round found.
 *
 * @param rate requests a second
 * @param nanos how long requests took; values are right to one percent
 */
record Measured(double rate, Histogram nanos) {

    /** {@return an empty histogram for times up to a minute} */
    static Histogram histogram() {
        Histogram histogram = new Histogram(60_000_000_000L, 2);
        histogram.setAutoResize(true);
        return histogram;
    }

    /** {@return the microseconds that {@code share} of the requests did not exceed} */
    double micros(double share) {
        return nanos.getValueAtPercentile(100 * share) / 1e3;
    }

    double slowestMicros() {
        return nanos.getMaxValue() / 1e3;
    }
}
