package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FittedFeatures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The shape of a network and where each of its parameters lies in one flat vector, so that a step of the optimizer is a
 * handful of native calls whatever the depth. Immutable.
 *
 * <p>Without hidden layers, an id's entry in the table is its weight, and the output is numbers * weights + the sum of
 * the ids' entries + bias. With hidden layers, it is the id's vector, and the vectors of a row stand behind its
 * numbers.
 *
 * @param numbers how many numeric features there are
 * @param idColumns how many ids a row has
 * @param ids how many different ids there are
 * @param width the size of an id's entry
 * @param hidden the sizes of the hidden layers
 */
record Layout(int numbers, int idColumns, int ids, int width, List<Integer> hidden) {

    /**
     * One tensor of parameters.
     *
     * @param offset its first element in the flat vector
     * @param shape its dimensions; a layer's weights are [outputs, inputs]
     * @param bias whether it is a bias, which neither decays nor is penalized
     */
    record Part(int offset, List<Integer> shape, boolean bias) {
        int size() {
            return shape.stream().reduce(1, Math::multiplyExact);
        }

        /** The first element behind it. */
        int end() {
            return Math.addExact(offset, size());
        }

        float[] of(float[] flat) {
            return Arrays.copyOfRange(flat, offset, end());
        }
    }

    static Layout linear(FittedFeatures features) {
        return new Layout(features.numberNames().size(), features.idColumns().size(), features.idCount(), 1, List.of());
    }

    static Layout mlp(FittedFeatures features, List<Integer> hidden, int width) {
        return new Layout(
                features.numberNames().size(),
                features.idColumns().size(),
                features.idCount(),
                width,
                List.copyOf(hidden));
    }

    boolean isLinear() {
        return hidden.isEmpty();
    }

    /** The inputs of the first layer. */
    int inputs() {
        return numbers + (isLinear() ? 0 : idColumns * width);
    }

    /**
     * The table of ids if there are ids, then weights and bias of each layer; a linear model of ids has only a bias.
     */
    List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        if (idColumns > 0) {
            add(parts, false, ids, width);
        }
        int inputs = inputs();
        for (int outputs : hidden) {
            add(parts, false, outputs, inputs);
            add(parts, true, outputs);
            inputs = outputs;
        }
        if (inputs > 0) {
            add(parts, false, 1, inputs);
        }
        add(parts, true, 1);
        return parts;
    }

    private static void add(List<Part> parts, boolean bias, Integer... shape) {
        int offset = parts.isEmpty() ? 0 : parts.get(parts.size() - 1).end();
        parts.add(new Part(offset, List.of(shape), bias));
    }

    /** The number of parameters. */
    int size() {
        List<Part> parts = parts();
        return parts.get(parts.size() - 1).end();
    }

    /** Where the flat vector is cut into its parts. */
    long[] cuts() {
        return parts().stream().skip(1).mapToLong(Part::offset).toArray();
    }

    /** One for each parameter that is a weight, zero for biases. */
    float[] weightMask() {
        float[] mask = new float[size()];
        for (Part part : parts()) {
            Arrays.fill(mask, part.offset(), part.end(), part.bias() ? 0 : 1);
        }
        return mask;
    }

    /**
     * Where training begins: a linear model at zero; a network with layers as in He et al. 2015 (uniform), the last one
     * smaller by the square root of six, and vectors of ids uniform within 0.3.
     */
    float[] start(SplittableRandom random) {
        float[] flat = new float[size()];
        if (isLinear()) {
            return flat;
        }
        List<Part> parts = parts();
        for (Part part : parts) {
            boolean table = idColumns > 0 && part.offset() == 0;
            boolean last = part.offset() == parts.get(parts.size() - 2).offset();
            int inputs = part.shape().get(part.shape().size() - 1);
            double bound = table ? 0.3 : Math.sqrt((last ? 1.0 : 6.0) / inputs);
            for (int i = part.offset(); i < part.end() && !part.bias(); i++) {
                flat[i] = (float) random.nextDouble(-bound, bound);
            }
        }
        return flat;
    }

    /** In words. */
    String describe() {
        return (isLinear() ? "linear" : "mlp " + hidden) + " over " + numbers + " numbers and " + idColumns + " ids of "
                + ids + (isLinear() ? "" : " as vectors of " + width) + ", " + size() + " parameters";
    }
}
