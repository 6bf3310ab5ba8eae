package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.IdColumn;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The sizes of a network over numbers and ids, and where each parameter stands in the one flat array that holds them
 * all: the table of ids, then for each layer its weights, [inputs, outputs] row-major, and its biases. In a linear
 * model the table holds one weight for each id; in a perceptron it holds a vector.
 *
 * @param numbers how many numeric features
 * @param idColumns how many id features
 * @param ids how many ids in all
 * @param vector how long an id's vector is
 * @param widths the widths of the hidden layers
 */
record NetShape(int numbers, int idColumns, int ids, int vector, List<Integer> widths) {

    /** A dense layer: where its weights and biases begin in the flat array. */
    record Layer(int inputs, int outputs, int weights, int biases) {}

    static NetShape of(FittedFeatures features, List<Integer> hidden) {
        int largest = features.idColumns().stream()
                .mapToInt(IdColumn::cardinality)
                .max()
                .orElse(0);
        // The rule of thumb of fastai, 1.6 n^0.56, but one length for all columns, so that one Gather serves them.
        int vector =
                hidden.isEmpty() ? 1 : (int) Math.max(2, Math.min(16, Math.round(1.6 * Math.pow(largest, 0.56) / 2)));
        return new NetShape(
                features.numberNames().size(),
                features.idColumns().size(),
                features.idCount(),
                vector,
                List.copyOf(hidden));
    }

    boolean linear() {
        return widths.isEmpty();
    }

    int tableSize() {
        return ids * vector;
    }

    /** {@return the dense layers, first to last; in a linear model the one of the numbers} */
    List<Layer> layers() {
        List<Layer> layers = new ArrayList<>();
        int inputs = linear() ? numbers : numbers + idColumns * vector;
        int at = tableSize();
        for (int i = 0; i <= widths.size(); i++) {
            int outputs = i < widths.size() ? widths.get(i) : 1;
            layers.add(new Layer(inputs, outputs, at, at + inputs * outputs));
            at += inputs * outputs + outputs;
            inputs = outputs;
        }
        return layers;
    }

    int parameterCount() {
        Layer last = layers().get(widths.size());
        return last.biases + last.outputs;
    }

    /** {@return the sizes into which the flat array is cut: table, then weights and biases in turn} */
    long[] cuts() {
        List<Long> cuts = new ArrayList<>();
        if (tableSize() > 0) {
            cuts.add((long) tableSize());
        }
        for (Layer layer : layers()) {
            cuts.add((long) layer.biases);
            cuts.add((long) layer.biases + layer.outputs);
        }
        cuts.remove(cuts.size() - 1);
        return cuts.stream().mapToLong(Long::longValue).filter(cut -> cut > 0).toArray();
    }

    /**
     * {@return first parameters: He's for weights before a ReLU (He et al., 2015), small ones for vectors, zero for a
     * linear model}
     */
    float[] firstParameters(long seed) {
        float[] parameters = new float[parameterCount()];
        if (linear()) {
            return parameters;
        }
        java.util.Random random = new java.util.Random(new SplittableRandom(seed).nextLong());
        for (int i = 0; i < tableSize(); i++) {
            parameters[i] = (float) (0.05 * random.nextGaussian());
        }
        for (Layer layer : layers()) {
            double deviation = Math.sqrt((layer.outputs == 1 ? 1.0 : 2.0) / Math.max(1, layer.inputs));
            for (int i = layer.weights; i < layer.biases; i++) {
                parameters[i] = (float) (deviation * random.nextGaussian());
            }
        }
        return parameters;
    }

    /** {@return 1 where weight decay acts, 0 for biases} */
    float[] decayed() {
        float[] decayed = new float[parameterCount()];
        java.util.Arrays.fill(decayed, 1);
        for (Layer layer : layers()) {
            java.util.Arrays.fill(decayed, layer.biases, layer.biases + layer.outputs, 0);
        }
        return decayed;
    }
}
