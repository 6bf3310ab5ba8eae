package dev.flywheel.core.stat.stream;

import dev.flywheel.core.StoreException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A watcher of one stream of numbers that says when their mean changed. It is fed value by value and starts afresh with
 * the value after a {@link Change#DRIFT}. Not thread-safe, and not mergeable: the order of the values is what it looks
 * at, so one stream needs one detector.
 *
 * <p>Which one: {@link #adwin() ADWIN} for numbers of a range of about 1, when a stated rate of false alarms and a
 * change in either direction matter; {@link #hddmA() HDDM_A} and {@link #hddmW() HDDM_W} for errors (0 right, 1 wrong)
 * or losses from 0 to 1 with a stated confidence, A for lasting and W for sudden changes; {@link #ddm() DDM} and
 * {@link #eddm() EDDM} as the literature's yardsticks; {@link #pageHinkley() Page-Hinkley} for numbers of any range, if
 * the size of a change that matters is known.
 *
 * <p>Save it with {@link #saved()}, a record that {@link dev.flywheel.core.io.Json} writes and reads; the detector that
 * {@link #of} makes of it answers what the saved one would have answered, to the last bit.
 */
public abstract sealed class Detector permits Adwin, Ddm, Eddm, HddmA, HddmW, PageHinkley {

    /** What a detector says of its stream, from the least to the most severe. */
    public enum Change {
        /** No sign of a change. */
        STABLE,
        /** A change may have begun. ADWIN and Page-Hinkley know no warning. */
        WARNING,
        /** The mean changed. */
        DRIFT
    }

    /** The changes of the mean that a detector looks for. */
    public enum Direction {
        /** Only a mean that grows, as that of errors does when a model fades. */
        INCREASE,
        /** A mean that grows or shrinks. */
        EITHER
    }

    /**
     * A detector as data. Immutable.
     *
     * @param kind which detector: adwin, ddm, eddm, hddm-a, hddm-w or page-hinkley
     * @param settings what it was made with, by name
     * @param values what it remembers, in an order that only the kind knows
     */
    public record Saved(String kind, Map<String, Double> settings, List<Double> values) {
        /** Copies both collections. */
        public Saved {
            settings = Map.copyOf(settings);
            values = List.copyOf(values);
        }
    }

    private final Map<String, Double> settings;
    private long values;
    private long sinceChange;
    private boolean drifted;

    Detector(Map<String, Double> settings) {
        this.settings = settings;
    }

    /** {@return ADWIN for changes in either direction, with a delta of 0.002} */
    public static Detector adwin() {
        return adwin(0.002, Direction.EITHER);
    }

    /**
     * {@return ADWIN (Bifet and Gavalda, SDM 2007): a window that keeps growing, in buckets of 1, 2, 4, ... values, and
     * is cut at any border between two buckets whose sides differ in their means by more than chance} Memory grows with
     * the logarithm of the window; cuts are looked for with every 32nd value. The bound on chance takes the values to
     * span about 1: divide what spans more, or small windows alarm too easily.
     *
     * @param delta the greatest probability of a false alarm of one look, above 0 and below 1
     * @param direction with {@code INCREASE} a window whose mean shrinks forgets its old part in silence
     */
    public static Detector adwin(double delta, Direction direction) {
        return new Adwin(delta, direction);
    }

    /** {@return DDM that warns from 2 and alarms from 3 standard deviations on} */
    public static Detector ddm() {
        return ddm(2, 3);
    }

    /**
     * {@return DDM (Gama et al., SBIA 2004): compares the error rate with the lowest one so far} Takes values from 0 to
     * 1 and needs 30 of them. After errors of exactly zero, its first error is a drift.
     *
     * @param warning how many standard deviations above the lowest rate are a warning
     * @param drift how many are a drift, at least {@code warning}
     */
    public static Detector ddm(double warning, double drift) {
        return new Ddm(warning, drift);
    }

    /** {@return EDDM that warns below 0.95 and alarms below 0.9 of the greatest distance, as its paper proposes} */
    public static Detector eddm() {
        return eddm(0.95, 0.9);
    }

    /**
     * {@return EDDM (Baena-Garcia et al., 2006): compares the distance between two errors, mean and two standard
     * deviations, with the greatest one so far} Takes only 0 and 1 and needs 30 errors. Its paper's thresholds alarm
     * often on streams without a change.
     *
     * @param warning below which share of the greatest distance it warns, above 0 and below 1
     * @param drift below which share it alarms, at most {@code warning}
     */
    public static Detector eddm(double warning, double drift) {
        return new Eddm(warning, drift);
    }

    /** {@return HDDM_A for a growing mean, with confidence 0.001 for a drift and 0.005 for a warning} */
    public static Detector hddmA() {
        return hddmA(0.001, 0.005, Direction.INCREASE);
    }

    /**
     * {@return HDDM_A (Frias-Blanco et al., IEEE TKDE 27, 2015): compares the mean of all values with the mean up to
     * the point where it was lowest, by Hoeffding's inequality} Takes values from 0 to 1.
     *
     * @param drift the confidence of a drift, above 0 and below 1
     * @param warning the confidence of a warning, at least {@code drift}
     * @param direction the changes to look for
     */
    public static Detector hddmA(double drift, double warning, Direction direction) {
        return new HddmA(drift, warning, direction);
    }

    /** {@return HDDM_W for a growing mean, with confidence 0.001 and 0.005 and 0.05 as the newest value's weight} */
    public static Detector hddmW() {
        return hddmW(0.001, 0.005, 0.05, Direction.INCREASE);
    }

    /**
     * {@return HDDM_W (Frias-Blanco et al., IEEE TKDE 27, 2015): compares exponentially weighted means before and after
     * the point where the mean was lowest, by McDiarmid's inequality} Takes values from 0 to 1.
     *
     * @param drift the confidence of a drift, above 0 and below 1
     * @param warning the confidence of a warning, at least {@code drift}
     * @param weight the weight of the newest value, above 0 and below 1
     * @param direction the changes to look for
     */
    public static Detector hddmW(double drift, double warning, double weight, Direction direction) {
        return new HddmW(drift, warning, weight, direction);
    }

    /** {@return the Page-Hinkley test for a growing mean, with a tolerance of 0.005 and a threshold of 50} */
    public static Detector pageHinkley() {
        return pageHinkley(0.005, 50, Direction.INCREASE);
    }

    /**
     * {@return the test of Page (Biometrika 41, 1954) and Hinkley (1970): sums by how much the values exceed their mean
     * and the tolerance, forgets a ten-thousandth of the sum with each value, and alarms when it exceeds the threshold}
     * Needs 30 values.
     *
     * @param tolerance the change of the mean that is let pass, in the values' unit, 0 or more
     * @param threshold the sum that is a drift, in the values' unit, above 0; 50 means: 10 values that lie 5 higher
     * @param direction the changes to look for
     */
    public static Detector pageHinkley(double tolerance, double threshold, Direction direction) {
        return new PageHinkley(tolerance, threshold, direction);
    }

    /**
     * {@return the detector as it was when it was saved}
     *
     * @throws StoreException if no detector saves itself like this
     */
    public static Detector of(Saved saved) {
        Settings given = new Settings(saved);
        try {
            Detector detector = switch (saved.kind()) {
                case Adwin.KIND -> Adwin.of(given);
                case Ddm.KIND -> Ddm.of(given);
                case Eddm.KIND -> Eddm.of(given);
                case HddmA.KIND -> HddmA.of(given);
                case HddmW.KIND -> HddmW.of(given);
                case PageHinkley.KIND -> PageHinkley.of(given);
                default -> throw given.damaged("there is no detector of this kind");
            };
            detector.load(given.values());
            return detector;
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw given.damaged(String.valueOf(e.getMessage()));
        }
    }

    /**
     * {@return what the stream shows after one more value}
     *
     * @throws IllegalArgumentException if the value is NaN or infinite, or outside what this kind takes; leave missing
     *     values out
     */
    public final Change add(double value) {
        check(value);
        if (drifted) {
            reset();
        }
        values++;
        Change change = step(value);
        drifted = change == Change.DRIFT;
        sinceChange = drifted ? changedFor() : 0;
        return change;
    }

    /** Forgets every value. */
    public final void reset() {
        values = 0;
        sinceChange = 0;
        drifted = false;
        clear();
    }

    /** {@return how many values it has seen since it started afresh} */
    public final long values() {
        return values;
    }

    /**
     * {@return how many of the last values are taken to come after the change; 0 unless the last answer was a drift} A
     * rough estimate: for ADWIN what is left of the window, for HDDM_A what came after the lowest mean and for HDDM_W
     * at most {@code 3 / weight} of it, for DDM and EDDM what came since the warning, for Page-Hinkley twice what came
     * since the sum passed half of the threshold.
     */
    public final long sinceChange() {
        return sinceChange;
    }

    /** {@return the detector as data} */
    public final Saved saved() {
        double[] memory = memory();
        double[] all = new double[3 + memory.length];
        all[0] = values;
        all[1] = sinceChange;
        all[2] = drifted ? 1 : 0;
        System.arraycopy(memory, 0, all, 3, memory.length);
        return new Saved(kind(), settings, Arrays.stream(all).boxed().toList());
    }

    private void load(double[] all) {
        remember(Arrays.copyOfRange(all, 3, Math.max(3, all.length)));
        values = (long) all[0];
        sinceChange = (long) all[1];
        drifted = all[2] != 0;
    }

    /** Refuses a value that this kind cannot take. */
    abstract void check(double value);

    abstract Change step(double value);

    /** {@return how many of the last values come after the drift that was just found} */
    abstract long changedFor();

    abstract void clear();

    abstract String kind();

    abstract double[] memory();

    /** Takes back what {@link #memory} gave; any exception of a wrong length or argument is reported as damage. */
    abstract void remember(double[] memory);

    static void finite(double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("a detector takes finite numbers, found " + value);
        }
    }

    static void share(double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("this detector takes values from 0 to 1, found " + value);
        }
    }

    static double open(String name, double value) {
        if (!(value > 0 && value < 1)) {
            throw new IllegalArgumentException(name + " must be above 0 and below 1, found " + value);
        }
        return value;
    }

    static void ordered(String lowerName, double lower, String upperName, double upper) {
        if (!(lower <= upper)) {
            throw new IllegalArgumentException(
                    lowerName + " must be at most " + upperName + ", found " + lower + " and " + upper);
        }
    }

    static void length(double[] memory, int expected) {
        if (memory.length != expected) {
            throw new IllegalArgumentException("it remembers " + memory.length + " values, expected " + expected);
        }
    }

    static Change worse(Change first, Change second) {
        return first.compareTo(second) >= 0 ? first : second;
    }
}
