package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Writes a block of DJL as ONNX nodes. Blocks do not tell all of their settings: what a pooling, an activation or a
 * batch normalization was made with is found out by {@link BlockProbe asking it}.
 */
final class BlockExport {

    private static final String KNOWN = "SequentialBlock, Linear, Conv2d, BatchNorm, Dropout, the flatten and identity "
            + "blocks of Blocks, the 2d max and average pools of Pool and the activations that end in Block, such as "
            + "Activation.reluBlock()";

    private final OnnxGraph graph;
    private final String trainer;
    private final Map<Parameter, Layout.Part> parts;
    private final float[] parameters;

    BlockExport(OnnxGraph graph, String trainer, Map<Parameter, Layout.Part> parts, float[] parameters) {
        this.graph = graph;
        this.trainer = trainer;
        this.parts = parts;
        this.parameters = parameters;
    }

    /** What a block is called in messages. */
    static String name(Block block) {
        return block instanceof LambdaBlock lambda
                ? lambda.getName().contains("$$Lambda") ? "lambda" : lambda.getName()
                : block instanceof SequentialBlock
                        ? block.getChildren().values().stream()
                                .map(BlockExport::name)
                                .toList()
                                .toString()
                        : block.getClass().getSimpleName();
    }

    /**
     * The name of the value that the block gives.
     *
     * @param input the name of the value that it takes
     * @param shape what it takes, of some rows
     * @throws IllegalArgumentException if there is no way to write the block
     */
    String emit(NDManager manager, Block block, String input, Shape shape) {
        if (block instanceof SequentialBlock all && !all.isReturnIntermediate()) {
            String value = input;
            Shape next = shape;
            for (Block child : all.getChildren().values()) {
                value = emit(manager, child, value, next);
                next = child.getOutputShapes(new Shape[] {next})[0];
            }
            return value;
        }
        if (block instanceof Linear && shape.dimension() == 2) {
            return weighted(block, "Gemm", Map.of("transB", 1L), input);
        }
        if (block instanceof Conv2d convolution) {
            return convolution(convolution, input);
        }
        if (block instanceof BatchNorm && (shape.dimension() == 2 || shape.dimension() == 4)) {
            return normalization(block, new BlockProbe(manager).epsilon(block), input, shape);
        }
        if (block instanceof Dropout) {
            return input;
        }
        if (block instanceof LambdaBlock lambda) {
            return lambda(new BlockProbe(manager), lambda, input, shape);
        }
        throw unknown(block);
    }

    private IllegalArgumentException unknown(Block block) {
        return new IllegalArgumentException("trainer " + trainer + " cannot export the block "
                + name(block) + "; it exports " + KNOWN
                + ": build the block of these, or train it yourself and bring it as an ONNX model");
    }

    private String convolution(Conv2d block, String input) {
        Map<String, Object> attributes = new HashMap<>();
        long[] padding = block.getPadding().getShape();
        attributes.put("pads", new long[] {padding[0], padding[1], padding[0], padding[1]});
        attributes.put("strides", block.getStride().getShape());
        attributes.put("dilations", block.getDilation().getShape());
        attributes.put("group", (long) block.getGroups());
        return weighted(block, "Conv", attributes, input);
    }

    private String weighted(Block block, String operator, Map<String, Object> attributes, String input) {
        return block.getDirectParameters().contains("bias")
                ? node(operator, attributes, input, floats(block, "weight"), floats(block, "bias"))
                : node(operator, attributes, input, floats(block, "weight"));
    }

    private String normalization(Block block, double epsilon, String input, Shape shape) {
        float[] gamma = values(block, "gamma");
        float[] beta = values(block, "beta");
        float[] mean = values(block, "runningMean");
        float[] variance = values(block, "runningVar");
        float[] factor = new float[gamma.length];
        float[] offset = new float[gamma.length];
        for (int i = 0; i < factor.length; i++) {
            double scale = gamma[i] / Math.sqrt(variance[i] + epsilon);
            factor[i] = (float) scale;
            offset[i] = (float) (beta[i] - mean[i] * scale);
        }
        long[] over = shape.dimension() == 2 ? new long[] {factor.length} : new long[] {factor.length, 1, 1};
        return graph.node("Add", graph.node("Mul", input, graph.floats(factor, over)), graph.floats(offset, over));
    }

    private String lambda(BlockProbe probe, LambdaBlock block, String input, Shape shape) {
        return switch (block.getName()) {
            case "identity" -> input;
            case "batchFlatten" -> graph.node("Flatten", input);
            case "globalMaxPool2d" -> graph.node("Flatten", graph.node("GlobalMaxPool", input));
            case "globalAvgPool2d" -> graph.node("Flatten", graph.node("GlobalAveragePool", input));
            case "maxPool2d" -> node("MaxPool", probe.maxPool(block, shape).orElseThrow(() -> unknown(block)), input);
            case "avgPool2d" ->
                node("AveragePool", probe.averagePool(block, shape).orElseThrow(() -> unknown(block)), input);
            case "ReLU" -> graph.node("Relu", input);
            case "ReLU6" -> graph.node("Clip", input, scalar(0), scalar(6));
            case "sigmoid" -> graph.node("Sigmoid", input);
            case "Tanh" -> graph.node("Tanh", input);
            case "softPlus" -> graph.node("Softplus", input);
            case "softSign" -> graph.node("Softsign", input);
            case "SELU" -> graph.node("Selu", input);
            case "GELU" -> graph.node(OnnxGraph.MICROSOFT, "Gelu", Map.of(), input);
            case "LeakyReLU" -> node("LeakyRelu", Map.of("alpha", (float) -probe.at(block, -1)), input);
            case "ELU" -> node("Elu", Map.of("alpha", (float) (probe.at(block, -1) / Math.expm1(-1))), input);
            case "Swish" -> {
                double one = probe.at(block, 1);
                float beta = (float) Math.log(one / (1 - one));
                yield graph.node("Mul", input, graph.node("Sigmoid", graph.node("Mul", input, scalar(beta))));
            }
            case "Mish" -> {
                double tanh = -probe.at(block, -1); // the engine's own has a logarithm to the base of 2 in it
                float factor = (float) (Math.log((1 + tanh) / (1 - tanh)) / 2 / Math.log1p(Math.exp(-1)));
                String soft = graph.node("Mul", graph.node("Softplus", input), scalar(factor));
                yield graph.node("Mul", input, graph.node("Tanh", soft));
            }
            default -> throw unknown(block);
        };
    }

    private String node(String operator, Map<String, Object> attributes, String... inputs) {
        return graph.node(OnnxGraph.ONNX, operator, attributes, inputs);
    }

    private String scalar(float value) {
        return graph.floats(new float[] {value});
    }

    private float[] values(Block block, String name) {
        return part(block, name).of(parameters);
    }

    private String floats(Block block, String name) {
        Layout.Part part = part(block, name);
        return graph.floats(
                part.of(parameters),
                part.shape().stream().mapToLong(Integer::longValue).toArray());
    }

    private Layout.Part part(Block block, String name) {
        return Objects.requireNonNull(parts.get(block.getDirectParameters().get(name)), name);
    }
}
