package dev.flywheel.pipeline.train;

import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.List;
import java.util.Map;

/** A trained network: its parameters on the heap, and how they become ONNX nodes. Immutable and thread-safe. */
public final class TrainedModel {

    private final NetShape shape;
    private final float[] parameters;
    private final LabelScale scale;

    TrainedModel(NetShape shape, float[] parameters, LabelScale scale) {
        this.shape = shape;
        this.parameters = parameters;
        this.scale = scale;
    }

    /** {@return what it predicts} */
    public Task task() {
        return scale.task();
    }

    /** {@return the predictions for all rows by DJL's own forward pass: probabilities, or numbers in the raw unit} */
    public double[] predict(FeatureMatrix matrix) {
        float[] outputs = Torch.exclusively(() -> NetTraining.outputs(shape, parameters, matrix));
        double[] predictions = new double[outputs.length];
        for (int row = 0; row < outputs.length; row++) {
            double output = outputs[row] * scale.deviation() + scale.mean();
            if (scale.task() == Task.BINARY) {
                output = 1 / (1 + Math.exp(-output));
            }
            predictions[row] = scale.log() ? Math.exp(output) : output;
        }
        return predictions;
    }

    /**
     * Adds the network behind its features to a graph.
     *
     * @return the name of the predictions, FLOAT [rows, 1]
     */
    public String emit(OnnxGraph graph, Emitted features) {
        String output = shape.linear() ? linear(graph, features) : perceptron(graph, features);
        if (scale.task() == Task.BINARY) {
            return graph.node("Sigmoid", output);
        }
        return scale.log() ? graph.node("Exp", output) : output;
    }

    private String linear(OnnxGraph graph, Emitted features) {
        NetShape.Layer layer = shape.layers().get(0);
        float[] bias = biases(layer, true);
        String sum = null;
        if (features.ids() != null && shape.tableSize() > 0) {
            String table = graph.floats(scaled(0, shape.tableSize(), true), shape.ids(), 1);
            String looked = graph.node("Gather", table, features.ids());
            sum = graph.node(
                    OnnxGraph.ONNX, "ReduceSum", Map.of("keepdims", 0L), looked, graph.longs(new long[] {1}, 1));
        }
        if (features.numbers() != null) {
            String product = graph.node(
                    "Gemm",
                    features.numbers(),
                    graph.floats(scaled(layer.weights(), layer.biases(), true), layer.inputs(), 1),
                    graph.floats(bias, 1));
            return sum == null ? product : graph.node("Add", product, sum);
        }
        return graph.node("Add", java.util.Objects.requireNonNull(sum), graph.floats(bias, 1));
    }

    private String perceptron(OnnxGraph graph, Emitted features) {
        String values = features.numbers();
        if (features.ids() != null && shape.tableSize() > 0) {
            String table = graph.floats(scaled(0, shape.tableSize(), false), shape.ids(), shape.vector());
            String looked = graph.node("Gather", table, features.ids());
            long width = (long) shape.idColumns() * shape.vector();
            String flat = graph.node("Reshape", looked, graph.longs(new long[] {-1, width}, 2));
            values = values == null ? flat : graph.node(OnnxGraph.ONNX, "Concat", Map.of("axis", 1L), values, flat);
        }
        String at = java.util.Objects.requireNonNull(values);
        List<NetShape.Layer> layers = shape.layers();
        for (int i = 0; i < layers.size(); i++) {
            NetShape.Layer layer = layers.get(i);
            boolean last = i == layers.size() - 1;
            at = graph.node(
                    "Gemm",
                    at,
                    graph.floats(scaled(layer.weights(), layer.biases(), last), layer.inputs(), layer.outputs()),
                    graph.floats(biases(layer, last), layer.outputs()));
            at = last ? at : graph.node("Relu", at);
        }
        return at;
    }

    /** The last layer speaks the label's own unit, so that nothing needs to be undone behind it. */
    private float[] scaled(int from, int to, boolean last) {
        float[] part = java.util.Arrays.copyOfRange(parameters, from, to);
        if (last) {
            for (int i = 0; i < part.length; i++) {
                part[i] = (float) (part[i] * scale.deviation());
            }
        }
        return part;
    }

    private float[] biases(NetShape.Layer layer, boolean last) {
        float[] biases = scaled(layer.biases(), layer.biases() + layer.outputs(), last);
        if (last) {
            for (int i = 0; i < biases.length; i++) {
                biases[i] = (float) (parameters[layer.biases() + i] * scale.deviation() + scale.mean());
            }
        }
        return biases;
    }
}
