package dev.flywheel.pipeline.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Finds out what a block was made with, from what it makes of inputs that tell. */
final class BlockProbe {

    /** Height and width of the images that are given to a pooling. */
    private static final int SIZE = 96;

    private final NDManager manager;

    BlockProbe(NDManager manager) {
        this.manager = manager;
    }

    /** What an activation makes of a number. */
    double at(Block activation, double value) {
        try (NDManager pass = manager.newSubManager()) {
            return run(pass, activation, pass.create(new float[] {(float) value}, new Shape(1, 1)))
                    .toFloatArray()[0];
        }
    }

    private static NDArray run(NDManager pass, Block block, NDArray input) {
        return block.forward(new ParameterStore(pass, false), new NDList(input), false)
                .singletonOrThrow();
    }

    /**
     * What a batch normalization adds to the variance: a one over a variance of zero comes out as its root's inverse.
     */
    double epsilon(Block normalization) {
        try (NDManager pass = manager.newSubManager()) {
            long channels =
                    normalization.getDirectParameters().get("gamma").getShape().size();
            ParameterStore plain = new ParameterStore(pass, false) {
                @Override
                public NDArray getValue(Parameter parameter, Device device, boolean training) {
                    boolean one = parameter.getName().equals("gamma");
                    return one ? pass.ones(new Shape(channels)) : pass.zeros(new Shape(channels));
                }
            };
            NDArray input = pass.ones(new Shape(1, channels));
            double root = normalization
                    .forward(plain, new NDList(input), false)
                    .singletonOrThrow()
                    .toFloatArray()[0];
            return 1 / (root * root);
        }
    }

    /** The attributes of a max pooling; empty if they do not show. */
    Optional<Map<String, Object>> maxPool(Block pool, Shape input) {
        Window[] windows = new Window[2];
        for (int axis = 0; axis < 2; axis++) {
            float[] ends = along(pool, axis, 1);
            float[] starts = along(pool, axis, -1);
            int last = starts.length - 2;
            if (last < 2) {
                return Optional.empty();
            }
            int stride = Math.round(starts[last - 1] - starts[last]);
            int padding = Math.round(last * stride + starts[last]);
            windows[axis] = new Window(Math.round(ends[0]) + 1 + padding, stride, padding);
        }
        return Optional.of(attributes(pool, input, windows));
    }

    /** The attributes of an average pooling; empty if they do not show. */
    Optional<Map<String, Object>> averagePool(Block pool, Shape input) {
        Window[] windows = new Window[2];
        boolean padded = false;
        for (int axis = 0; axis < 2; axis++) {
            float[] means = along(pool, axis, 1);
            int middle = means.length / 2;
            if (middle < 2) {
                return Optional.empty();
            }
            int stride = Math.round(means[middle] - means[middle - 1]);
            int kernel = Math.round(1 / impulse(pool, axis));
            int padding = Math.round(middle * stride + (kernel - 1) / 2f - means[middle]);
            windows[axis] = new Window(kernel, stride, padding);
            padded |= padding > 0;
        }
        Map<String, Object> attributes = attributes(pool, input, windows);
        if (attributes.containsKey("ceil_mode")) {
            return Optional.empty(); // engines do not agree on the mean of what lies half outside
        }
        attributes.put("count_include_pad", padded && corner(pool) < 1 ? 1L : 0L);
        return Optional.of(attributes);
    }

    private record Window(int kernel, int stride, int padding) {
        long count(long size) {
            return (size + 2L * padding - kernel) / stride + 1;
        }
    }

    private Map<String, Object> attributes(Block pool, Shape input, Window... windows) {
        Map<String, Object> attributes = new HashMap<>();
        Window down = windows[0];
        Window across = windows[1];
        attributes.put("kernel_shape", new long[] {down.kernel, across.kernel});
        attributes.put("strides", new long[] {down.stride, across.stride});
        attributes.put("pads", new long[] {down.padding, across.padding, down.padding, across.padding});
        Shape given = pool.getOutputShapes(new Shape[] {input})[0];
        if (given.get(2) != down.count(input.get(2)) || given.get(3) != across.count(input.get(3))) {
            attributes.put("ceil_mode", 1L);
        }
        return attributes;
    }

    /** What a pooling makes of the positions along an axis, each times a sign. */
    private float[] along(Block pool, int axis, int sign) {
        try (NDManager pass = manager.newSubManager()) {
            NDArray positions = pass.arange(0f, SIZE, 1f).mul(sign);
            return line(pass, pool, axis, positions);
        }
    }

    private float[] line(NDManager pass, Block pool, int axis, NDArray positions) {
        NDArray image = positions
                .reshape(1, 1, axis == 0 ? SIZE : 1, axis == 0 ? 1 : SIZE)
                .broadcast(new Shape(1, 1, SIZE, SIZE));
        NDArray pooled = run(pass, pool, image);
        return pooled.get(
                        axis == 0
                                ? "0,0,:," + pooled.getShape().get(3) / 2
                                : "0,0," + pooled.getShape().get(2) / 2 + ",:")
                .toFloatArray();
    }

    /** The most that a single position along an axis adds to a mean. */
    private float impulse(Block pool, int axis) {
        try (NDManager pass = manager.newSubManager()) {
            float[] one = new float[SIZE];
            one[SIZE / 2] = 1;
            float most = 0;
            for (float value : line(pass, pool, axis, pass.create(one))) {
                most = Math.max(most, value);
            }
            return most;
        }
    }

    /** The mean of ones in the first corner. */
    private float corner(Block pool) {
        try (NDManager pass = manager.newSubManager()) {
            return run(pass, pool, pass.ones(new Shape(1, 1, SIZE, SIZE))).toFloatArray()[0];
        }
    }
}
