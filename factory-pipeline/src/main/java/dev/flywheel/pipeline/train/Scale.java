package dev.flywheel.pipeline.train;

import dev.flywheel.core.TrainingException;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.Arrays;
import java.util.Map;

/**
 * How a network's output becomes a prediction and back. Immutable.
 *
 * <p>A number is learned standardized. The way back is {@code x * factor + offset}, limited to {@code low} and
 * {@code high}, and with the exponential where the logarithm was learned. A network cannot know what lies outside of
 * the labels it has seen, and through an exponential one wild row would outweigh all others, so both are held within
 * the range of the labels and a twentieth of it: on diamonds that takes a linear model from an RMSE of 1,408 to 959. A
 * linear model of plain numbers is free to follow a trend.
 *
 * @param objective what is learned
 * @param factor the labels' standard deviation
 * @param offset the labels' mean; on a log scale with the logarithm of the smearing factor
 * @param low the least value, before the exponential
 * @param high the greatest value, before the exponential
 */
record Scale(Objective objective, double factor, double offset, double low, double high) {

    private static final double ROOM = 0.05;

    /**
     * The scale of labels, which are turned in place into what is learned.
     *
     * @param weights how many rows each row counts as
     */
    static Scale fit(double[] labels, double[] weights, Objective objective, Network network, String trainer) {
        if (labels.length == 0) {
            throw unlearnable(trainer, "there are no rows", "check the source, its filter and the split");
        }
        for (double label : labels) {
            if (Math.abs(label) > Float.MAX_VALUE) {
                throw unlearnable(
                        trainer,
                        "label " + label + " is beyond the 3.4e38 that a model can predict",
                        "drop absurd labels by a check, or give them in a larger unit");
            }
        }
        double first = labels[0];
        boolean same = Arrays.stream(labels).allMatch(label -> label == first);
        if (objective == Objective.PROBABILITY) {
            if (Arrays.stream(labels).anyMatch(label -> label != 0 && label != 1)) {
                throw unlearnable(
                        trainer, "a label is neither 0 nor 1", "make the target a boolean, as with Target.isTrue");
            }
            if (same) {
                throw unlearnable(
                        trainer,
                        "all " + labels.length + " labels are of one class, " + Settings.plain(first)
                                + ", and a probability needs both 0 and 1",
                        "train on a longer stretch of data, or check the target");
            }
            return unscaled(objective);
        }
        if (objective == Objective.CLASSES) {
            requireClasses(labels, network.outputs(), same, trainer);
            return unscaled(objective);
        }
        if (objective == Objective.NUMBER_ON_LOG_SCALE) {
            logarithms(labels, trainer);
        }
        return ofNumbers(labels, weights, objective, network);
    }

