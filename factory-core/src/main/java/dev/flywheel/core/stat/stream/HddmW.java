package dev.flywheel.core.stat.stream;

import java.util.Map;

/**
 * HDDM with the W-test (Frias-Blanco et al., Online and Non-Parametric Drift Detection Methods Based on Hoeffding's
 * Bounds, IEEE TKDE 27, 2015).
 */
final class HddmW extends Detector {

    static final String KIND = "hddm-w";

    private final double weight;
    private final Direction direction;
    private final double driftLog;
    private final double warningLog;

    private final Weighted all = new Weighted();
    private final Side low = new Side(1);
    private final Side high = new Side(-1);
    private long newer;

    HddmW(double drift, double warning, double weight, Direction direction) {
        super(Map.of("drift", drift, "warning", warning, "weight", weight, "either", Settings.direction(direction)));
        this.weight = open("weight", weight);
        this.direction = direction;
        open("drift", drift);
        open("warning", warning);
        ordered("drift", drift, "warning", warning);
        driftLog = Math.log(1 / drift) / 2;
        warningLog = Math.log(1 / warning) / 2;
    }

    static HddmW of(Settings settings) {
        return new HddmW(
                settings.number("drift"), settings.number("warning"), settings.number("weight"), settings.direction());
    }

    /** An exponentially weighted mean, and the sum of the squared weights in it (McDiarmid's bound needs it). */
    private final class Weighted {

        long n;
        double mean;
        double squaredWeights = 1;

        void add(double value) {
            mean = n == 0 ? value : mean + weight * (value - mean);
            double rest = 1 - weight;
            squaredWeights = weight * weight + rest * rest * squaredWeights;
            n++;
        }

        void set(Weighted other) {
            n = other.n;
            mean = other.mean;
            squaredWeights = other.squaredWeights;
        }

        void clear() {
            n = 0;
            mean = 0;
            squaredWeights = 1;
        }
    }

    /** What was before and after the lowest mean (sign 1) or the highest (sign -1). */
    private final class Side {

        final int sign;
        final Weighted before = new Weighted();
        final Weighted after = new Weighted();
        double cut = Double.POSITIVE_INFINITY;

        Side(int sign) {
            this.sign = sign;
        }

        Change add(double value) {
            double level = sign * all.mean + Math.sqrt(all.squaredWeights * driftLog);
            if (level < cut) {
                cut = level;
                before.set(all);
                after.clear();
                return Change.STABLE;
            }
            after.add(value);
            double difference = sign * (after.mean - before.mean);
            double squared = difference * difference;
            double spread = before.squaredWeights + after.squaredWeights;
            if (difference <= 0 || !(squared > spread * warningLog)) {
                return Change.STABLE;
            }
            return squared > spread * driftLog ? Change.DRIFT : Change.WARNING;
        }

        void clear() {
            before.clear();
            after.clear();
            cut = Double.POSITIVE_INFINITY;
        }
    }

    @Override
    void check(double value) {
        share(value);
    }

    @Override
    Change step(double value) {
        all.add(value);
        Change change = low.add(value);
        newer = low.after.n;
        if (direction == Direction.EITHER) {
            Change fall = high.add(value);
            newer = fall == Change.DRIFT ? high.after.n : newer;
            change = worse(change, fall);
        }
        return change;
    }

    @Override
    long changedFor() {
        // The lowest mean may be long ago; 95% of what the mean now weighs are its last 3 / weight values.
        return Math.min(newer, (long) Math.ceil(3 / weight));
    }

    @Override
    void clear() {
        all.clear();
        low.clear();
        high.clear();
        newer = 0;
    }

    @Override
    String kind() {
        return KIND;
    }

    private Weighted[] means() {
        return new Weighted[] {all, low.before, low.after, high.before, high.after};
    }

    @Override
    double[] memory() {
        double[] memory = new double[18];
        memory[0] = newer;
        memory[1] = low.cut;
        memory[2] = high.cut;
        int next = 3;
        for (Weighted mean : means()) {
            memory[next++] = mean.n;
            memory[next++] = mean.mean;
            memory[next++] = mean.squaredWeights;
        }
        return memory;
    }

    @Override
    void remember(double[] memory) {
        length(memory, 18);
        newer = (long) memory[0];
        low.cut = memory[1];
        high.cut = memory[2];
        int next = 3;
        for (Weighted mean : means()) {
            mean.n = (long) memory[next++];
            mean.mean = memory[next++];
            mean.squaredWeights = memory[next++];
        }
    }
}
