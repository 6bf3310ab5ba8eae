package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes a network as ONNX nodes behind its features. What only rescales is folded into the weights: the
 * standardization of the label into the last layer, a linear model's bias into the entries of its first column of ids.
 */
final class NetworkExport {

    private final OnnxGraph graph;
    private final FittedFeatures features;
    private final Layout layout;
    private final float[] parameters;
    private final Scale scale;

    NetworkExport(OnnxGraph graph, FittedFeatures features, Layout layout, float[] parameters, Scale scale) {
        this.graph = graph;
        this.features = features;
        this.layout = layout;
        this.parameters = parameters;
        this.scale = scale;
    }

    /** The name of the predictions, FLOAT [rows, 1]. */
    String emit(Emitted front) {
        return ending(layout.isLinear() ? linear(front.numbers(), front.ids()) : layers(front.numbers(), front.ids()));
    }

    private String linear(@Nullable String numbers, @Nullable String ids) {
        List<Layout.Part> parts = layout.parts();
        float bias = lastBias(parts);
        String sum = "";
        if (ids != null) {
            float[] table = scaled(parts.get(0));
            int first = features.idColumns().get(0).cardinality();
            for (int id = 0; id < first; id++) {
                table[id] += bias; // each row has exactly one id of the first column
            }
            String entries = graph.node("Gather", graph.floats(table, table.length), ids);
            sum = graph.node(
                    OnnxGraph.ONNX, "ReduceSum", Map.of("keepdims", 1L), entries, graph.longs(new long[] {1}, 1));
        }
        if (numbers == null) {
            return sum;
        }
        Layout.Part weights = parts.get(parts.size() - 2);
        String behind = ids == null ? graph.floats(new float[] {bias}, 1) : sum;
        return graph.node("Gemm", numbers, graph.floats(scaled(weights), layout.numbers(), 1), behind);
    }

    private String layers(@Nullable String numbers, @Nullable String ids) {
        List<Layout.Part> parts = layout.parts();
        int next = 0;
        String value = numbers;
        if (ids != null) {
            String vectors = graph.node("Gather", table(parts.get(next++)), ids);
            long width = (long) layout.idColumns() * layout.width();
            String flat = graph.node("Reshape", vectors, graph.longs(new long[] {-1, width}, 2));
            value = numbers == null ? flat : graph.node(OnnxGraph.ONNX, "Concat", Map.of("axis", 1L), numbers, flat);
        }
        while (next < parts.size() - 2) {
            Layout.Part weights = parts.get(next++);
            Layout.Part bias = parts.get(next++);
            value = graph.node("Relu", gemm(value, weights, weights.of(parameters), bias.of(parameters)));
        }
        Layout.Part last = parts.get(next);
        return gemm(value, last, scaled(last), new float[] {lastBias(parts)});
    }

    private String table(Layout.Part part) {
        return graph.floats(part.of(parameters), layout.ids(), layout.width());
    }

    private String gemm(@Nullable String value, Layout.Part part, float[] weights, float[] bias) {
        int outputs = part.shape().get(0);
        int inputs = part.shape().get(1);
        return graph.node(
                OnnxGraph.ONNX,
                "Gemm",
                Map.of("transB", 1L),
                Objects.requireNonNull(value),
                graph.floats(weights, outputs, inputs),
                graph.floats(bias, outputs));
    }

    private float[] scaled(Layout.Part part) {
        float[] values = part.of(parameters);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] * scale.factor());
        }
        return values;
    }

    private float lastBias(List<Layout.Part> parts) {
        return (float) (parts.get(parts.size() - 1).of(parameters)[0] * scale.factor() + scale.offset());
    }

    private String ending(String output) {
        String value = output;
        if (scale.limited()) {
            value = graph.node(
                    "Clip", value, graph.floats(new float[] {(float) scale.low()}), graph.floats(new float[] {
                        (float) scale.high()
                    }));
        }
        return switch (scale.objective()) {
            case PROBABILITY -> graph.node("Sigmoid", value);
            case NUMBER -> value;
            case NUMBER_ON_LOG_SCALE -> graph.node("Exp", value);
        };
    }
}
