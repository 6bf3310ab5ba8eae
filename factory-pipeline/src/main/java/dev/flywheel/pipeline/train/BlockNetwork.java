package dev.flywheel.pipeline.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.feature.ImageShape;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A network that is a user's block of DJL. The block's parameters are views of the flat vector: first those that learn,
 * then what a block only keeps, such as the means of a batch normalization, which it updates in place. Immutable.
 */
final class BlockNetwork implements Network {

    private static final int PASS_ROWS = 8_192;

    /** The most numbers of all rows of a pass without learning: 4 MiB, and a layer may make many of each. */
    private static final int PASS_NUMBERS = 1 << 20;

    /** Of the parameters' types, those that are multiplied with rows, or added to the product. */
    private static final Set<Parameter.Type> MULTIPLIED = Set.of(Parameter.Type.WEIGHT, Parameter.Type.BIAS);

    /** How many rows the block is asked about; one would hide a dimension that is not for rows. */
    private static final int SAMPLE_ROWS = 2;

    private final String trainer;
    private final Block block;
    private final Shape row;
    private final int outputs;
    /** By identity, which is all that a parameter has. */
    private final Map<Parameter, Layout.Part> parts = new HashMap<>();

    private final List<Parameter> order = new ArrayList<>();
    private final int learned;
    private final float[] start;
    private final @Nullable Bfloat16 hidden;

    private BlockNetwork(String trainer, Block block, Shape row, int outputs, NDManager manager, long seed) {
        this.trainer = trainer;
        this.block = block;
        this.row = row;
        this.outputs = outputs;
        this.hidden = null;
        initialize(block, manager, sample(), seed);
        List<Parameter> all = block.getParameters().values();
        all.stream().filter(Parameter::requiresGradient).forEach(order::add);
        int learning = order.size();
        all.stream().filter(parameter -> !parameter.requiresGradient()).forEach(order::add);
        int offset = 0;
        int split = 0;
        for (Parameter parameter : order) {
            split = parts.size() == learning ? offset : split;
            List<Integer> shape = Arrays.stream(parameter.getShape().getShape())
                    .mapToObj(Math::toIntExact)
                    .toList();
            Layout.Part part =
                    new Layout.Part(offset, shape, !parameter.getName().equals("weight"));
            parts.put(parameter, part);
            offset = part.end();
        }
        this.learned = learning == order.size() ? offset : split;
        this.start = new float[offset];
        parts.forEach((parameter, part) ->
                System.arraycopy(parameter.getArray().toFloatArray(), 0, start, part.offset(), part.size()));
    }

    private BlockNetwork(BlockNetwork other, Bfloat16 hidden) {
        this.trainer = other.trainer;
        this.block = other.block;
        this.row = other.row;
        this.outputs = other.outputs;
        this.parts.putAll(other.parts);
        this.order.addAll(other.order);
        this.learned = other.learned;
        this.start = other.start;
        this.hidden = hidden;
    }

    /**
     * A new block, whose parameters begin where its initializers say.
     *
     * @throws IllegalArgumentException if it does not fit the features or the target, or cannot be exported
     */
    static BlockNetwork of(String trainer, Block block, FeatureMatrix rows, int outputs, long seed) {
        FittedFeatures features = rows.features();
        if (rows.idCount() > 0 || rows.numberCount() == 0) {
            throw new IllegalArgumentException("trainer " + trainer + " takes features that are numbers, found "
                    + rows.numberCount() + " numbers and " + rows.idCount()
                    + " ids; make numbers of categories, as with Encoding.oneHot()");
        }
        Optional<ImageShape> image = features.image().filter(found -> found.size() == rows.numberCount());
        Shape row = image.map(found -> new Shape(found.channels(), found.height(), found.width()))
                .orElse(new Shape(rows.numberCount()));
        try (PyTorch.Session session = PyTorch.open()) {
            BlockNetwork network = new BlockNetwork(trainer, block, row, outputs, session.manager(), seed);
            new BlockExport(new OnnxGraph("check"), trainer, network.parts, network.start)
                    .emit(session.manager(), block, "", network.sample());
            network.requireOutputs(session.manager());
            return network;
        }
    }

    /** PyTorch's random numbers belong to the whole process. */
    private static synchronized void initialize(Block block, NDManager manager, Shape input, long seed) {
        JniUtils.setSeed(seed);
        block.initialize(manager, DataType.FLOAT32, input);
    }

    private Shape sample() {
        return new Shape(SAMPLE_ROWS).addAll(row);
    }

