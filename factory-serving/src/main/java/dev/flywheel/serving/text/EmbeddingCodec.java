package dev.flywheel.serving.text;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.Codec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.function.Predicate;

/**
 * Tokens to a sentence embedding, as sentence-transformers makes it: the mean of the tokens' vectors, without those of
 * the padding, scaled to length 1. Thread-safe.
 */
final class EmbeddingCodec implements Codec<Tokens, float[]> {

    private final long pad;
    private final boolean firstToken;
    private final boolean normalized;

    EmbeddingCodec(long pad, TextOptions options) {
        this.pad = pad;
        this.firstToken = options.firstToken;
        this.normalized = !options.unnormalized;
    }

    @Override
    public int length(Tokens tokens) {
        return tokens.count();
    }

    @Override
    public Binding<Tokens, float[]> bind(Lane lane) {
        return new Bound(lane);
    }

    /** {@return which output to read} */
    private int output(List<TensorSpec> outputs) {
        int own = firstToken ? -1 : index(outputs, o -> o.name().equals("sentence_embedding") && isFloat(o, 2));
        int named = index(
                outputs,
                o -> (o.name().equals("last_hidden_state") || o.name().equals("token_embeddings")) && isFloat(o, 3));
        int found = own >= 0 ? own : named >= 0 ? named : index(outputs, o -> isFloat(o, 3));
        if (found < 0 && outputs.size() == 1 && isFloat(outputs.get(0), 2) && !firstToken) {
            found = 0;
        }
        if (found < 0) {
            throw new ModelFormatException(
                    "the model gives no embedding",
                    "its outputs are " + TokenRows.text(outputs)
                            + ", expected one of type FLOAT and shape [texts, tokens, size]"
                            + (firstToken ? "" : " or [texts, size]"),
                    "export it for feature extraction, or write a Codec for it");
        }
        return found;
    }

    private static int index(List<TensorSpec> outputs, Predicate<TensorSpec> wanted) {
        for (int i = 0; i < outputs.size(); i++) {
            if (wanted.test(outputs.get(i))) {
                return i;
            }
        }
        return -1;
    }

    private static boolean isFloat(TensorSpec output, int dimensions) {
        return output.type() == ElementType.FLOAT && output.shape().size() == dimensions;
    }

    private final class Bound implements Binding<Tokens, float[]> {

        private final Lane lane;
        private final TokenRows rows;
        private final int output;
        private final boolean pooled;
        private float[] token = {};

        Bound(Lane lane) {
            this.lane = lane;
            this.rows = new TokenRows(lane, pad);
            this.output = output(lane.signature().outputs());
            this.pooled = lane.signature().outputs().get(output).shape().size() == 2;
        }

        @Override
        public void write(Tokens input, int row) {
            rows.write(input, row);
        }

        @Override
        public float[] read(int row) {
            TensorBuffer vectors = lane.output(output);
            float[] embedding = new float[pooled ? vectors.width() : size(vectors)];
            int from = row * vectors.width();
            vectors.floats().get(from, embedding);
            if (!pooled && !firstToken) {
                mean(vectors.floats(), from, rows.count(row), embedding);
            }
            return scaled(embedding);
        }

        /** {@return the size of a token's vector} */
        private int size(TensorBuffer vectors) {
            int size = vectors.width() / rows.length();
            long declared = vectors.spec().shape().get(2);
            if (size * rows.length() != vectors.width() || (declared > 0 && declared != size)) {
                throw new PredictionException(
                        "the model gave no vector for each token",
                        "output \"" + vectors.spec().name() + "\" has " + vectors.width() + " numbers for a text of "
                                + rows.length() + " tokens, declared as "
                                + vectors.spec().shape(),
                        "export it for feature extraction, or write a Codec for it");
            }
            return size;
        }

        /** Makes {@code sum}, which holds the first vector, the mean of {@code count} that begin at {@code from}. */
        private void mean(FloatBuffer vectors, int from, int count, float[] sum) {
            if (token.length != sum.length) {
                token = new float[sum.length];
            }
            float[] next = token;
            for (int t = 1; t < count; t++) {
                vectors.get(from + t * next.length, next);
                for (int i = 0; i < next.length; i++) {
                    sum[i] += next[i];
                }
            }
            for (int i = 0; i < sum.length; i++) {
                sum[i] /= count;
            }
        }

        private float[] scaled(float[] embedding) {
            double squares = 0;
            for (float value : embedding) {
                squares += (double) value * value;
            }
            if (!Double.isFinite(squares)) {
                throw new PredictionException(
                        "the model gave no embedding for a text",
                        "its output is not finite",
                        "check the model with this text, or export it in float32");
            }
            if (normalized && squares > 0) {
                float length = (float) Math.sqrt(squares);
                for (int i = 0; i < embedding.length; i++) {
                    embedding[i] /= length;
                }
            }
            return embedding;
        }
    }
}
