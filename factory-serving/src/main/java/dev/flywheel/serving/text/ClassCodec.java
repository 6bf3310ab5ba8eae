package dev.flywheel.serving.text;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.Classification;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.util.List;

/** Tokens to the probabilities of classes. Thread-safe. */
final class ClassCodec implements Codec<Tokens, Classification> {

    private final long pad;
    private final List<String> labels;

    ClassCodec(long pad, List<String> labels) {
        this.pad = pad;
        this.labels = labels;
    }

    @Override
    public int length(Tokens tokens) {
        return tokens.count();
    }

    @Override
    public Binding<Tokens, Classification> bind(Lane lane) {
        return new Bound(lane);
    }

    private int output(List<TensorSpec> outputs) {
        for (int i = 0; i < outputs.size(); i++) {
            TensorSpec output = outputs.get(i);
            boolean named = output.name().equals("logits") || outputs.size() == 1;
            if (named && output.type() == ElementType.FLOAT && output.shape().size() == 2) {
                requireClasses(output.shape().get(1), outputs);
                return i;
            }
        }
        throw new ModelFormatException(
                "the model gives no classes",
                "its outputs are " + TokenRows.text(outputs)
                        + ", expected logits of type FLOAT and shape [texts, classes]",
                "export it for text classification, or write a Codec for it");
    }

    private void requireClasses(long found, List<TensorSpec> outputs) {
        if (found >= 0 && found != labels.size()) {
            throw new ModelFormatException(
                    "the labels do not fit the model",
                    "it tells " + found + " classes apart (" + TokenRows.text(outputs) + "), found the labels "
                            + labels,
                    "give the label of each class, in the order of id2label in the model's config.json");
        }
    }

    private final class Bound implements Binding<Tokens, Classification> {

        private final Lane lane;
        private final TokenRows rows;
        private final int output;

        Bound(Lane lane) {
            this.lane = lane;
            this.rows = new TokenRows(lane, pad);
            this.output = output(lane.signature().outputs());
        }

        @Override
        public void write(Tokens input, int row) {
            rows.write(input, row);
        }

        @Override
        public Classification read(int row) {
            TensorBuffer logits = lane.output(output);
            requireClasses(logits.width(), lane.signature().outputs());
            double[] weights = new double[logits.width()];
            double largest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < weights.length; i++) {
                weights[i] = logits.floats().get(row * weights.length + i);
                largest = Math.max(largest, weights[i]);
            }
            return Classification.of(labels, softmax(weights, largest));
        }

        /** Taking the largest off first keeps every exponential at or below 1. */
        private static double[] softmax(double[] logits, double largest) {
            double sum = 0;
            for (int i = 0; i < logits.length; i++) {
                logits[i] = Math.exp(logits[i] - largest);
                sum += logits[i];
            }
            if (!Double.isFinite(sum)) {
                throw new PredictionException(
                        "the model gave no classes for a text",
                        "its output is not finite",
                        "check the model with this text, or export it in float32");
            }
            for (int i = 0; i < logits.length; i++) {
                logits[i] /= sum;
            }
            return logits;
        }
    }
}
