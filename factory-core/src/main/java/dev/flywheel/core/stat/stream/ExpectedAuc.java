package dev.flywheel.core.stat.stream;

import dev.flywheel.core.model.Estimate;
import java.util.stream.IntStream;

/**
 * The expected area under the ROC curve: the mean of psi over all pairs of different rows, weighted with p_i (1 - p_j),
 * where psi says whether i scores above j, and ties count half. Walks groups of rows from the lowest score on, twice:
 * for the area, and for how much each row's outcome moves it. Not thread-safe.
 */
final class ExpectedAuc {

    private final double positives;
    private final double negatives;
    private final double pairs;

    private double below;
    private double sum;

    private double lower;
    private double lowerPositives;
    private double variance;

    /**
     * @param rows the number of rows
     * @param positives the sum of the probabilities
     * @param scatter the sum of p (1 - p), the weight that pairs of a row with itself would have
     */
    ExpectedAuc(double rows, double positives, double scatter) {
        this.positives = positives;
        this.negatives = rows - positives;
        this.pairs = positives * negatives - scatter;
    }

    boolean defined() {
        return pairs > 0;
    }

    double pairs() {
        return pairs;
    }

    double area() {
        return sum / pairs;
    }

    /** Takes the next group of rows that count as tied. */
    void first(double rows, double groupPositives, double scatter) {
        double groupNegatives = rows - groupPositives;
        sum += groupPositives * (below + groupNegatives / 2) - scatter / 2;
        below += groupNegatives;
    }

    /** Takes the same groups again, once {@link #area} is known. */
    void second(double rows, double groupPositives, double scatter) {
        double groupNegatives = rows - groupPositives;
        double p = groupPositives / rows;
        double above = positives - lowerPositives - groupPositives;
        double bySum = lower - above + (groupNegatives - groupPositives) / 2 + p - 0.5;
        double byPairs = negatives - positives - 1 + 2 * p;
        double slope = (bySum - area() * byPairs) / pairs;
        variance += scatter * slope * slope;
        lower += groupNegatives;
        lowerPositives += groupPositives;
    }

    double error() {
        return Math.sqrt(variance);
    }

    static Estimate undefined() {
        return ExpectedQuality.undefined("one class is expected");
    }

    static Estimate exact(double[] scores, double[] probabilities) {
        if (scores.length != probabilities.length) {
            throw new IllegalArgumentException("each row needs a score and a probability, found " + scores.length
                    + " scores and " + probabilities.length + " probabilities");
        }
        double total = 0;
        double scatter = 0;
        for (int i = 0; i < scores.length; i++) {
            ExpectedQuality.checkProbability("score", scores[i]);
            ExpectedQuality.checkProbability("probability", probabilities[i]);
            total += probabilities[i];
            scatter += probabilities[i] * (1 - probabilities[i]);
        }
        ExpectedAuc auc = new ExpectedAuc(scores.length, total, scatter);
        if (!auc.defined()) {
            return undefined();
        }
        int[] order = IntStream.range(0, scores.length)
                .boxed()
                .sorted((a, b) -> Double.compare(scores[a], scores[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        walk(order, scores, probabilities, auc::first);
        walk(order, scores, probabilities, auc::second);
        return ExpectedQuality.interval(auc.area(), auc.error(), 0, 1);
    }

    private interface Group {
        void take(double rows, double positives, double scatter);
    }

    private static void walk(int[] order, double[] scores, double[] probabilities, Group each) {
        for (int i = 0; i < order.length; ) {
            double score = scores[order[i]];
            int start = i;
            double groupPositives = 0;
            double scatter = 0;
            while (i < order.length && scores[order[i]] == score) {
                double p = probabilities[order[i++]];
                groupPositives += p;
                scatter += p * (1 - p);
            }
            each.take((double) i - start, groupPositives, scatter);
        }
    }
}
