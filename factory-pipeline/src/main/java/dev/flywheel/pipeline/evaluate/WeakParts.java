package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.stat.drift.FalseDiscovery;
import dev.flywheel.core.stat.experiment.Effect;
import dev.flywheel.core.stat.experiment.Lift;
import dev.flywheel.core.stat.experiment.Moments;
import dev.flywheel.core.stat.experiment.Tail;
import dev.flywheel.core.stat.experiment.Welch;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Looks for parts of some rows where a model loses more than on the rest: every value of a column, and every pair of
 * values of two columns, as Slice Finder does (Chung, Kraska, Polyzotis, Tae and Whang, ICDE 2019). Thread-safe.
 *
 * <p>Each part with enough rows on either side is tested against the rest (Welch's t, one-sided), and the p-values are
 * corrected for the number of parts looked at (Benjamini and Hochberg). Of those that are significant, the surest is
 * kept first, and another only if it still loses more on the rows that no part before it has: a pair of values that is
 * weak makes both values look weak, and the other way round.
 *
 * <p>Where outcomes are less certain, a model loses more however good it is: a weak part is where it is worth asking
 * why. Pairs are left out where they would take longer than some seconds.
 */
final class WeakParts {

    private static final double RATE = 0.05;
    private static final double MOST_CELLS = 2e9;

    private WeakParts() {}

    /**
     * The rows that have one value in a column, or one in each of two. Immutable.
     *
     * @param column the position of the column
     * @param value the value in it
     * @param otherColumn the position of the second column; -1 if there is none
     * @param otherValue the value in it; -1 if there is none
     * @param rows the number of rows
     * @param effect the mean loss of the part less that of the rest, with the lower end of its 95% interval
     * @param q the corrected p-value, below 0.05
     */
    record Part(int column, int value, int otherColumn, int otherValue, long rows, Effect effect, double q) {

        /** {@return the positions of its rows} */
        int[] rowsOf(int[][] columns) {
            return IntStream.range(0, columns[column].length)
                    .filter(holds(columns))
                    .toArray();
        }

        private IntPredicate holds(int[][] columns) {
            return row -> columns[column][row] == value && (otherColumn < 0 || columns[otherColumn][row] == otherValue);
        }
    }

    /**
     * {@return the parts that are significantly weak, the surest first; if none is, any is found one time in twenty at
     * most}
     *
     * @param losses what the model loses on each row, such as its log loss, of shape [rows]
     * @param columns the value of each row in each column, counted from 0, or -1 where it is of none, of shape
     *     [columns, rows]
     * @param fewest the rows that a part and its rest must have, at least 2
     * @throws IllegalArgumentException if a column has not as many rows as there are losses, or a loss is not finite
     */
    static List<Part> find(double[] losses, int[][] columns, int fewest) {
        Moments all = moments(losses, row -> true);
        List<Part> parts = new ArrayList<>();
        for (int column = 0; column < columns.length; column++) {
            if (columns[column].length != losses.length) {
                throw new IllegalArgumentException("each of " + losses.length + " rows needs a value, found "
                        + columns[column].length + " in column " + column);
            }
            add(parts, losses, columns, column, -1, all, fewest);
        }
        boolean few = (double) columns.length * columns.length * losses.length <= MOST_CELLS;
        for (int column = 1; few && column < columns.length; column++) {
            for (int other = 0; other < column; other++) {
                add(parts, losses, columns, other, column, all, fewest);
            }
        }
        double[] q = FalseDiscovery.benjaminiHochberg(
                parts.stream().mapToDouble(part -> part.effect.p()).toArray());
        List<Part> weak = new ArrayList<>();
        for (int i = 0; i < q.length; i++) {
            Part part = parts.get(i);
            if (q[i] < RATE) {
                weak.add(new Part(
                        part.column, part.value, part.otherColumn, part.otherValue, part.rows, part.effect, q[i]));
            }
        }
        weak.sort(Comparator.comparingDouble((Part part) -> part.effect.p())
                .thenComparing(part -> part.effect.estimate(), Comparator.reverseOrder()));
        return surest(weak, losses, columns);
    }

    private static void add(
            List<Part> parts, double[] losses, int[][] columns, int column, int other, Moments all, int fewest) {
        int values = 1 + max(columns[column]);
        int others = other < 0 ? 1 : 1 + max(columns[other]);
        long[] rows = new long[values * others];
        double[] sums = new double[rows.length];
        double[] squares = new double[rows.length];
        for (int row = 0; row < losses.length; row++) {
            int value = columns[column][row];
            int second = other < 0 ? 0 : columns[other][row];
            if (value >= 0 && second >= 0) {
                int cell = value * others + second;
                // around the mean of all, so that the squares keep their digits
                double loss = losses[row] - all.mean();
                rows[cell]++;
                sums[cell] += loss;
                squares[cell] += loss * loss;
            }
        }
        for (int cell = 0; cell < rows.length; cell++) {
            long rest = losses.length - rows[cell];
            if (rows[cell] >= fewest && rest >= fewest) {
                Moments inside = around(rows[cell], sums[cell], squares[cell]);
                Moments outside = around(rest, -sums[cell], all.m2() - squares[cell]);
                Effect effect = effect(outside, inside);
                int otherValue = other < 0 ? -1 : cell % others;
                parts.add(new Part(column, cell / others, other, otherValue, rows[cell], effect, 1));
            }
        }
    }

    private static Moments around(long n, double sum, double squares) {
        return new Moments(n, sum / n, Math.max(0, squares - sum * sum / n));
    }

    private static Effect effect(Moments rest, Moments part) {
        return Welch.effect(rest.sample(), part.sample(), Lift.ABSOLUTE, Tail.GREATER, RATE / 2);
    }

    private static List<Part> surest(List<Part> weak, double[] losses, int[][] columns) {
        List<Part> kept = new ArrayList<>();
        BitSet taken = new BitSet(losses.length);
        // what the correction took for significant; 5% would let through what is left of it by chance
        double accepted =
                weak.stream().mapToDouble(part -> part.effect.p()).max().orElse(0);
        for (Part part : weak) {
            IntPredicate holds = part.holds(columns);
            Moments inside = moments(losses, row -> holds.test(row) && !taken.get(row));
            Moments outside = moments(losses, row -> !holds.test(row) && !taken.get(row));
            if (kept.isEmpty() || effect(outside, inside).p() <= accepted) {
                kept.add(part);
                for (int row : part.rowsOf(columns)) {
                    taken.set(row);
                }
            }
        }
        return List.copyOf(kept);
    }

    private static Moments moments(double[] losses, IntPredicate rows) {
        Moments moments = Moments.NONE;
        for (int row = 0; row < losses.length; row++) {
            if (!Double.isFinite(losses[row])) {
                throw new IllegalArgumentException(
                        "the loss of row " + row + " is " + losses[row] + ", expected a finite number");
            }
            moments = rows.test(row) ? moments.plus(losses[row]) : moments;
        }
        return moments;
    }

    private static int max(int[] values) {
        int max = -1;
        for (int value : values) {
            max = Math.max(max, value);
        }
        return max;
    }
}
