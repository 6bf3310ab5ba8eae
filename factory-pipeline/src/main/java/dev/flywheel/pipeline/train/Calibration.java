package dev.flywheel.pipeline.train;

import dev.flywheel.core.TrainingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * How a model's probabilities are brought to what was seen on rows that it has not learned from. All three keep the
 * order of the predictions; {@link #ISOTONIC} may make neighbours equal.
 */
public enum Calibration {

    /**
     * All logits divided by one number, which makes the log loss smallest: Guo et al., <em>On Calibration of Modern
     * Neural Networks</em>, ICML 2017. Mends confidence that is too high or too low everywhere; the only one for
     * several classes.
     */
    TEMPERATURE,

    /**
     * The sigmoid of {@code a * logit + b}: Platt, <em>Probabilistic Outputs for Support Vector Machines</em>, 1999,
     * with the targets and the Newton steps of Lin, Lin and Weng, <em>A Note on Platt's Probabilistic Outputs</em>,
     * 2007. Also mends a share of positives that is off; does well on a few hundred rows.
     */
    PLATT,

    /**
     * A line with kinks that only rises: means of neighbouring rows pooled until they rise (the pool-adjacent-violators
     * algorithm: Ayer et al. 1955), with straight lines between the middles of the pools (Oron and Flournoy 2017).
     * Mends any shape; wants a thousand rows and more.
     */
    ISOTONIC;

    /** No line rises by more for a logit of 1, which is four times as steep as the sigmoid: more would be noise. */
    private static final double STEEPEST = 1;

    /** Logits that were stretched by more would be those of single precision's rounding. */
    private static final double LARGEST = 100;

    private static final int STEPS = 100;

    /**
     * The smallest log loss of {@code logits * factor}.
     *
     * @param logits [rows, outputs] row-major; of two classes one output, which is the second's
     * @param labels 0 and 1, or the numbers of classes
     * @param weights how many rows each row counts as
     */
    static double temperature(double[] logits, double[] labels, double[] weights) {
        int outputs = logits.length / labels.length;
        // The loss is convex in the factor, so that its slope has one zero.
        DoubleUnaryOperator slope = factor -> {
            double sum = 0;
            for (int row = 0; row < labels.length; row++) {
                sum += weights[row] * slope(logits, row * outputs, outputs, (int) labels[row], factor);
            }
            return sum;
        };
        double low = 1 / LARGEST;
        double high = LARGEST;
        requireOrder(slope.applyAsDouble(0) < 0);
        while (slope.applyAsDouble(low) >= 0) { // for logits that are far too sure
            low /= 2;
        }
        for (int step = 0; step < STEPS; step++) {
            double middle = Math.sqrt(low * high);
            if (slope.applyAsDouble(middle) < 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /** The logits' mean by their probabilities, less the true class's. */
    private static double slope(double[] logits, int from, int outputs, int label, double factor) {
        if (outputs == 1) {
            return logits[from] * (1 / (1 + Math.exp(-factor * logits[from])) - label);
        }
        double most = IntStream.range(from, from + outputs)
                .mapToDouble(i -> logits[i])
                .max()
                .orElse(0);
        double sum = 0;
        double mean = 0;
        for (int i = from; i < from + outputs; i++) {
            double share = Math.exp(factor * (logits[i] - most));
            sum += share;
            mean += share * logits[i];
        }
        return mean / sum - logits[from + label];
    }

    /** The a and b of Platt's sigmoid. */
    static double[] platt(double[] logits, double[] labels, double[] weights) {
        double positive = IntStream.range(0, labels.length)
                .mapToDouble(i -> weights[i] * labels[i])
                .sum();
        double negative = IntStream.range(0, labels.length)
                .mapToDouble(i -> weights[i] * (1 - labels[i]))
                .sum();
        double[] targets = new double[labels.length];
        for (int i = 0; i < targets.length; i++) {
            targets[i] = labels[i] == 1 ? (positive + 1) / (positive + 2) : 1 / (negative + 2);
        }
        double a = 0;
        double b = Math.log((positive + 1) / (negative + 1));
        double loss = loss(logits, targets, weights, a, b);
        for (int step = 0; step < STEPS; step++) {
            double[] sums = new double[5]; // the slopes in a and b, and the second ones in aa, ab and bb
            for (int i = 0; i < targets.length; i++) {
                double p = 1 / (1 + Math.exp(-a * logits[i] - b));
                double first = weights[i] * (p - targets[i]);
                double second = weights[i] * p * (1 - p);
                sums[0] += logits[i] * first;
                sums[1] += first;
                sums[2] += logits[i] * logits[i] * second;
                sums[3] += logits[i] * second;
                sums[4] += second;
            }
            double aa = sums[2] + 1e-12;
            double bb = sums[4] + 1e-12;
            double determinant = aa * bb - sums[3] * sums[3];
            double byA = -(bb * sums[0] - sums[3] * sums[1]) / determinant;
            double byB = -(aa * sums[1] - sums[3] * sums[0]) / determinant;
            double size = 1;
            double next = loss(logits, targets, weights, a + byA, b + byB);
            while (!(next < loss) && size > 1e-10) {
                size /= 2;
                next = loss(logits, targets, weights, a + size * byA, b + size * byB);
            }
            if (!(next < loss)) {
                break;
            }
            a += size * byA;
            b += size * byB;
            loss = next;
        }
        requireOrder(a > 0);
        return a <= LARGEST ? new double[] {a, b} : new double[] {LARGEST, shift(logits, targets, weights, LARGEST)};
    }

    /** The b of an a: the loss is convex in it, too. */
    private static double shift(double[] logits, double[] targets, double[] weights, double a) {
        double low = -1e3 - a * Arrays.stream(logits).max().orElse(0);
        double high = 1e3 - a * Arrays.stream(logits).min().orElse(0);
        for (int step = 0; step < STEPS; step++) {
            double middle = (low + high) / 2;
            double slope = 0;
            for (int i = 0; i < targets.length; i++) {
                slope += weights[i] * (1 / (1 + Math.exp(-a * logits[i] - middle)) - targets[i]);
            }
            if (slope < 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    private static double loss(double[] logits, double[] targets, double[] weights, double a, double b) {
        double sum = 0;
        for (int i = 0; i < targets.length; i++) {
            double value = a * logits[i] + b;
            sum += weights[i] * (Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value))) - targets[i] * value);
        }
        return sum;
    }

    /**
     * Rows that stand together.
     *
     * @param weight how many rows they count as
     * @param logit their mean logit
     * @param share their mean label
     */
    record Pool(double weight, double logit, double share) {

        /** By Laplace's rule of succession, had the next row been of the other class. */
        Pool unsure() {
            double least = 1 / (weight + 2);
            return new Pool(weight, logit, Math.max(least, Math.min(1 - least, share)));
        }

        Pool with(Pool other) {
            double sum = weight + other.weight;
            return new Pool(
                    sum,
                    (weight * logit + other.weight * other.logit) / sum,
                    (weight * share + other.weight * other.share) / sum);
        }
    }

    /** The pools of neighbouring logits whose shares rise. */
    static List<Pool> pools(double[] logits, double[] labels, double[] weights) {
        TreeMap<Double, Pool> ties = new TreeMap<>();
        for (int i = 0; i < logits.length; i++) {
            if (weights[i] > 0) {
                ties.merge(logits[i], new Pool(weights[i], logits[i], labels[i]), Pool::with);
            }
        }
        return pooled(ties.values(), Double.POSITIVE_INFINITY);
    }

    /** The kinks of the line through pools: at least two. None is surer than the number of its rows allows. */
    static List<Pool> line(List<Pool> pools) {
        List<Pool> line = pooled(pools.stream().map(Pool::unsure).toList(), STEEPEST);
        requireOrder(line.size() > 1);
        return line;
    }

    private static List<Pool> pooled(Collection<Pool> sorted, double steepest) {
        List<Pool> pools = new ArrayList<>();
        for (Pool each : sorted) {
            Pool last = each;
            while (!pools.isEmpty() && !rises(pools.get(pools.size() - 1), last, steepest)) {
                last = pools.remove(pools.size() - 1).with(last);
            }
            pools.add(last);
        }
        return List.copyOf(pools);
    }

    private static boolean rises(Pool from, Pool to, double steepest) {
        double gap = to.logit - from.logit;
        double rise = to.share - from.share;
        return gap > 0 && rise > 0 && rise <= steepest * gap;
    }

    private static void requireOrder(boolean ordered) {
        if (!ordered) {
            throw new TrainingException(
                    "a model was not calibrated",
                    "of the rows held back for it, those with higher scores were positive no more often",
                    "train on more rows or better features, or leave out the calibration");
        }
    }
}
