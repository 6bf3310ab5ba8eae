package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a {@link Layout} in native tensors. Each pass puts everything it makes into the manager it is
 * given, so that closing that frees it. Not thread-safe.
 */
final class Network {

    /** Rows that a pass without learning takes at once. */
    static final int PASS_ROWS = 8_192;

    private final Layout layout;
    private final long[] cuts;
    private final List<Shape> shapes = new ArrayList<>();

    Network(Layout layout) {
        this.layout = layout;
        this.cuts = layout.cuts();
        for (Layout.Part part : layout.parts()) {
            shapes.add(new Shape(
                    part.shape().stream().mapToLong(Integer::longValue).toArray()));
        }
    }

    Layout layout() {
        return layout;
    }

    /** What happens to the output of a hidden layer. */
    interface AfterLayer {
        NDArray apply(NDArray hidden);
    }

    /** The outputs [rows, 1] for the rows of {@code input}, which live in {@code manager}. */
    NDArray forward(NDManager manager, NDArray parameters, Examples input, AfterLayer after) {
        List<NDArray> parts = parts(manager, parameters);
        int next = 0;
        NDArray entries = null;
        if (input.ids() != null) {
            entries = JniUtils.embedding((PtNDArray) input.ids(), (PtNDArray) parts.get(next++), false);
        }
        if (layout.isLinear()) {
            NDArray sum = entries == null ? null : entries.sum(new int[] {1});
            NDArray numbers = input.numbers();
            if (numbers == null) {
                return Objects.requireNonNull(sum).add(parts.get(next));
            }
            NDArray weighted = linear(numbers, parts.get(next), parts.get(next + 1));
            return sum == null ? weighted : weighted.add(sum);
        }
        NDArray value = beside(input.numbers(), entries);
        for (int layer = 0; layer < layout.hidden().size(); layer++) {
            value = after.apply(Activation.relu(linear(value, parts.get(next), parts.get(next + 1))));
            next += 2;
        }
        return linear(value, parts.get(next), parts.get(next + 1));
    }

    private List<NDArray> parts(NDManager manager, NDArray parameters) {
        NDList pieces = cuts.length == 0 ? new NDList(parameters) : parameters.split(cuts);
        List<NDArray> parts = new ArrayList<>(pieces.size());
        for (int i = 0; i < pieces.size(); i++) {
            NDArray piece = pieces.get(i);
            if (cuts.length > 0) {
                piece.attach(manager);
            }
            parts.add(shapes.get(i).dimension() == 1 ? piece : attached(manager, piece.reshape(shapes.get(i))));
        }
        return parts;
    }

    private static NDArray attached(NDManager manager, NDArray array) {
        array.attach(manager);
        return array;
    }

    private NDArray beside(@Nullable NDArray numbers, @Nullable NDArray entries) {
        if (entries == null) {
            return Objects.requireNonNull(numbers);
        }
        NDArray flat = entries.reshape(-1, (long) layout.idColumns() * layout.width());
        return numbers == null ? flat : numbers.concat(flat, 1);
    }

    private static NDArray linear(NDArray input, NDArray weights, NDArray bias) {
        return JniUtils.linear((PtNDArray) input, (PtNDArray) weights, (PtNDArray) bias);
    }

    /** The mean loss over the rows, each as much as it weighs: a scalar. */
    static NDArray loss(NDArray outputs, Examples input, Objective objective) {
        NDArray labels = Objects.requireNonNull(input.labels());
        NDArray losses = objective == Objective.PROBABILITY
                ? Activation.softPlus(outputs).sub(outputs.mul(labels))
                : outputs.sub(labels).square();
        return (input.weights() == null ? losses : losses.mul(input.weights())).mean();
    }

    /** The outputs for all rows. */
    float[] outputs(NDManager manager, NDArray parameters, Examples input) {
        float[] outputs = new float[input.rows()];
        for (int from = 0; from < outputs.length; from += PASS_ROWS) {
            try (NDManager pass = manager.newSubManager()) {
                Examples rows = input.slice(pass, from, Math.min(outputs.length, from + PASS_ROWS));
                float[] part = forward(pass, parameters, rows, hidden -> hidden).toFloatArray();
                System.arraycopy(part, 0, outputs, from, part.length);
            }
        }
        return outputs;
    }
}
