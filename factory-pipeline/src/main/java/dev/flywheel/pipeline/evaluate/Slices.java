package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How good a model is on parts of the test rows: for each frequent value or range of a column. Thread-safe. */
public final class Slices {

    /** Fewer rows than this make no slice. */
    static final int FEWEST_ROWS = 50;

    private static final int FEWEST_PER_COLUMN = 3;

    /** What stands for the column of a part of the rows that was found to be weak. */
    static final String WEAK = "Found to be weak";

    private Slices() {}

    /**
     * {@return the parts of the rows, by one column or two, in which predictions are significantly farther from the
     * outcomes than on the rest of them, the surest first} Distance is the squared error. At most one time in twenty is
     * any found where there is none.
     *
     * @param test the test rows
     * @param labels the outcomes, of shape [rows], in the dataset's order
     * @param scores the predictions, of shape [rows] or [rows, classes], in the dataset's order
     * @param columns the names of the columns to look at
     * @throws IllegalArgumentException if a column does not exist
     */
    static List<Slice> weak(Dataset test, double[] labels, double[] scores, Task task, List<String> columns) {
        List<List<Grouping.Group>> groups = columns.stream()
                .map(column -> Grouping.of(test, column).atLeast(FEWEST_ROWS))
                .toList();
        int[][] values = new int[columns.size()][labels.length];
        for (int column = 0; column < values.length; column++) {
            Arrays.fill(values[column], -1);
            for (int value = 0; value < groups.get(column).size(); value++) {
                for (int row : groups.get(column).get(value).rows()) {
                    values[column][row] = value;
                }
            }
        }
        List<Slice> weak = new ArrayList<>();
        for (WeakParts.Part part : WeakParts.find(losses(labels, scores), values, FEWEST_ROWS)) {
            String name = columns.get(part.column()) + " = "
                    + groups.get(part.column()).get(part.value()).value();
            if (part.otherColumn() >= 0) {
                name += ", " + columns.get(part.otherColumn()) + " = "
                        + groups.get(part.otherColumn()).get(part.otherValue()).value();
            }
            weak.add(slice(WEAK, new Grouping.Group(name, part.rowsOf(values)), labels, scores, task));
        }
        return List.copyOf(weak);
    }

    /** The squared distance of each row's prediction from its outcome, or of its probabilities from certainty. */
    private static double[] losses(double[] labels, double[] scores) {
        int width = scores.length / labels.length;
        double[] losses = new double[labels.length];
        for (int i = 0; i < scores.length; i++) {
            double label = labels[i / width];
            double wanted = width == 1 ? label : label == i % width ? 1 : 0;
            losses[i / width] += (scores[i] - wanted) * (scores[i] - wanted);
        }
        return losses;
    }

    /**
     * The rows in which a column has a value or lies in a range. Immutable.
     *
     * @param column the column's name
     * @param value the value, or the range as text
     * @param rows the number of rows, at least 50
     * @param meanLabel the mean label of these rows: the base rate for {@link Task#BINARY}; for {@link Task#MULTICLASS}
     *     the share of the most frequent class, which is what a guess would get right
     * @param metric the task's most telling metric
     * @param estimate its estimate on these rows
     */
    public record Slice(String column, String value, long rows, double meanLabel, Metric metric, Estimate estimate) {

        /** {@return whether it was found to be weak in a search, rather than cut beforehand} */
        public boolean found() {
            return column.equals(WEAK);
        }

        /** {@return which rows these are, such as "colour = red"} */
        public String describe() {
            return found() ? value : column + " = " + value;
        }

        /** {@return whether the whole interval is on the worse side of the estimate for all rows} */
        public boolean weakerThan(Estimate all) {
            return metric.higherIsBetter() ? estimate.high() < all.value() : estimate.low() > all.value();
        }
    }

    /**
     * {@return the slices of some columns, column by column} Texts, booleans and integers of at most 10 different
     * values give a slice for each frequent value, the most frequent first; other numbers and times one for each
     * quarter of the rows. Columns in which all rows fall together give none.
     *
     * @param test the test rows
     * @param labels the outcomes, of shape [rows], in the dataset's order
     * @param scores the predictions, of shape [rows] or [rows, classes], in the dataset's order
     * @param columns the names of the columns to cut by
     * @param maxSlices the largest number of slices, shared evenly by the columns, but at least 3 for each until they
     *     are used up
     * @throws IllegalArgumentException if the lengths differ or a column does not exist
     */
    public static List<Slice> of(
            Dataset test, double[] labels, double[] scores, Task task, List<String> columns, int maxSlices) {
        boolean several = task == Task.MULTICLASS && test.rows() > 0 && scores.length % test.rows() == 0;
        if (labels.length != test.rows() || (!several && scores.length != test.rows())) {
            throw new IllegalArgumentException(
                    "each of the " + test.rows() + " rows needs a label and a prediction, found " + labels.length
                            + " labels and " + scores.length + " predictions");
        }
        if (columns.isEmpty()
                || labels.length == 0
                || !Evaluation.fault(task, labels, scores).isEmpty()) {
            return List.of();
        }
        int share = Math.max(FEWEST_PER_COLUMN, maxSlices / columns.size());
        List<Slice> slices = new ArrayList<>();
        for (String column : columns) {
            List<Grouping.Group> groups = Grouping.of(test, column).atLeast(FEWEST_ROWS);
            int count = Math.min(share, maxSlices - slices.size());
            for (Grouping.Group group : groups.subList(0, Math.min(count, groups.size()))) {
                slices.add(slice(column, group, labels, scores, task));
            }
        }
        return List.copyOf(slices);
    }

    /**
     * {@return for each column the number of test rows whose value or range of it has fewer than 50 of them, so that
     * nothing can be said; columns without such rows are left out}
     */
    public static Map<String, Long> unjudged(Dataset test, List<String> columns) {
        Map<String, Long> found = new LinkedHashMap<>();
        for (String column : columns) {
            long rows = Grouping.of(test, column).all().stream()
                    .mapToLong(group -> group.rows().length)
                    .filter(count -> count < FEWEST_ROWS)
                    .sum();
            if (rows > 0) {
                found.put(column, rows);
            }
        }
        return found;
    }

    private static Slice slice(String column, Grouping.Group group, double[] labels, double[] scores, Task task) {
        int[] rows = group.rows();
        int width = scores.length / labels.length;
        double[] ownLabels = new double[rows.length];
        double[] ownScores = new double[rows.length * width];
        for (int i = 0; i < rows.length; i++) {
            ownLabels[i] = labels[rows[i]];
            System.arraycopy(scores, rows[i] * width, ownScores, i * width, width);
        }
        double mean = task == Task.MULTICLASS
                ? commonest(ownLabels, width)
                : Arrays.stream(ownLabels).average().orElse(Double.NaN);
        Metric metric = Metric.of(task).get(0);
        return new Slice(
                column, group.value(), rows.length, mean, metric, Metrics.estimate(metric, ownLabels, ownScores));
    }

    private static double commonest(double[] labels, int classes) {
        long[] counts = new long[classes];
        for (double label : labels) {
            counts[(int) label]++;
        }
        return Arrays.stream(counts).max().orElse(0) / (double) labels.length;
    }
}
