package dev.flywheel.pipeline.explain;

import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Metric;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * How much a raw column adds to a model's quality: what is lost of the metric when the column is permuted among the
 * rows, so that it tells nothing about its own row any more (Breiman, <em>Random Forests</em>, 2001; Fisher, Rudin and
 * Dominici, <em>All Models are Wrong, but Many are Useful</em>, JMLR 2019). Immutable.
 *
 * <p>Columns that tell the same stand in for each other, so that each seems to add little.
 *
 * @param column the column
 * @param metric what the quality is measured by
 * @param rows on how many rows
 * @param repeats by how many permutations
 * @param loss the mean over the permutations of how much worse the metric gets (positive: worse, whatever its
 *     direction), with a 95% interval that accounts for the choice of the rows as well as for the permutations
 */
public record Importance(String column, Metric metric, int rows, int repeats, Estimate loss) {

    static final int MOST_ROWS = 2_000;
    static final int MOST_REPEATS = 5;

    /** What all permutations may take of the machine: rows to be scored, and their time where the model is slow. */
    private static final int MOST_SCORES = 100_000;

    private static final double MOST_SECONDS = 5;
    private static final int FEWEST_ROWS = 50;

    /** Half a 95% interval in standard errors. */
    private static final double Z = 1.959964;

    /**
     * {@return the importance of every column that the model takes, the greatest first} On at most {@value #MOST_ROWS}
     * rows, by at most {@value #MOST_REPEATS} permutations; fewer of both where 100,000 rows to be scored, or 5 seconds
     * of scoring, do not suffice. The subject's seed decides about everything else.
     *
     * @param metric one of the model's task
     */
    public static List<Importance> of(Subject subject, Metric metric) {
        Cells cells = subject.cells();
        int columns = cells.schema().size();
        if (columns == 0) {
            return List.of();
        }
        double affordable = Math.min(MOST_SCORES, MOST_SECONDS / subject.secondsPerRow()) / columns;
        int rows = (int) Math.min(Math.min(cells.rows(), MOST_ROWS), Math.max(FEWEST_ROWS, affordable));
        int repeats = (int) Math.max(1, Math.min(MOST_REPEATS, affordable / rows));
        SplittableRandom random = new SplittableRandom(subject.seed());
        int[] chosen = Cells.sample(cells.rows(), rows, random);
        double[] labels =
                Arrays.stream(chosen).mapToDouble(row -> subject.labels()[row]).toArray();
        double[] clean = subject.score(cells.rows(rows, row -> column -> chosen[row]));
        List<Importance> found = new ArrayList<>();
        for (int column = 0; column < columns; column++) {
            Estimate[] losses = new Estimate[repeats];
            for (int repeat = 0; repeat < repeats; repeat++) {
                double[] scores = subject.score(permuted(cells, chosen, column, random));
                losses[repeat] = Subject.loss(metric, labels, clean, scores);
            }
            found.add(new Importance(cells.schema().column(column).name(), metric, rows, repeats, mean(losses)));
        }
        found.sort(Comparator.comparingDouble((Importance each) -> -each.loss.value()));
        return List.copyOf(found);
    }

    private static List<RowReader> permuted(Cells cells, int[] chosen, int column, SplittableRandom random) {
        int[] order = Cells.permutation(chosen.length, random);
        return cells.rows(chosen.length, row -> at -> chosen[at == column ? order[row] : row]);
    }

    /**
     * The interval is as wide as that of one permutation, which holds the chance in the rows and in that permutation:
     * the mean of several varies less, by how much cannot be told from five.
     */
    private static Estimate mean(Estimate[] losses) {
        double value =
                Arrays.stream(losses).mapToDouble(Estimate::value).average().orElse(Double.NaN);
        double variance = Arrays.stream(losses)
                .mapToDouble(loss -> (loss.high() - loss.low()) / (2 * Z))
                .map(error -> error * error)
                .average()
                .orElse(Double.NaN);
        double half = Z * Math.sqrt(variance);
        return new Estimate(value, value - half, value + half, losses[0].method());
    }
}
