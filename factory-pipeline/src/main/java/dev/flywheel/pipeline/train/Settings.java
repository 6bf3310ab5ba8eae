package dev.flywheel.pipeline.train;

/** Checks and prints settings of trainers. */
final class Settings {

    private Settings() {}

    static double atLeast(String name, double least, double value) {
        if (!(value >= least) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be at least " + plain(least) + ", found " + plain(value));
        }
        return value;
    }

    static double share(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(name + " is a share from 0 to below 1, found " + value);
        }
        return value;
    }

    static int atLeastOne(String name, int value) {
        return (int) atLeast(name, 1, value);
    }

    /** A number without a useless fraction. */
    static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
