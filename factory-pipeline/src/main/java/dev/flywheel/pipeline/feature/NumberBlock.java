package dev.flywheel.pipeline.feature;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** All fitted features over raw numbers, emitted together so that each step is one node for all columns. Immutable. */
final class NumberBlock {

    /** What becomes of a column after its steps. */
    enum End {
        STANDARDIZED,
        NUMBER,
        BUCKETS,
        CYCLE
    }

    /**
     * One fitted feature.
     *
     * @param column the raw column
     * @param missingAt the value that stands for missing, or NaN
     * @param flagged whether a column says where it was missing
     * @param fill what a missing value becomes; NaN where the end takes care of it
     * @param steps the log1p and clip steps
     * @param end what becomes of it
     * @param mean subtracted at the end
     * @param scale multiplied at the end
     * @param edges for buckets: the lower edges of all bins but the first, ascending
     * @param period for cycles: the length of one turn, in the column's unit
     */
    record Slot(
            String column,
            float missingAt,
            boolean flagged,
            float fill,
            List<Transform> steps,
            End end,
            float mean,
            float scale,
            List<Float> edges,
            double period) {

        /** Columns with the same kinds of steps go through the same nodes. */
        private String group() {
            StringBuilder key = new StringBuilder(end + ":");
            steps.forEach(step -> key.append(step.kind()).append(' '));
            return key.toString();
        }
    }

    private final List<String> raw;
    private final List<Slot> slots;
    private final Map<String, List<Slot>> groups = new LinkedHashMap<>();

    NumberBlock(List<Slot> fitted) {
        fitted.stream()
                .sorted(Comparator.comparing(Slot::end).thenComparing(Slot::group))
                .forEach(slot -> groups.computeIfAbsent(slot.group(), key -> new ArrayList<>())
                        .add(slot));
        slots = groups.values().stream().flatMap(List::stream).toList();
        raw = List.copyOf(new LinkedHashSet<>(slots.stream().map(Slot::column).toList()));
    }

    List<Slot> slots() {
        return slots;
    }

    /** The columns of the input, in order. */
    List<String> raw() {
        return raw;
    }

    void emit(Emission out) {
        if (slots.isEmpty()) {
            return;
        }
        OnnxGraph graph = out.graph();
        String value = graph.input(Signature.NUMBERS, ElementType.FLOAT, raw.size());
        value = out.select(
                value,
                raw.size(),
                slots.stream().mapToInt(s -> raw.indexOf(s.column())).toArray());
        if (slots.stream().anyMatch(slot -> !Float.isNaN(slot.missingAt()))) {
            value = graph.node(
                    "Where", graph.node("Equal", value, out.row(column(Slot::missingAt))), nan(graph), value);
        }
        emitFlags(out, value);
        // One node with a value for each column is a third of the cost of two that spread a row over all rows.
        value = graph.node(
                OnnxGraph.ML,
                "Imputer",
                Map.of("imputed_value_floats", column(Slot::fill), "replaced_value_float", Float.NaN),
                value);
        List<String> pieces =
                out.split(value, groups.values().stream().map(List::size).toList());
        int piece = 0;
        for (List<Slot> group : groups.values()) {
            emitGroup(out, group, pieces.get(piece++));
        }
    }

