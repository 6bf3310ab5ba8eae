package dev.flywheel.core.stat.stream;

import dev.flywheel.core.StoreException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * A map from a model's scores to calibrated probabilities that keeps their order. Immutable.
 *
 * <p>Fit it on rows that the model did not train on, some hundreds of each class at least: at either end it answers the
 * share of the few rows there, which may be exactly 0 or 1.
 */
public final class Calibration implements DoubleUnaryOperator {

    /**
     * A corner of the map; between two of them it is a straight line.
     *
     * @param score the model's score
     * @param probability the calibrated probability there, from 0 to 1
     */
    public record Corner(double score, double probability) {}

    /**
     * A calibration as data. Immutable.
     *
     * @param corners at least one, of growing scores and probabilities that do not shrink
     */
    public record Saved(List<Corner> corners) {
        /** Copies the list. */
        public Saved {
            corners = List.copyOf(corners);
        }
    }

    private final double[] scores;
    private final double[] probabilities;

    private Calibration(List<Corner> corners) {
        scores = corners.stream().mapToDouble(Corner::score).toArray();
        probabilities = corners.stream().mapToDouble(Corner::probability).toArray();
    }

    /**
     * {@return the isotonic regression of labels on scores: the growing map with the least squared error, by pooling
     * adjacent violators (Ayer et al., 1955), rows of one score together} Takes O(n log n).
     *
     * @param scores the model's scores, [rows], finite
     * @param labels what came true, [rows], 0 or 1
     * @throws IllegalArgumentException if the arrays are empty, differ in length, or hold other values
     */
    public static Calibration isotonic(double[] scores, double[] labels) {
        check(scores, labels);
        int[] order = IntStream.range(0, scores.length)
                .boxed()
                .sorted((a, b) -> Double.compare(scores[a], scores[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        List<Corner> corners = new ArrayList<>();
        for (Pool pool : pools(order, scores, labels)) {
            corners.add(new Corner(pool.first, pool.mean()));
            if (pool.last > pool.first) {
                corners.add(new Corner(pool.last, pool.mean()));
            }
        }
        return new Calibration(corners);
    }

    private static List<Pool> pools(int[] order, double[] scores, double[] labels) {
        List<Pool> pools = new ArrayList<>();
        for (int i = 0; i < order.length; ) {
            double score = scores[order[i]];
            int start = i;
            double sum = 0;
            while (i < order.length && scores[order[i]] == score) {
                sum += labels[order[i++]];
            }
            Pool next = new Pool(score, score, sum, i - start);
            while (!pools.isEmpty() && pools.get(pools.size() - 1).joins(next)) {
                next = pools.remove(pools.size() - 1).with(next);
            }
            pools.add(next);
        }
        return pools;
    }

    /** Neighbouring rows that share one probability. */
    private record Pool(double first, double last, double sum, long rows) {

        double mean() {
            return sum / rows;
        }

        boolean joins(Pool next) {
            // products of whole numbers: exact, so that equal means are seen to be equal
            return sum * next.rows >= next.sum * rows;
        }

        Pool with(Pool next) {
            return new Pool(first, next.last, sum + next.sum, rows + next.rows);
        }
    }

    /**
     * {@return the calibration as it was when it was saved}
     *
     * @throws StoreException if it has no corners, or they are not in order
     */
    public static Calibration of(Saved saved) {
        List<Corner> corners = saved.corners();
        if (corners.isEmpty()) {
            throw damaged("it has no corners");
        }
        Corner before = new Corner(Double.NEGATIVE_INFINITY, 0);
        for (Corner corner : corners) {
            boolean inOrder = corner.score() > before.score()
                    && corner.score() < Double.POSITIVE_INFINITY
                    && corner.probability() >= before.probability()
                    && corner.probability() <= 1;
            if (!inOrder) {
                throw damaged(corner + " comes after " + before);
            }
            before = corner;
        }
        return new Calibration(corners);
    }

    /** {@return the calibrated probability of a score, that of the nearest corner outside of the fitted range} */
    @Override
    public double applyAsDouble(double score) {
        if (Double.isNaN(score)) {
            throw new IllegalArgumentException("a score must be a number, found NaN");
        }
        int at = Arrays.binarySearch(scores, score);
        if (at >= 0) {
            return probabilities[at];
        }
        int upper = -at - 1;
        if (upper == 0) {
            return probabilities[0];
        }
        if (upper == scores.length) {
            return probabilities[upper - 1];
        }
        double share = (score - scores[upper - 1]) / (scores[upper] - scores[upper - 1]);
        return probabilities[upper - 1] + share * (probabilities[upper] - probabilities[upper - 1]);
    }

    /** {@return the calibration as data} */
    public Saved saved() {
        return new Saved(IntStream.range(0, scores.length)
                .mapToObj(i -> new Corner(scores[i], probabilities[i]))
                .toList());
    }

    private static void check(double[] scores, double[] labels) {
        if (scores.length != labels.length || scores.length == 0) {
            throw new IllegalArgumentException("a calibration needs rows with a score and a label each, found "
                    + scores.length + " scores and " + labels.length + " labels");
        }
        for (int i = 0; i < scores.length; i++) {
            if (!Double.isFinite(scores[i])) {
                throw new IllegalArgumentException(
                        "the score of row " + i + " is " + scores[i] + ", expected a finite number");
            }
            if (labels[i] != 0 && labels[i] != 1) {
                throw new IllegalArgumentException("the label of row " + i + " is " + labels[i] + ", expected 0 or 1");
            }
        }
    }

    private static StoreException damaged(String why) {
        return new StoreException(
                "restoring a calibration",
                why,
                "restore the file that it was saved in from a backup, or fit a new one");
    }
}
