package dev.flywheel.serving.batch;

/** The clock of this package: nanoseconds since it was first asked, never 0, so that they compare as numbers. */
final class Nanos {

    private static final long ORIGIN = System.nanoTime() - 1;

    private Nanos() {}

    static long now() {
        return System.nanoTime() - ORIGIN;
    }
}