    private void emitFlags(Emission out, String value) {
        int[] flagged = java.util.stream.IntStream.range(0, slots.size())
                .filter(i -> slots.get(i).flagged())
                .toArray();
        if (flagged.length == 0) {
            return;
        }
        OnnxGraph graph = out.graph();
        String isMissing = graph.node("IsNaN", out.select(value, slots.size(), flagged));
        out.plain(
                graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 1L), isMissing),
                java.util.Arrays.stream(flagged)
                        .mapToObj(i -> slots.get(i).column() + " missing")
                        .toList());
    }

    private static void emitGroup(Emission out, List<Slot> group, String input) {
        String value = input;
        for (int step = 0; step < group.get(0).steps().size(); step++) {
            value = emitStep(out, group, step, value);
        }
        switch (group.get(0).end()) {
            case STANDARDIZED ->
                out.standardized(value, names(group), column(group, Slot::mean), column(group, Slot::scale));
            case NUMBER -> out.plain(value, names(group));
            case BUCKETS -> emitBuckets(out, group, value);
            case CYCLE -> emitCycles(out, group, value);
        }
    }

    private static String emitStep(Emission out, List<Slot> group, int step, String value) {
        OnnxGraph graph = out.graph();
        if (group.get(0).steps().get(step).kind() == Transform.Kind.LOG1P) {
            return graph.node("Log", graph.node("Add", graph.node("Relu", value), graph.floats(new float[] {1})));
        }
        String low = out.row(column(group, s -> (float) s.steps().get(step).first()));
        String high = out.row(column(group, s -> (float) s.steps().get(step).second()));
        return graph.node("Min", graph.node("Max", value, low), high);
    }

    /**
     * The id is the number of edges that are not above the value; the first edge is minus infinity, NaN is above none.
     */
    private static void emitBuckets(Emission out, List<Slot> group, String value) {
        OnnxGraph graph = out.graph();
        int most = group.stream().mapToInt(s -> s.edges().size()).max().orElseThrow() + 1;
        float[] edges = new float[group.size() * most];
        java.util.Arrays.fill(edges, Float.NaN); // no value reaches the padding
        long[] first = new long[group.size()];
        for (int i = 0; i < group.size(); i++) {
            List<Float> own = group.get(i).edges();
            edges[i * most] = Float.NEGATIVE_INFINITY;
            for (int edge = 0; edge < own.size(); edge++) {
                edges[i * most + 1 + edge] = own.get(edge);
            }
            first[i] = out.reserve(group.get(i).column() + " bucket", own.size() + 2);
        }
        String column = graph.node("Unsqueeze", value, graph.longs(new long[] {2}, 1));
        String reached = graph.node("GreaterOrEqual", column, graph.floats(edges, 1, group.size(), most));
        String ones = graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 7L), reached);
        String count =
                graph.node(OnnxGraph.ONNX, "ReduceSum", Map.of("keepdims", 0L), ones, graph.longs(new long[] {2}, 1));
        out.ids(graph.node("Add", count, out.row(first)));
    }

    private static void emitCycles(Emission out, List<Slot> group, String value) {
        OnnxGraph graph = out.graph();
        String angle = graph.node("Mul", value, out.row(column(group, s -> (float) (2 * Math.PI / s.period()))));
        String both = out.concat(List.of(graph.node("Sin", angle), graph.node("Cos", angle)));
        out.plain(
                graph.node("Where", graph.node("IsNaN", both), graph.floats(new float[] {0}), both),
                cycleNames(names(group)));
    }

    private static List<String> names(List<Slot> group) {
        return group.stream().map(Slot::column).toList();
    }

    static List<String> cycleNames(List<String> columns) {
        List<String> names = new ArrayList<>();
        columns.forEach(column -> names.add(column + " sin"));
        columns.forEach(column -> names.add(column + " cos"));
        return names;
    }

    private interface FloatOf {
        float of(Slot slot);
    }

    private float[] column(FloatOf property) {
        return column(slots, property);
    }

    private static float[] column(List<Slot> slots, FloatOf property) {
        float[] values = new float[slots.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = property.of(slots.get(i));
        }
        return values;
    }

    private static String nan(OnnxGraph graph) {
        return graph.floats(new float[] {Float.NaN});
    }

    /** One line for each feature, by column: what was learned. */
    Map<String, String> describe() {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Slot slot : slots) {
            StringBuilder line = new StringBuilder();
            if (!Float.isNaN(slot.missingAt())) {
                line.append("missing at ").append(slot.missingAt()).append(", ");
            }
            line.append(slot.flagged() ? "flagged where missing, " : "");
            switch (slot.end()) {
                case NUMBER, STANDARDIZED -> line.append("missing -> ").append(slot.fill());
                case BUCKETS ->
                    line.append(slot.edges().size() + 1).append(" buckets at ").append(slot.edges());
                case CYCLE -> line.append("cycle of ").append(slot.period());
            }
            slot.steps().forEach(step -> line.append(", ").append(step));
            if (slot.end() == End.STANDARDIZED) {
                line.append(", (x - ").append(slot.mean()).append(") * ").append(slot.scale());
            }
            lines.merge(slot.column(), line.toString(), (a, b) -> a + "; " + b);
        }
        return lines;
    }
}
