package dev.flywheel.pipeline.feature;

import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Gathers what the blocks of a fitted feature graph give and joins it into two tensors. Not thread-safe. */
final class Emission {

    /** Standardized numbers beyond this many standard deviations are moved to it. */
    static final float LIMIT = 4;

    /**
     * The same of pixels, which are standardized all alike, so that those of a small bright thing are far out: no more
     * than one in 256 is beyond this (Chebyshev's inequality). A convolution of larger ones rounds away the others.
     */
    static final float PIXEL_LIMIT = 16;

    private final OnnxGraph graph;
    private final List<String> images = new ArrayList<>();
    private final List<String> imageNames = new ArrayList<>();
    private final List<String> scaled = new ArrayList<>();
    private final List<String> scaledNames = new ArrayList<>();
    private final List<Float> means = new ArrayList<>();
    private final List<Float> scales = new ArrayList<>();
    private final List<String> plain = new ArrayList<>();
    private final List<String> plainNames = new ArrayList<>();
    private final List<String> ids = new ArrayList<>();
    private final List<IdColumn> idColumns = new ArrayList<>();
    private int nextId;

    Emission(OnnxGraph graph) {
        this.graph = graph;
    }

    OnnxGraph graph() {
        return graph;
    }

    /** Takes FLOAT [rows, names] that is ready and comes before all others. */
    void image(String value, List<String> names) {
        images.add(value);
        imageNames.addAll(names);
    }

    /** Takes FLOAT [rows, names] that is still to be standardized: moved by a mean, scaled and limited. */
    void standardized(String value, List<String> names, float[] mean, float[] scale) {
        scaled.add(value);
        scaledNames.addAll(names);
        for (int i = 0; i < mean.length; i++) {
            means.add(mean[i]);
            scales.add(scale[i]);
        }
    }

    /** Takes FLOAT [rows, names] that is ready. */
    void plain(String value, List<String> names) {
        plain.add(value);
        plainNames.addAll(names);
    }

    /** Reserves the ids of one column and returns the first of them. */
    int reserve(String name, int cardinality) {
        idColumns.add(new IdColumn(name, nextId, cardinality));
        nextId = Math.addExact(nextId, cardinality);
        return idColumns.get(idColumns.size() - 1).first();
    }

    /** Takes INT64 [rows, columns] of reserved ids, in the order of their reservation. */
    void ids(String value) {
        ids.add(value);
    }

    /** The names of the columns of {@link #numbers}, in order. */
    List<String> numberNames() {
        List<String> names = new ArrayList<>(imageNames);
        names.addAll(scaledNames);
        names.addAll(plainNames);
        return Collections.unmodifiableList(names);
    }

    List<IdColumn> idColumns() {
        return Collections.unmodifiableList(idColumns);
    }

    /** Adds the last nodes and returns FLOAT [rows, numberNames], or null where there are no numbers. */
    @Nullable
    String numbers() {
        List<String> parts = new ArrayList<>(images);
        if (!scaled.isEmpty()) {
            parts.add(standardize(concat(scaled), means, scales, LIMIT));
        }
        parts.addAll(plain);
        return parts.isEmpty() ? null : concat(parts);
    }

    /** Adds the last node and returns INT64 [rows, idColumns], or null where there are no ids. */
    @Nullable
    String identifiers() {
        return ids.isEmpty() ? null : concat(ids);
    }

    /** Splits FLOAT or INT64 or STRING [rows, columns] into pieces of these widths. */
    List<String> split(String value, List<Integer> widths) {
        if (widths.size() == 1) {
            return List.of(value);
        }
        long[] sizes = widths.stream().mapToLong(Integer::longValue).toArray();
        return graph.nodes(
                OnnxGraph.ONNX, "Split", Map.of("axis", 1L), sizes.length, value, graph.longs(sizes, sizes.length));
    }

    /** The columns of {@code value} at {@code positions}, or {@code value} itself where those are all, in order. */
    String select(String value, int width, int[] positions) {
        boolean all = positions.length == width;
        for (int i = 0; i < positions.length; i++) {
            all = all && positions[i] == i;
        }
        if (all) {
            return value;
        }
        long[] indices = java.util.Arrays.stream(positions).asLongStream().toArray();
        return graph.node(OnnxGraph.ONNX, "Gather", Map.of("axis", 1L), value, graph.longs(indices, indices.length));
    }

    String concat(List<String> parts) {
        return parts.size() == 1
                ? parts.get(0)
                : graph.node(OnnxGraph.ONNX, "Concat", Map.of("axis", 1L), parts.toArray(String[]::new));
    }

    /** A FLOAT constant of shape [1, values]. */
    String row(float... values) {
        return graph.floats(values, 1, values.length);
    }

    /** An INT64 constant of shape [1, values]. */
    String row(long... values) {
        return graph.longs(values, 1, values.length);
    }

    /** Moves FLOAT [rows, names] by a mean, scales and limits it; one mean and scale, or one for each name. */
    String standardize(String value, List<Float> mean, List<Float> scale, float limit) {
        String moved =
                graph.node(OnnxGraph.ML, "Scaler", Map.of("offset", floats(mean), "scale", floats(scale)), value);
        if (scale.contains(0f)) {
            // of a column that never changes; an infinite value times 0 is not a number
            moved = graph.node(
                    OnnxGraph.ML,
                    "Imputer",
                    Map.of("imputed_value_floats", new float[] {0}, "replaced_value_float", Float.NaN),
                    moved);
        }
        return graph.node("Clip", moved, graph.floats(new float[] {-limit}), graph.floats(new float[] {limit}));
    }

    static float[] floats(List<Float> values) {
        float[] array = new float[values.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = values.get(i);
        }
        return array;
    }
}