    private void requireOutputs(NDManager manager) {
        NDList given = block.forward(
                new Views(manager, manager.create(start), JniUtils.isGradMode()),
                new NDList(manager.zeros(sample())),
                false);
        Shape expected = new Shape(SAMPLE_ROWS, outputs);
        if (given.size() != 1 || !given.get(0).getShape().equals(expected)) {
            throw new IllegalArgumentException("trainer " + trainer + " needs a block with " + outputs
                    + (outputs == 1 ? " output" : " outputs, one for each class,") + " a row, found the shape "
                    + Arrays.toString(given.getShapes()) + " for " + SAMPLE_ROWS
                    + " rows; end it with a Linear of so many units");
        }
    }

    @Override
    public int outputs() {
        return outputs;
    }

    @Override
    public int size() {
        return start.length;
    }

    @Override
    public int learned() {
        return learned;
    }

    /** Where the block's initializers began, whatever {@code random} is. */
    @Override
    public float[] start(SplittableRandom random) {
        return start.clone();
    }

    @Override
    public float[] weightMask() {
        float[] mask = new float[start.length];
        parts.values().forEach(part -> Arrays.fill(mask, part.offset(), part.end(), part.bias() ? 0 : 1));
        return mask;
    }

    @Override
    public List<Integer> hidden() {
        return List.of();
    }

    @Override
    public int entrySize() {
        return 0;
    }

    /** As if no layer made an image smaller, and no block of the user's own multiplied. */
    @Override
    public long multiplications() {
        long pixels = row.dimension() == 1 ? 1 : row.size() / row.get(0);
        return parts.values().stream()
                .filter(part -> part.shape().size() > 1)
                .mapToLong(part -> part.size() * (part.shape().size() > 2 ? pixels : 1))
                .sum();
    }

    /** Here the last layer is like the others. */
    @Override
    public Network in(Bfloat16 numbers) {
        return new BlockNetwork(this, numbers);
    }

    @Override
    public boolean isLinear() {
        return false;
    }

    @Override
    public int passRows() {
        return Math.toIntExact(Math.max(1, Math.min(PASS_ROWS, PASS_NUMBERS / row.size())));
    }

    @Override
    public NDArray forward(NDManager pass, NDArray parameters, Examples input, UnaryOperator<NDArray> after) {
        NDArray numbers = Objects.requireNonNull(input.numbers());
        NDArray shaped = row.dimension() == 1 ? numbers : numbers.reshape(new Shape(-1).addAll(row));
        boolean learning = JniUtils.isGradMode() && parameters.hasGradient();
        NDArray given = hidden == null ? shaped : hidden.narrow(shaped);
        NDArray found = block.forward(new Views(pass, parameters, learning), new NDList(given), learning)
                .singletonOrThrow();
        return hidden == null ? found : hidden.wide(found);
    }

    @Override
    public String emit(OnnxGraph graph, Emitted front, FittedFeatures features, float[] parameters, Scale scale) {
        String numbers = Objects.requireNonNull(front.numbers());
        long[] shape = new Shape(-1).addAll(row).getShape();
        String input =
                row.dimension() == 1 ? numbers : graph.node("Reshape", numbers, graph.longs(shape, shape.length));
        try (PyTorch.Session session = PyTorch.open()) {
            String output =
                    new BlockExport(graph, trainer, parts, parameters).emit(session.manager(), block, input, sample());
            return scale.ending(graph, scale.scaled(graph, output));
        }
    }

    @Override
    public String describe() {
        return BlockExport.name(block) + " over " + row + ", " + start.length + " parameters";
    }

    /** The parameters in one pass. */
    private final class Views extends ParameterStore {

        private final Map<Parameter, NDArray> views = new HashMap<>();

        Views(NDManager pass, NDArray flat, boolean learning) {
            super(pass, false);
            NDArray kept = learning ? attached(pass, flat.stopGradient()) : flat;
            for (Parameter parameter : order) {
                Layout.Part part = Objects.requireNonNull(parts.get(parameter));
                NDArray from = part.offset() < learned ? flat : kept;
                NDArray piece = attached(pass, from.get(pass, new NDIndex().addSliceDim(part.offset(), part.end())));
                NDArray view = attached(pass, piece.reshape(parameter.getShape()));
                boolean multiplied = MULTIPLIED.contains(parameter.getType());
                views.put(parameter, hidden != null && multiplied ? hidden.narrow(view) : view);
            }
        }

        private static NDArray attached(NDManager pass, NDArray array) {
            array.attach(pass);
            return array;
        }

        @Override
        public @Nullable NDArray getValue(@Nullable Parameter parameter, Device device, boolean training) {
            return parameter == null ? null : views.get(parameter);
        }
    }
}
