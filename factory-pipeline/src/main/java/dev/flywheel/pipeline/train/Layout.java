package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.ImageShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a network and where each of its parameters lies in one flat vector, so that a step of the optimizer is a
 * handful of native calls whatever the depth. Immutable.
 *
 * <p>Without hidden layers, an id's entry in the table is its weight for each output, and the outputs are numbers *
 * weights + the sum of the ids' entries + bias. With hidden layers, it is the id's vector, and the vectors of a row
 * stand behind its numbers. An image, which is the first of the numbers, goes through convolutions before.
 *
 * @param numbers how many numeric features there are
 * @param idColumns how many ids a row has
 * @param ids how many different ids there are
 * @param width the size of an id's entry
 * @param image the image at the beginning of the numbers; null if there is none
 * @param filters the filters of each convolution; each halves height and width
 * @param hidden the sizes of the hidden layers
 * @param outputs the number of outputs
 */
record Layout(
        int numbers,
        int idColumns,
        int ids,
        int width,
        @Nullable ImageShape image,
        List<Integer> filters,
        List<Integer> hidden,
        int outputs) {

    private static final int KERNEL = 3;

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

    static Layout linear(FittedFeatures features, int outputs) {
        return cnn(features, null, List.of(), List.of(), outputs, outputs);
    }

    static Layout mlp(FittedFeatures features, List<Integer> hidden, int width, int outputs) {
        return cnn(features, null, List.of(), hidden, width, outputs);
    }

    static Layout cnn(
            FittedFeatures features,
            @Nullable ImageShape image,
            List<Integer> filters,
            List<Integer> hidden,
            int width,
            int outputs) {
        return new Layout(
                features.numberNames().size(),
                features.idColumns().size(),
                features.idCount(),
                width,
                image,
                List.copyOf(filters),
                List.copyOf(hidden),
                outputs);
    }

    boolean isLinear() {
        return hidden.isEmpty() && image == null;
    }

    /** How many numbers the convolutions make of the image. */
    int seen() {
        int halvings = filters.size();
        return image == null
                ? 0
                : (image.height() >> halvings) * (image.width() >> halvings) * filters.get(halvings - 1);
    }

    /** The inputs of the first layer that is no convolution. */
    int inputs() {
        int plain = image == null ? numbers : numbers - image.size() + seen();
        return plain + (isLinear() ? 0 : idColumns * width);
    }

    /**
     * The table of ids if there are ids, then weights and bias of each convolution and each layer; a linear model of
     * ids has only a bias.
     */
    List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        if (idColumns > 0) {
            add(parts, false, ids, width);
        }
        int channels = image == null ? 0 : image.channels();
        for (int count : filters) {
            add(parts, false, count, channels, KERNEL, KERNEL);
            add(parts, true, count);
            channels = count;
        }
        int inputs = inputs();
        for (int units : hidden) {
            add(parts, false, units, inputs);
            add(parts, true, units);
            inputs = units;
        }
        if (inputs > 0) {
            add(parts, false, outputs, inputs);
        }
        add(parts, true, outputs);
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

    /** How many multiplications a row takes on its way. */
    long multiplications() {
        long count = 0;
        long pixels = image == null ? 0 : (long) image.height() * image.width();
        for (Part part : parts()) {
            if (part.shape().size() > 2) {
                count += part.size() * pixels;
                pixels /= 4;
            } else if (!part.bias() && !isTable(part)) {
                count += part.size();
            }
        }
        return count;
    }

    private boolean isTable(Part part) {
        return idColumns > 0 && part.offset() == 0;
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
            boolean table = isTable(part);
            boolean last = part.offset() == parts.get(parts.size() - 2).offset();
            int inputs = part.size() / part.shape().get(0);
            double bound = table ? 0.3 : Math.sqrt((last ? 1.0 : 6.0) / inputs);
            for (int i = part.offset(); i < part.end() && !part.bias(); i++) {
                flat[i] = (float) random.nextDouble(-bound, bound);
            }
        }
        return flat;
    }

    /** In words. */
    String describe() {
        String kind = isLinear() ? "linear" : image == null ? "mlp " + hidden : "cnn " + filters + " " + hidden;
        return kind + " over " + numbers + " numbers and " + idColumns + " ids of " + ids
                + (isLinear() ? "" : " as vectors of " + width) + ", " + size() + " parameters";
    }
}
