package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.feature.ImageShape;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The network of a {@link Layout}. Immutable. */
final class LayerNetwork implements Network {

    private static final int PASS_ROWS = 8_192;

    /** The most numbers that a layer gives in a pass without learning: 32 MiB. */
    private static final int PASS_NUMBERS = 1 << 23;

    private static final Shape ONE = new Shape(1, 1);
    private static final Shape TWO = new Shape(2, 2);
    private static final Shape NONE = new Shape(0, 0);

    private final Layout layout;
    private final long[] cuts;
    private final List<Shape> shapes = new ArrayList<>();
    private final @Nullable Bfloat16 hidden;

    LayerNetwork(Layout layout) {
        this(layout, null);
    }

    /** @param hidden what hidden layers multiply in; null for 32 bits */
    private LayerNetwork(Layout layout, @Nullable Bfloat16 hidden) {
        this.layout = layout;
        this.hidden = hidden;
        this.cuts = layout.cuts();
        for (Layout.Part part : layout.parts()) {
            shapes.add(new Shape(
                    part.shape().stream().mapToLong(Integer::longValue).toArray()));
        }
    }

    Layout layout() {
        return layout;
    }

    @Override
    public int outputs() {
        return layout.outputs();
    }

    @Override
    public int size() {
        return layout.size();
    }

    @Override
    public float[] start(SplittableRandom random) {
        return layout.start(random);
    }

    @Override
    public float[] weightMask() {
        return layout.weightMask();
    }

    @Override
    public List<Integer> hidden() {
        return layout.hidden();
    }

    @Override
    public int entrySize() {
        return layout.width();
    }

    @Override
    public long multiplications() {
        return layout.multiplications();
    }

    @Override
    public Network in(Bfloat16 numbers) {
        return layout.isLinear() ? this : new LayerNetwork(layout, numbers);
    }

    @Override
    public boolean isLinear() {
        return layout.isLinear();
    }

    @Override
    public int passRows() {
        ImageShape image = layout.image();
        int units =
                image == null ? 1 : image.size() * Math.max(1, layout.filters().get(0));
        return Math.max(1, Math.min(PASS_ROWS, PASS_NUMBERS / units));
    }

    @Override
    public NDArray forward(NDManager pass, NDArray parameters, Examples input, UnaryOperator<NDArray> after) {
        List<NDArray> parts = parts(pass, parameters);
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
        NDArray numbers = input.numbers();
        if (layout.image() != null) {
            numbers = seen(Objects.requireNonNull(numbers), layout.image(), parts, next);
            next += 2 * layout.filters().size();
        }
        NDArray value = beside(numbers, entries);
        for (int layer = 0; layer < layout.hidden().size(); layer++) {
            value = after.apply(
                    Activation.relu(linear(narrow(value), narrow(parts.get(next)), narrow(parts.get(next + 1)))));
            next += 2;
        }
        return linear(hidden == null ? value : hidden.wide(value), parts.get(next), parts.get(next + 1));
    }

    private NDArray narrow(NDArray values) {
        return hidden == null ? values : hidden.narrow(values);
    }

    /** The numbers with the image's pixels replaced by what the convolutions make of them. */
    private NDArray seen(NDArray numbers, ImageShape image, List<NDArray> parts, int first) {
        boolean alone = image.size() == layout.numbers();
        NDList pieces = alone ? new NDList(numbers) : numbers.split(new long[] {image.size()}, 1);
        NDArray pixels = narrow(channelsLast(pieces.get(0), image));
        int next = first;
        for (int block = 0; block < layout.filters().size(); block++) {
            PtNDArray convolved = JniUtils.convolution(
                    (PtNDArray) pixels,
                    (PtNDArray) narrow(parts.get(next)),
                    (PtNDArray) narrow(parts.get(next + 1)),
                    ONE,
                    ONE,
                    ONE,
                    1);
            // the same as after the activation, on a quarter of the numbers
            pixels = Activation.relu(JniUtils.maxPool(convolved, TWO, TWO, NONE, false));
            next += 2;
        }
        NDArray flat = pixels.reshape(-1, layout.seen());
        return alone ? flat : flat.concat(pieces.get(1), 1);
    }

    /**
     * Pixels as [rows, channels, height, width] whose channels are neighbours in memory. All that follows keeps to
     * that, and PyTorch computes a pooling for many channels at once, but without it number by number: pooling was two
     * fifths of a step.
     */
    private static NDArray channelsLast(NDArray pixels, ImageShape image) {
        return pixels.reshape(-1, image.channels(), image.height(), image.width())
                .transpose(0, 2, 3, 1)
                .reshape(-1, image.size()) // copies, unless there is one channel
                .reshape(-1, image.height(), image.width(), image.channels())
                .transpose(0, 3, 1, 2);
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

    @Override
    public String emit(OnnxGraph graph, Emitted front, FittedFeatures features, float[] parameters, Scale scale) {
        return new NetworkExport(graph, features, layout, parameters, scale).emit(front);
    }

    @Override
    public String describe() {
        return layout.describe();
    }
}
