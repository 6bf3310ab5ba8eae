package dev.flywheel.core.stat.stream;

import java.util.Map;

/** EDDM (Baena-Garcia et al., Early Drift Detection Method, 4th Workshop on Knowledge Discovery from Streams, 2006). */
final class Eddm extends Detector {

    static final String KIND = "eddm";

    private static final int LEAST = 30;

    private final double warning;
    private final double drift;

    private long n;
    private long errors;
    private long lastError;
    private double mean;
    private double squares;
    private double greatest;
    /** The value at which the warning began; 0 if there is none. */
    private long warned;

    Eddm(double warning, double drift) {
        super(Map.of("warning", warning, "drift", drift));
        this.warning = open("warning", warning);
        this.drift = open("drift", drift);
        ordered("drift", drift, "warning", warning);
    }

    static Eddm of(Settings settings) {
        return new Eddm(settings.number("warning"), settings.number("drift"));
    }

    @Override
    void check(double value) {
        if (value != 0 && value != 1) {
            throw new IllegalArgumentException("this detector takes 0 (right) and 1 (wrong), found " + value);
        }
    }

    @Override
    Change step(double value) {
        n++;
        if (value == 0) {
            return warned > 0 ? Change.WARNING : Change.STABLE;
        }
        double distance = n - lastError;
        lastError = n;
        errors++;
        double gap = distance - mean;
        mean += gap / errors;
        squares += gap * (distance - mean);
        return n > LEAST ? judged() : Change.STABLE;
    }

    private Change judged() {
        double level = mean + 2 * (errors > 1 ? Math.sqrt(squares / (errors - 1)) : 0);
        greatest = Math.max(greatest, level);
        if (errors <= LEAST || !(level < warning * greatest)) {
            warned = 0;
            return Change.STABLE;
        }
        warned = warned == 0 ? n : warned;
        return level < drift * greatest ? Change.DRIFT : Change.WARNING;
    }

    @Override
    long changedFor() {
        return n - warned + 1;
    }

    @Override
    void clear() {
        n = 0;
        errors = 0;
        lastError = 0;
        mean = 0;
        squares = 0;
        greatest = 0;
        warned = 0;
    }

    @Override
    String kind() {
        return KIND;
    }

    @Override
    double[] memory() {
        return new double[] {n, errors, lastError, mean, squares, greatest, warned};
    }

    @Override
    void remember(double[] memory) {
        length(memory, 7);
        n = (long) memory[0];
        errors = (long) memory[1];
        lastError = (long) memory[2];
        mean = memory[3];
        squares = memory[4];
        greatest = memory[5];
        warned = (long) memory[6];
    }
}
