package dev.flywheel.pipeline.train;

import com.google.common.math.LongMath;
import dev.flywheel.core.DataException;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * Cross-validation in the order of time: each fold is tested on the stretch after the one that it learns from, and the
 * next fold learns from both. Immutable.
 *
 * <pre>{@code
 * Trainers.search(Trainers.mlp(64, 32)).over(Folds.expanding(5).gap(Duration.ofDays(7)))
 * }</pre>
 *
 * <p>The gap is what lies between a row and the time its outcome is known: without one, a fold learns from outcomes
 * that nobody knew when its first test row came.
 */
public final class Folds implements Serializable {

    private static final long serialVersionUID = 1L;

    private final int count;
    private final Duration time;
    private final int rows;

    private Folds(int count, Duration time, int rows) {
        this.count = count;
        this.time = time;
        this.rows = rows;
    }

    /**
     * {@return folds that each learn from all that came before their test rows, without a gap}
     *
     * @param count how many, at least 1
     */
    public static Folds expanding(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("Folds.expanding is invalid: found " + count + ", expected at least 1");
        }
        return new Folds(count, Duration.ZERO, 0);
    }

    /** {@return the same without training rows from this long before a fold's first test row; zero or more} */
    public Folds gap(Duration chosen) {
        if (Objects.requireNonNull(chosen, "gap").isNegative()) {
            throw new IllegalArgumentException("Folds.gap is invalid: found " + chosen + ", expected zero or more");
        }
        return new Folds(count, chosen, rows);
    }

    /** {@return the same without this many rows before a fold's first test row; 0 or more} */
    public Folds gap(int chosen) {
        if (chosen < 0) {
            throw new IllegalArgumentException("Folds.gap is invalid: found " + chosen + ", expected 0 or more");
        }
        return new Folds(count, time, chosen);
    }

    /** {@return the folds in words, the same for equal ones} */
    String describe() {
        return count + " expanding" + (time.isZero() ? "" : ", gap " + time)
                + (rows == 0 ? "" : ", gap " + rows + " rows");
    }

    /** The rows of one fold, by their positions, in the order of time. Immutable. */
    public static final class Fold {

        private final int[] train;
        private final int[] test;

        Fold(int[] train, int[] test) {
            this.train = train;
            this.test = test;
        }

        /** {@return the positions of the rows to learn from} */
        public int[] train() {
            return train.clone();
        }

        /** {@return the positions of the rows to test on, all later than those to learn from} */
        public int[] test() {
            return test.clone();
        }
    }

    /**
     * {@return the folds, the oldest first} The rows are cut into one stretch more than there are folds, of about the
     * same number of rows each; rows of the same time stay together.
     *
     * @param times of the rows, in microseconds since the epoch, in any order
     * @throws DataException if there are too few different times, or the gap leaves a fold nothing to learn from
     */
    public List<Fold> of(long[] times) {
        int[] order = IntStream.range(0, times.length)
                .boxed()
                .sorted((a, b) -> Long.compare(times[a], times[b]))
                .mapToInt(row -> row)
                .toArray();
        int[] cuts = new int[count + 2];
        cuts[count + 1] = order.length;
        for (int fold = 1; fold <= count; fold++) {
            int cut = Math.max(cuts[fold - 1] + 1, (int) ((long) order.length * fold / (count + 1)));
            while (cut < order.length && times[order[cut]] == times[order[cut - 1]]) {
                cut++;
            }
            if (cut >= order.length) {
                throw impossible(
                        times.length,
                        "there are too few different times",
                        "bring more examples or ask for fewer folds");
            }
            cuts[fold] = cut;
        }
        List<Fold> folds = new ArrayList<>();
        for (int fold = 1; fold <= count; fold++) {
            int learned = learned(times, order, cuts[fold]);
            if (learned == 0) {
                throw impossible(
                        times.length,
                        "the gap leaves fold " + fold + " nothing to learn from",
                        "choose a smaller gap, or bring older examples");
            }
            folds.add(new Fold(Arrays.copyOf(order, learned), Arrays.copyOfRange(order, cuts[fold], cuts[fold + 1])));
        }
        return List.copyOf(folds);
    }

    /** How many of the first rows may be learned from. */
    private int learned(long[] times, int[] order, int cut) {
        long last = LongMath.saturatedSubtract(times[order[cut]], TimeUnit.MICROSECONDS.convert(time));
        int learned = Math.max(0, cut - rows);
        while (learned > 0 && times[order[learned - 1]] > last) {
            learned--;
        }
        return learned;
    }

    private DataException impossible(int examples, String why, String fix) {
        return new DataException(count + " folds of " + examples + " examples", why, fix);
    }
}
