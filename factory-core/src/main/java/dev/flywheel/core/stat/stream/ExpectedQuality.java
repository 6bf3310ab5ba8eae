package dev.flywheel.core.stat.stream;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The quality to expect of a binary model whose labels are not known yet, from calibrated probabilities alone: CBPE,
 * confidence-based performance estimation, as NannyML defines it. A row that is positive with probability p, and
 * predicted so, is p of a true positive and 1 - p of a false one. Takes rows one by one in constant memory (about 25
 * kB), and is mergeable: fill one a thread or a window, and {@link #merge} them. Not thread-safe.
 *
 * <p>What it can see and what not: inputs that move to where the model is less sure. It takes the probabilities at
 * their word, so it is blind to a world in which the same inputs now have other outcomes, and wrong where they are not
 * calibrated: fit a {@link Calibration} on rows that the model did not train on, and watch it with a
 * {@link CalibrationTable} once labels arrive.
 *
 * <p>It is for {@link Task#BINARY} only. A predicted number does not say how far off it may be, so nothing sound can be
 * said of the error of a regression without labels; its metrics are refused.
 *
 * <p>Every estimate is what to expect on these very rows, and its 95% interval is where the value will be found once
 * all their labels are known, if the probabilities are calibrated and the labels independent: the scatter of the
 * outcomes, through the delta method where the metric is a ratio. It says nothing of other rows, is normal, so doubtful
 * below some 50 rows, and is not widened for an error of the calibration.
 */
public final class ExpectedQuality {

    private static final double Z = 1.959963984540054;
    private static final String METHOD = "CBPE";
    /** As {@link Metric#LOG_LOSS} clips. */
    private static final double EPSILON = 1e-15;

    private static final int SUMS = 10;

    /**
     * The confusion matrix to expect, in rows.
     *
     * @param truePositives predicted and expected positive
     * @param falsePositives predicted positive, expected negative
     * @param falseNegatives predicted negative, expected positive
     * @param trueNegatives predicted and expected negative
     */
    public record Confusion(double truePositives, double falsePositives, double falseNegatives, double trueNegatives) {}

    /**
     * The expected quality as data. Immutable.
     *
     * @param threshold from which score on a row is predicted positive
     * @param values the sums and the table of scores, in an order that only the class knows
     */
    public record Saved(double threshold, List<Double> values) {
        /** Copies the list. */
        public Saved {
            values = List.copyOf(values);
        }
    }

    private final double threshold;
    private final Scores scores = new Scores();

    private long rows;
    private long predicted;
    private double truePositives;
    private double falseNegatives;
    /** The variance of the positives among the rows predicted positive, and among the others. */
    private double scatterPredicted;

    private double scatterOthers;
    private double logLoss;
    private double logLossScatter;
    private double brier;
    private double brierScatter;

    private ExpectedQuality(double threshold) {
        this.threshold = threshold;
    }

    /**
     * {@return the quality to expect, of no rows so far}
     *
     * @param threshold the score from which on a row is predicted positive, from 0 to 1
     */
    public static ExpectedQuality atThreshold(double threshold) {
        checkProbability("threshold", threshold);
        return new ExpectedQuality(threshold);
    }

    /**
     * {@return the expected quality as it was when it was saved}
     *
     * @throws StoreException if no expected quality saves itself like this
     */
    public static ExpectedQuality of(Saved saved) {
        try {
            ExpectedQuality restored = atThreshold(saved.threshold());
            restored.load(saved.values());
            return restored;
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new StoreException(
                    "restoring an expected quality",
                    String.valueOf(e.getMessage()),
                    "restore the file that it was saved in from a backup, or start with a new one",
                    e);
        }
    }

    /**
     * {@return the area under the ROC curve to expect, with no error of a table} Takes O(n log n) and all the rows.
     *
     * @param scores what the model answered, which orders the rows, [rows]
     * @param probabilities the calibrated probability that the row is positive, [rows]
     */
    public static Estimate rocAuc(double[] scores, double[] probabilities) {
        return ExpectedAuc.exact(scores, probabilities);
    }

    /**
     * Takes a row whose score is calibrated.
     *
     * @param probability the score and the probability that the row is positive, from 0 to 1
     */
    public void add(double probability) {
        add(probability, probability);
    }

    /**
     * Takes a row.
     *
     * @param score what the model answered, from 0 to 1: it decides on which side of the threshold the row is, orders
     *     the rows, and is judged by log loss and Brier score
     * @param probability the calibrated probability that the row is positive, from 0 to 1
     */
    public void add(double score, double probability) {
        checkProbability("score", score);
        checkProbability("probability", probability);
        double scatter = probability * (1 - probability);
        rows++;
        if (score >= threshold) {
            predicted++;
            truePositives += probability;
            scatterPredicted += scatter;
        } else {
            falseNegatives += probability;
            scatterOthers += scatter;
        }
        double ifPositive = lossOf(score);
        double ifNegative = lossOf(1 - score);
        logLoss += probability * ifPositive + (1 - probability) * ifNegative;
        logLossScatter += scatter * (ifPositive - ifNegative) * (ifPositive - ifNegative);
        brier += probability * (1 - score) * (1 - score) + (1 - probability) * score * score;
        brierScatter += scatter * (1 - 2 * score) * (1 - 2 * score);
        scores.add(score, probability);
    }

    /**
     * Takes all rows of another one, which stays as it is.
     *
     * @throws IllegalArgumentException if its threshold is another
     */
    public void merge(ExpectedQuality other) {
        if (threshold != other.threshold) {
            throw new IllegalArgumentException(
                    "only one threshold can be merged, found " + threshold + " and " + other.threshold);
        }
        rows += other.rows;
        predicted += other.predicted;
        truePositives += other.truePositives;
        falseNegatives += other.falseNegatives;
        scatterPredicted += other.scatterPredicted;
        scatterOthers += other.scatterOthers;
        logLoss += other.logLoss;
        logLossScatter += other.logLossScatter;
        brier += other.brier;
        brierScatter += other.brierScatter;
        scores.merge(other.scores);
    }

    /** {@return how many rows it has seen} */
    public long rows() {
        return rows;
    }

    /** {@return the confusion matrix to expect} */
    public Confusion confusion() {
        double negatives = rows - predicted - falseNegatives;
        return new Confusion(truePositives, predicted - truePositives, falseNegatives, negatives);
    }

    /**
     * {@return the metric to expect; NaN with the reason as its method if these rows cannot tell} Accuracy and F1 are
     * those at the threshold. ROC AUC comes from a table of 1,028 bins of scores, 32 for each power of two; the bound
     * of what that may cost is {@link #rocAucError} and part of the interval.
     *
     * @throws IllegalArgumentException if the metric is not ROC_AUC, LOG_LOSS, BRIER, ACCURACY or F1
     */
    public Estimate estimate(Metric metric) {
        if (metric == Metric.ECE) {
            throw new IllegalArgumentException(
                    "ECE cannot be expected without labels: the probabilities are taken to be calibrated");
        }
        if (!metric.judges(Task.BINARY)) {
            throw new IllegalArgumentException(metric
                    + " cannot be expected without labels: a predicted number does not say how far off it may be");
        }
        return switch (metric) {
            case ROC_AUC -> scores.auc();
            case LOG_LOSS -> mean(logLoss, logLossScatter, Double.POSITIVE_INFINITY);
            case BRIER -> mean(brier, brierScatter, 1);
            case ACCURACY -> {
                Confusion c = confusion();
                yield mean(c.truePositives() + c.trueNegatives(), scatterPredicted + scatterOthers, 1);
            }
            case F1 -> f1();
            default ->
                throw new IllegalArgumentException(metric + " is not among the metrics that can be expected:"
                        + " ROC_AUC, LOG_LOSS, BRIER, ACCURACY, F1");
        };
    }

    /** {@return the share of right rows to expect among those predicted positive} */
    public Estimate precision() {
        if (predicted == 0) {
            return undefined("no row is predicted positive");
        }
        return within(truePositives / predicted, Math.sqrt(scatterPredicted) / predicted, 1);
    }

    /** {@return the share to expect of the positive rows that is predicted so} */
    public Estimate recall() {
        return share(truePositives, scatterPredicted, falseNegatives, scatterOthers, "no positive row is expected");
    }

    /** {@return the share to expect of the negative rows that is predicted so} */
    public Estimate specificity() {
        Confusion c = confusion();
        return share(
                c.trueNegatives(), scatterOthers, c.falsePositives(), scatterPredicted, "no negative row is expected");
    }

    /** {@return the most by which ROC AUC can be off because rows of one bin count as equal, whatever their order} */
    public double rocAucError() {
        return scores.error();
    }

    /** {@return the expected quality as data} */
    public Saved saved() {
        List<Double> values = new ArrayList<>(Arrays.asList(
                (double) rows,
                (double) predicted,
                truePositives,
                falseNegatives,
                scatterPredicted,
                scatterOthers,
                logLoss,
                logLossScatter,
                brier,
                brierScatter));
        scores.save(values);
        return new Saved(threshold, values);
    }

    private void load(List<Double> values) {
        rows = values.get(0).longValue();
        predicted = values.get(1).longValue();
        truePositives = values.get(2);
        falseNegatives = values.get(3);
        scatterPredicted = values.get(4);
        scatterOthers = values.get(5);
        logLoss = values.get(6);
        logLossScatter = values.get(7);
        brier = values.get(8);
        brierScatter = values.get(9);
        scores.load(values.subList(SUMS, values.size()));
    }

    private Estimate f1() {
        double sum = predicted + truePositives + falseNegatives;
        if (sum == 0) {
            return undefined("no positive row is expected and none predicted");
        }
        double byTrue = 2 * (predicted + falseNegatives) / (sum * sum);
        double byMissed = 2 * truePositives / (sum * sum);
        double variance = byTrue * byTrue * scatterPredicted + byMissed * byMissed * scatterOthers;
        return within(2 * truePositives / sum, Math.sqrt(variance), 1);
    }

    private Estimate mean(double sum, double scatter, double most) {
        return rows == 0 ? undefined("no rows") : within(sum / rows, Math.sqrt(scatter) / rows, most);
    }

    /** {@return hits / (hits + misses) of two independent counts} */
    private static Estimate share(double hits, double hitScatter, double misses, double missScatter, String none) {
        double sum = hits + misses;
        if (!(sum > 0)) {
            return undefined(none);
        }
        double variance = misses * misses * hitScatter + hits * hits * missScatter;
        return within(hits / sum, Math.sqrt(variance) / (sum * sum), 1);
    }

    private static Estimate within(double value, double error, double most) {
        return interval(value, Z * error, most);
    }

    static Estimate interval(double value, double half, double most) {
        return new Estimate(value, Math.max(0, value - half), Math.min(most, value + half), METHOD);
    }

    /** {@return an interval of a standard error and a bound} */
    static Estimate interval(double value, double error, double bound, double most) {
        return interval(value, Z * error + bound, most);
    }

    static Estimate undefined(String reason) {
        return new Estimate(Double.NaN, Double.NaN, Double.NaN, "undefined: " + reason);
    }

    static void checkProbability(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("the " + name + " must be from 0 to 1, found " + value);
        }
    }

    /** {@return what it costs to have given this probability to what came true, in nats} */
    private static double lossOf(double probability) {
        return -Math.log(Math.min(1 - EPSILON, Math.max(EPSILON, probability)));
    }
}
