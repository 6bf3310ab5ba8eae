package dev.flywheel.pipeline.train;

import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.feature.ImageShape;
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

    /** The name of the predictions, FLOAT [rows, outputs]. */
    String emit(Emitted front) {
        return scale.ending(
                graph, layout.isLinear() ? linear(front.numbers(), front.ids()) : layers(front.numbers(), front.ids()));
    }

    private String linear(@Nullable String numbers, @Nullable String ids) {
        List<Layout.Part> parts = layout.parts();
        int outputs = layout.outputs();
        float[] bias = lastBias(parts);
        String sum = "";
        if (ids != null) {
            float[] table = scaled(parts.get(0));
            int first = features.idColumns().get(0).cardinality();
            for (int entry = 0; entry < first * outputs; entry++) {
                table[entry] += bias[entry % outputs]; // each row has exactly one id of the first column
            }
            String entries = graph.node("Gather", graph.floats(table, layout.ids(), outputs), ids);
            sum = graph.node(
                    OnnxGraph.ONNX, "ReduceSum", Map.of("keepdims", 0L), entries, graph.longs(new long[] {1}, 1));
        }
        if (numbers == null) {
            return sum;
        }
        Layout.Part weights = parts.get(parts.size() - 2);
        return gemm(numbers, weights, scaled(weights), ids == null ? graph.floats(bias, outputs) : sum);
    }

    private String layers(@Nullable String numbers, @Nullable String ids) {
        List<Layout.Part> parts = layout.parts();
        int next = 0;
        String flat = null;
        if (ids != null) {
            String vectors = graph.node("Gather", floats(parts.get(next++)), ids);
            long width = (long) layout.idColumns() * layout.width();
            flat = graph.node("Reshape", vectors, graph.longs(new long[] {-1, width}, 2));
        }
        String value = numbers;
        if (layout.image() != null) {
            value = seen(Objects.requireNonNull(numbers), layout.image(), parts, next);
            next += 2 * layout.filters().size();
        }
        value = value == null ? flat : flat == null ? value : beside(value, flat);
        while (next < parts.size() - 2) {
            Layout.Part weights = parts.get(next++);
            value = graph.node("Relu", gemm(value, weights, weights.of(parameters), floats(parts.get(next++))));
        }
        Layout.Part last = parts.get(next);
        return gemm(value, last, scaled(last), graph.floats(lastBias(parts), layout.outputs()));
    }

    private String seen(String numbers, ImageShape image, List<Layout.Part> parts, int first) {
        boolean alone = image.size() == layout.numbers();
        List<String> pieces = alone
                ? List.of(numbers)
                : graph.nodes(
                        OnnxGraph.ONNX,
                        "Split",
                        Map.of("axis", 1L),
                        2,
                        numbers,
                        graph.longs(new long[] {image.size(), layout.numbers() - image.size()}, 2));
        String pixels = graph.node(
                "Reshape",
                pieces.get(0),
                graph.longs(new long[] {-1, image.channels(), image.height(), image.width()}, 4));
        for (int part = first; part < first + 2 * layout.filters().size(); part += 2) {
            String convolved = graph.node(
                    OnnxGraph.ONNX,
                    "Conv",
                    Map.of("pads", new long[] {1, 1, 1, 1}),
                    pixels,
                    floats(parts.get(part)),
                    floats(parts.get(part + 1)));
            Map<String, Object> halving = Map.of("kernel_shape", new long[] {2, 2}, "strides", new long[] {2, 2});
            pixels = graph.node("Relu", graph.node(OnnxGraph.ONNX, "MaxPool", halving, convolved));
        }
        String flat = graph.node("Flatten", pixels);
        return alone ? flat : beside(flat, pieces.get(1));
    }

    private String beside(String left, String right) {
        return graph.node(OnnxGraph.ONNX, "Concat", Map.of("axis", 1L), left, right);
    }

    private String floats(Layout.Part part) {
        return graph.floats(
                part.of(parameters),
                part.shape().stream().mapToLong(Integer::longValue).toArray());
    }

    private String gemm(@Nullable String value, Layout.Part part, float[] weights, String bias) {
        int outputs = part.shape().get(0);
        int inputs = part.shape().get(1);
        return graph.node(
                OnnxGraph.ONNX,
                "Gemm",
                Map.of("transB", 1L),
                Objects.requireNonNull(value),
                graph.floats(weights, outputs, inputs),
                bias);
    }

    private float[] scaled(Layout.Part part) {
        float[] values = part.of(parameters);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] * scale.factor());
        }
        return values;
    }

    private float[] lastBias(List<Layout.Part> parts) {
        float[] bias = parts.get(parts.size() - 1).of(parameters);
        for (int i = 0; i < bias.length; i++) {
            bias[i] = (float) (bias[i] * scale.factor() + scale.offset());
        }
        return bias;
    }
}