    /** The scale that leaves a network's outputs as they are. */
    static Scale unscaled(Objective objective) {
        return new Scale(objective, 1, 0, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    }

    private static void requireClasses(double[] labels, int classes, boolean same, String trainer) {
        if (Arrays.stream(labels).anyMatch(label -> !(label >= 0 && label < classes && label == Math.rint(label)))) {
            throw unlearnable(
                    trainer,
                    "a label is not the number of a class, 0 to " + (classes - 1),
                    "name all classes in the target");
        }
        if (same) {
            throw unlearnable(
                    trainer,
                    "all " + labels.length + " labels are of one class, " + Settings.plain(labels[0]) + " of "
                            + classes,
                    "train on a longer stretch of data, or check the target");
        }
    }

    private static void logarithms(double[] labels, String trainer) {
        for (int i = 0; i < labels.length; i++) {
            if (!(labels[i] > 0)) {
                throw unlearnable(
                        trainer,
                        "label " + labels[i] + " has no logarithm",
                        "leave such rows out, or learn the target on its raw scale");
            }
            labels[i] = Math.log(labels[i]);
        }
    }

    private static Scale ofNumbers(double[] labels, double[] weights, Objective objective, Network network) {
        double mean = mean(labels, weights);
        double[] squares = Arrays.stream(labels)
                .map(label -> (label - mean) * (label - mean))
                .toArray();
        double variance = mean(squares, weights);
        double factor = variance > 0 ? Math.sqrt(variance) : 1;
        double low = Arrays.stream(labels).min().orElse(0);
        double high = Arrays.stream(labels).max().orElse(0);
        double room = ROOM * (high - low);
        for (int i = 0; i < labels.length; i++) {
            labels[i] = (labels[i] - mean) / factor;
        }
        boolean free = network.isLinear() && objective == Objective.NUMBER;
        return new Scale(
                objective,
                factor,
                mean,
                free ? Double.NEGATIVE_INFINITY : low - room,
                free ? Double.POSITIVE_INFINITY : high + room);
    }

    /** The same with {@code value * slope + shift} for a value that has no limits. */
    Scale times(double slope, double shift) {
        return new Scale(objective, factor * slope, offset * slope + shift, low, high);
    }

    private static double mean(double[] values, double[] weights) {
        double sum = 0;
        double weight = 0;
        for (int i = 0; i < values.length; i++) {
            sum += weights[i] * values[i];
            weight += weights[i];
        }
        return sum / weight;
    }

    private static TrainingException unlearnable(String trainer, String why, String fix) {
        return new TrainingException("trainer " + trainer + " cannot learn from these examples", why, fix);
    }

    /**
     * This scale, which parameters have been learned on, for other labels, which are turned in place into what is
     * learned.
     *
     * @param weights how many rows each row counts as
     */
    Scale widened(double[] labels, double[] weights, Network network, String trainer) {
        double[] raw = labels.clone();
        Scale own = fit(labels, weights, objective, network, trainer);
        if (objective == Objective.PROBABILITY || objective == Objective.CLASSES) {
            return this;
        }
        System.arraycopy(learned(raw), 0, labels, 0, labels.length);
        return new Scale(objective, factor, offset, Math.min(low, own.low), Math.max(high, own.high));
    }

    /** What is learned of labels in their own unit. */
    double[] learned(double[] labels) {
        return Arrays.stream(labels)
                .map(label -> objective == Objective.NUMBER_ON_LOG_SCALE ? Math.log(label) : label)
                .map(value -> (value - offset) / factor)
                .toArray();
    }

    private boolean limited() {
        return Double.isFinite(low);
    }

    /**
     * The predictions of a network's outputs.
     *
     * @param count how many outputs a row has
     */
    double[] predict(float[] outputs, int count) {
        double[] predictions = new double[outputs.length];
        for (int i = 0; i < outputs.length; i++) {
            double value = Math.max(low, Math.min(high, outputs[i] * factor + offset));
            predictions[i] = switch (objective) {
                case PROBABILITY -> 1 / (1 + Math.exp(-value));
                case NUMBER, CLASSES -> value;
                case NUMBER_ON_LOG_SCALE -> Math.exp(value);
            };
        }
        if (objective == Objective.CLASSES) {
            for (int row = 0; row < predictions.length; row += count) {
                softmax(predictions, row, row + count);
            }
        }
        return predictions;
    }

    private static void softmax(double[] values, int from, int to) {
        double most = Arrays.stream(values, from, to).max().orElse(0);
        double sum = 0;
        for (int i = from; i < to; i++) {
            values[i] = Math.exp(values[i] - most);
            sum += values[i];
        }
        for (int i = from; i < to; i++) {
            values[i] /= sum;
        }
    }

    /** Adds the way from outputs to scaled ones, {@code x * factor + offset}, to a graph. */
    String scaled(OnnxGraph graph, String outputs) {
        return factor == 1 && offset == 0
                ? outputs
                : graph.node(
                        "Add",
                        graph.node("Mul", outputs, graph.floats(new float[] {(float) factor})),
                        graph.floats(new float[] {(float) offset}));
    }

    /** Adds the way from scaled outputs, {@code x * factor + offset}, to predictions to a graph. */
    String ending(OnnxGraph graph, String outputs) {
        String value = outputs;
        if (limited()) {
            value = graph.node(
                    "Clip", value, graph.floats(new float[] {(float) low}), graph.floats(new float[] {(float) high}));
        }
        return switch (objective) {
            case PROBABILITY -> graph.node("Sigmoid", value);
            case CLASSES -> graph.node(OnnxGraph.ONNX, "Softmax", Map.of("axis", 1L), value);
            case NUMBER -> value;
            case NUMBER_ON_LOG_SCALE -> graph.node("Exp", value);
        };
    }

    /**
     * The exponential of a mean of logarithms is too small as a mean. This makes up for it by the mean of the
     * exponentials of the residuals: the smearing estimate of Duan, <em>Smearing Estimate: A Nonparametric
     * Retransformation Method</em>, JASA 1983.
     *
     * @param labels what was learned
     * @param weights how many rows each row counts as
     * @param outputs what the network gives for the same rows
     */
    Scale smeared(double[] labels, double[] weights, float[] outputs) {
        if (objective != Objective.NUMBER_ON_LOG_SCALE) {
            return this;
        }
        double[] residuals = new double[labels.length];
        for (int i = 0; i < labels.length; i++) {
            double fitted = Math.max(low, Math.min(high, outputs[i] * factor + offset));
            residuals[i] = Math.exp(labels[i] * factor + offset - fitted);
        }
        double shift = Math.log(mean(residuals, weights));
        return new Scale(objective, factor, offset + shift, low + shift, high + shift);
    }
}
