package dev.flywheel.core.stat.stream;

import java.util.Map;

/** The cumulative sum test of Page (Continuous Inspection Schemes, Biometrika 41, 1954) and Hinkley (1970). */
final class PageHinkley extends Detector {

    static final String KIND = "page-hinkley";

    private static final int LEAST = 30;
    private static final double KEPT = 0.9999;

    private final double tolerance;
    private final double threshold;
    private final Direction direction;

    private long n;
    private double mean;
    private double above;
    private double below;
    /** How many of the last values found the sum beyond half of the threshold. */
    private long aboveFor;

    private long belowFor;

    PageHinkley(double tolerance, double threshold, Direction direction) {
        super(Map.of("tolerance", tolerance, "threshold", threshold, "either", Settings.direction(direction)));
        if (!(tolerance >= 0 && tolerance < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("tolerance must be 0 or more, found " + tolerance);
        }
        if (!(threshold > 0 && threshold < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("threshold must be above 0, found " + threshold);
        }
        this.tolerance = tolerance;
        this.threshold = threshold;
        this.direction = direction;
    }

    static PageHinkley of(Settings settings) {
        return new PageHinkley(settings.number("tolerance"), settings.number("threshold"), settings.direction());
    }

    @Override
    void check(double value) {
        finite(value);
    }

    @Override
    Change step(double value) {
        n++;
        mean += (value - mean) / n;
        above = Math.max(0, KEPT * above + (value - mean - tolerance));
        aboveFor = above > threshold / 2 ? aboveFor + 1 : 0;
        if (direction == Direction.EITHER) {
            below = Math.max(0, KEPT * below + (mean - value - tolerance));
            belowFor = below > threshold / 2 ? belowFor + 1 : 0;
        }
        return n >= LEAST && Math.max(above, below) >= threshold ? Change.DRIFT : Change.STABLE;
    }

    @Override
    long changedFor() {
        // After a change the sum grows steadily, so its first half took as long as its second; before, it strays.
        return Math.min(n, 2 * (above >= below ? aboveFor : belowFor));
    }

    @Override
    void clear() {
        n = 0;
        mean = 0;
        above = 0;
        below = 0;
        aboveFor = 0;
        belowFor = 0;
    }

    @Override
    String kind() {
        return KIND;
    }

    @Override
    double[] memory() {
        return new double[] {n, mean, above, below, aboveFor, belowFor};
    }

    @Override
    void remember(double[] memory) {
        length(memory, 6);
        n = (long) memory[0];
        mean = memory[1];
        above = memory[2];
        below = memory[3];
        aboveFor = (long) memory[4];
        belowFor = (long) memory[5];
    }
}
