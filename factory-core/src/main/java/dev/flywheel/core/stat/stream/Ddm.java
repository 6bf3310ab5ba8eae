package dev.flywheel.core.stat.stream;

import java.util.Map;

/** DDM (Gama, Medas, Castillo and Rodrigues, Learning with Drift Detection, SBIA 2004). */
final class Ddm extends Detector {

    static final String KIND = "ddm";

    private static final int LEAST = 30;

    private final double warning;
    private final double drift;

    private long n;
    private double rate;
    private double lowest;
    private double lowestDeviation;
    /** The value after which the warning began; 0 if there is none. */
    private long warned;

    Ddm(double warning, double drift) {
        super(Map.of("warning", warning, "drift", drift));
        if (!(warning > 0)) {
            throw new IllegalArgumentException("warning must be above 0 standard deviations, found " + warning);
        }
        ordered("warning", warning, "drift", drift);
        this.warning = warning;
        this.drift = drift;
        clear();
    }

    static Ddm of(Settings settings) {
        return new Ddm(settings.number("warning"), settings.number("drift"));
    }

    @Override
    void check(double value) {
        share(value);
    }

    @Override
    Change step(double value) {
        n++;
        rate += (value - rate) / n;
        if (n <= LEAST) {
            return Change.STABLE;
        }
        double deviation = Math.sqrt(Math.max(0, rate * (1 - rate)) / n);
        double level = rate + deviation;
        if (level <= lowest + lowestDeviation) {
            lowest = rate;
            lowestDeviation = deviation;
        }
        if (!(level > lowest + warning * lowestDeviation)) {
            warned = 0;
            return Change.STABLE;
        }
        warned = warned == 0 ? n : warned;
        return level > lowest + drift * lowestDeviation ? Change.DRIFT : Change.WARNING;
    }

    @Override
    long changedFor() {
        return n - warned + 1;
    }

    @Override
    void clear() {
        n = 0;
        rate = 0;
        lowest = Double.POSITIVE_INFINITY;
        lowestDeviation = Double.POSITIVE_INFINITY;
        warned = 0;
    }

    @Override
    String kind() {
        return KIND;
    }

    @Override
    double[] memory() {
        return new double[] {n, rate, lowest, lowestDeviation, warned};
    }

    @Override
    void remember(double[] memory) {
        length(memory, 5);
        n = (long) memory[0];
        rate = memory[1];
        lowest = memory[2];
        lowestDeviation = memory[3];
        warned = (long) memory[4];
    }
}
