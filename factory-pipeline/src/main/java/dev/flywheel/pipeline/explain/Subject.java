package dev.flywheel.pipeline.explain;

import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A model under examination, and rows of known outcome to examine it on. Immutable; as thread-safe as its scorer.
 *
 * <p>It is examined on at most {@value #MOST_ROWS} rows, drawn at random by the seed; on fewer where they would take
 * more than 2 million cells (each number of a vector is one), or where the model takes more than 2 seconds for them; on
 * 200, where there are so many, in any case.
 */
public final class Subject {

    /** What an examination is made on at most. */
    static final int MOST_ROWS = 10_000;

    private static final int FEWEST_ROWS = 200;
    private static final int MOST_CELLS = 2_000_000;
    private static final double MOST_SECONDS = 2;

    /** What a model makes of rows: its number for each, as {@code Endpoint.score} gives it. */
    @FunctionalInterface
    public interface Scorer {

        /** {@return the scores of the rows, which are of one schema, in their order} */
        double[] score(List<? extends RowReader> rows);
    }

    /** What a model's own gradient can do to its predictions. */
    @FunctionalInterface
    public interface Attack {

        /**
         * {@return the predictions for some of the rows, each number of whose features was moved by {@code epsilon} of
         * its standard deviations to where the loss grows; empty if the model has no gradient}
         *
         * @param rows the numbers of the rows
         */
        Optional<double[]> scores(int[] rows, double epsilon);
    }

    private final Signature signature;
    private final Scorer scorer;
    private final Attack attack;
    private final int[] order;
    private final Cells cells;
    private final double[] labels;
    private final double[] scores;
    private final long seed;
    private final double secondsPerRow;

    private Subject(Signature signature, Scorer scorer, Attack attack, Dataset rows, double[] allLabels, long seed) {
        this.signature = signature;
        this.scorer = scorer;
        this.attack = attack;
        this.seed = seed;
        Set<String> columns = columns(signature);
        SplittableRandom random = new SplittableRandom(seed);
        int width = columns.stream()
                .map(column -> rows.schema().column(rows.schema().indexOf(column)))
                .mapToInt(column -> Math.max(1, column.length()))
                .sum();
        int most = Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, MOST_CELLS / Math.max(1, width)));
        int[] drawn = Cells.sample(allLabels.length, most, random);
        Cells sample = Cells.of(rows, columns, drawn);
        this.secondsPerRow = secondsPerRow(sample, scorer);
        int affordable = (int) Math.max(FEWEST_ROWS, Math.min(drawn.length, MOST_SECONDS / secondsPerRow));
        int[] kept = Cells.sample(drawn.length, affordable, random);
        this.order = Arrays.stream(kept).map(i -> drawn[i]).toArray();
        this.cells = kept.length == drawn.length ? sample : Cells.of(rows, columns, order);
        this.labels = Arrays.stream(order).mapToDouble(row -> allLabels[row]).toArray();
        this.scores = scorer.score(cells.all());
    }

    /** The first rows cost what loading and compiling cost: only a model that is slow for a few is judged by them. */
    private static double secondsPerRow(Cells sample, Scorer scorer) {
        double seconds = 0;
        int rows = 0;
        for (int most = 16; most <= 1_024 && rows < sample.rows() && seconds < 0.5; most *= 4) {
            rows = Math.min(most, sample.rows());
            long start = System.nanoTime();
            double[] unused = scorer.score(sample.rows(rows, row -> column -> row));
            seconds = (System.nanoTime() - start) / 1e9;
        }
        return seconds / rows;
    }

    /**
     * {@return a model to be examined}
     *
     * @param signature names the columns that it takes
     * @param scorer is asked for what it makes of rows with these columns
     * @param rows rows that it has not learned from
     * @param labels their outcomes, of shape [rows]
     * @param seed what is random comes from here: the same seed gives the same findings
     * @throws IllegalArgumentException if there is no row, the lengths differ, or a column is not in the rows
     */
    public static Subject of(Signature signature, Scorer scorer, Dataset rows, double[] labels, long seed) {
        return of(signature, scorer, (some, epsilon) -> Optional.empty(), rows, labels, seed);
    }

    /**
     * {@return a model to be examined that may have a gradient; see {@link #of(Signature, Scorer, Dataset, double[],
     * long)}}
     */
    public static Subject of(
            Signature signature, Scorer scorer, Attack attack, Dataset rows, double[] labels, long seed) {
        if (labels.length == 0 || labels.length != rows.rows()) {
            throw new IllegalArgumentException("a model is examined on rows of known outcome, found " + rows.rows()
                    + " rows and " + labels.length + " labels");
        }
        columns(signature).forEach(rows.schema()::indexOf);
        return new Subject(
                signature, Objects.requireNonNull(scorer), Objects.requireNonNull(attack), rows, labels, seed);
    }

    /** {@return the columns that a model takes} */
    static Set<String> columns(Signature signature) {
        Set<String> columns = new LinkedHashSet<>();
        signature.inputs().forEach(input -> columns.addAll(input.columns()));
        return columns;
    }

    /** {@return the columns that the model takes through one of its inputs} */
    Set<String> columns(String input) {
        Set<String> columns = new LinkedHashSet<>();
        signature.inputs().stream()
                .filter(spec -> spec.name().equals(input))
                .map(TensorSpec::columns)
                .forEach(columns::addAll);
        return columns;
    }

    /** {@return the rows of the examination, with the columns that the model takes} */
    Cells cells() {
        return cells;
    }

    /** {@return the outcomes of the rows} */
    double[] labels() {
        return labels;
    }

    /** {@return what the model makes of the rows as they are} */
    double[] scores() {
        return scores;
    }

    double[] score(List<RowReader> rows) {
        return scorer.score(rows);
    }

    Optional<double[]> attacked(double epsilon) {
        return attack.scores(order.clone(), epsilon);
    }

    long seed() {
        return seed;
    }

    double secondsPerRow() {
        return secondsPerRow;
    }

    /** {@return how much worse the metric is by other scores than by the first: positive is a loss, paired by row} */
    static Estimate loss(Metric metric, double[] labels, double[] clean, double[] other) {
        for (double[] scores : new double[][] {clean, other}) {
            double odd = Arrays.stream(scores)
                    .filter(score -> !Double.isFinite(score))
                    .findFirst()
                    .orElse(0);
            if (odd != 0) {
                return undefined("the model predicted " + odd);
            }
        }
        Estimate difference = Metrics.difference(metric, labels, clean, other);
        double first = metric.oriented(difference.low());
        double second = metric.oriented(difference.high());
        return new Estimate(
                metric.oriented(difference.value()),
                Math.min(first, second),
                Math.max(first, second),
                difference.method());
    }

    static Estimate undefined(String why) {
        return new Estimate(Double.NaN, Double.NaN, Double.NaN, "undefined: " + why);
    }
}
