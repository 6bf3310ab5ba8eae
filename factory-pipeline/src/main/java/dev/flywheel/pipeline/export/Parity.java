package dev.flywheel.pipeline.export;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.train.TrainedModel;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How far an exported graph is from what the training engine says about the same rows. Immutable.
 *
 * @param difference the largest difference of an answer; of regressions as a share of the answer, or of what answers
 *     are on average where that is more, so that numbers of any unit are held to the same; infinite where only one of
 *     the two is a number
 * @param row the row of that difference
 * @param engine what the training engine says about it
 * @param graph what the graph says about it
 * @param rows how many rows were compared; 0 for a model that is served as it was brought
 */
public record Parity(double difference, int row, double engine, double graph, int rows) {

    /** Single precision, after some thousand additions in another order. */
    public static final double USUAL = 1e-5;

    private static final int MOST_ROWS = 4_096;

    /**
     * {@return the parity of a model with the graph that was made of it} Takes at most 4,096 rows, evenly spread.
     *
     * @param model what was exported
     * @param rows held-back rows, as the model's features make them
     * @param scores what the graph says about the same rows; of several answers a row, one row after the other
     * @throws IllegalArgumentException if there is no row, or the scores are not of these rows
     */
    public static Parity of(TrainedModel model, FeatureMatrix rows, double[] scores) {
        int all = rows.rows();
        if (all == 0 || scores.length == 0 || scores.length % all != 0) {
            throw new IllegalArgumentException(
                    "parity is found over one row and more, found " + scores.length + " scores for " + all + " rows");
        }
        int answers = scores.length / all;
        int count = Math.min(all, MOST_ROWS);
        int[] chosen = IntStream.range(0, count)
                .map(place -> (int) ((long) place * all / count))
                .toArray();
        double[] said = model.predict(count == all ? rows : rows.select(chosen));
        double usual = Arrays.stream(said)
                .filter(Double::isFinite)
                .map(Math::abs)
                .average()
                .orElse(0);
        boolean free = model.task() == Task.REGRESSION;
        Parity worst = new Parity(-1, 0, 0, 0, count);
        for (int i = 0; i < said.length; i++) {
            int row = chosen[i / answers];
            double score = scores[row * answers + i % answers];
            double difference = difference(said[i], score, free ? Math.max(Math.abs(said[i]), usual) : 1);
            if (difference > worst.difference) {
                worst = new Parity(difference, row, said[i], score, count);
            }
        }
        return worst;
    }

    private static double difference(double engine, double graph, double unit) {
        if (engine == graph || Double.compare(engine, graph) == 0) { // zeros of either sign are one number
            return 0;
        }
        double difference = Math.abs(engine - graph) / unit;
        return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
    }

    /** {@return whether the graph may stand for the model} */
    public boolean holds() {
        return difference <= USUAL;
    }

    @Override
    public String toString() {
        return "parity within " + difference + " over " + rows + " rows, worst in row " + row + ": " + engine
                + " by the training engine, " + graph + " by the graph";
    }
}
