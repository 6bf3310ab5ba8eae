package dev.flywheel.core.stat.stream;

import java.util.Map;

/**
 * HDDM with the A-test (Frias-Blanco et al., Online and Non-Parametric Drift Detection Methods Based on Hoeffding's
 * Bounds, IEEE TKDE 27, 2015).
 */
final class HddmA extends Detector {

    static final String KIND = "hddm-a";

    private final Direction direction;
    /** ln(1 / confidence of a drift), which also places the cut. */
    private final double cutLog;

    private final double driftLog;
    private final double warningLog;

    private long n;
    private double mean;
    private long lowN;
    private double lowMean;
    private long highN;
    private double highMean;
    private long newer;

    HddmA(double drift, double warning, Direction direction) {
        super(Map.of("drift", drift, "warning", warning, "either", Settings.direction(direction)));
        this.direction = direction;
        open("drift", drift);
        open("warning", warning);
        ordered("drift", drift, "warning", warning);
        cutLog = Math.log(1 / drift);
        driftLog = Math.log(2 / drift);
        warningLog = Math.log(2 / warning);
    }

    static HddmA of(Settings settings) {
        return new HddmA(settings.number("drift"), settings.number("warning"), settings.direction());
    }

    @Override
    void check(double value) {
        share(value);
    }

    @Override
    Change step(double value) {
        n++;
        mean += (value - mean) / n;
        double bound = bound(n);
        if (lowN == 0 || lowMean + bound(lowN) >= mean + bound) {
            lowN = n;
            lowMean = mean;
        }
        Change change = judged(lowN, mean - lowMean);
        newer = n - lowN;
        if (direction == Direction.EITHER) {
            if (highN == 0 || highMean - bound(highN) <= mean - bound) {
                highN = n;
                highMean = mean;
            }
            Change fall = judged(highN, highMean - mean);
            newer = fall == Change.DRIFT ? n - highN : newer;
            change = worse(change, fall);
        }
        return change;
    }

    private double bound(long count) {
        return Math.sqrt(cutLog / (2.0 * count));
    }

    private Change judged(long cut, double difference) {
        if (cut == n || difference <= 0) {
            return Change.STABLE;
        }
        double spread = (double) (n - cut) / cut / n / 2;
        double squared = difference * difference;
        if (squared >= spread * driftLog) {
            return Change.DRIFT;
        }
        return squared >= spread * warningLog ? Change.WARNING : Change.STABLE;
    }

    @Override
    long changedFor() {
        return newer;
    }

    @Override
    void clear() {
        n = 0;
        mean = 0;
        lowN = 0;
        lowMean = 0;
        highN = 0;
        highMean = 0;
        newer = 0;
    }

    @Override
    String kind() {
        return KIND;
    }

    @Override
    double[] memory() {
        return new double[] {n, mean, lowN, lowMean, highN, highMean, newer};
    }

    @Override
    void remember(double[] memory) {
        length(memory, 7);
        n = (long) memory[0];
        mean = memory[1];
        lowN = (long) memory[2];
        lowMean = memory[3];
        highN = (long) memory[4];
        highMean = memory[5];
        newer = (long) memory[6];
    }
}
