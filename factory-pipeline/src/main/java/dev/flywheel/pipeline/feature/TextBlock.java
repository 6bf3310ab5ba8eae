package dev.flywheel.pipeline.feature;

import com.google.common.primitives.Longs;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import dev.flywheel.serving.engine.OnnxText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * All fitted categories, emitted together. Columns with a vocabulary share one encoder: it finds a text in the union of
 * their vocabularies, and a table takes (column, place in the union) to the column's own id. That is three nodes
 * however many columns there are; one encoder a column would be one node each. Immutable.
 */
final class TextBlock {

    /** Ids that every vocabulary has before its values. */
    static final int MISSING = 0;

    static final int OTHER = 1;
    private static final int FIRST_VALUE = 2;

    /** The most entries of a shared table: 2 MB in the model file. */
    private static final int TABLE_LIMIT = 1 << 18;

    /**
     * One fitted category.
     *
     * @param column the raw column
     * @param encoding how it is encoded
     * @param vocabulary the known values, the most frequent first; empty where hashed
     */
    record Slot(String column, Encoding encoding, List<String> vocabulary) {
        int cardinality() {
            return encoding.kind() == Encoding.Kind.HASHED ? encoding.limit() : vocabulary.size() + FIRST_VALUE;
        }
    }

    private final List<String> raw;
    private final List<Slot> slots;
    private final List<List<Slot>> groups;

    TextBlock(List<Slot> fitted) {
        groups = group(fitted);
        slots = groups.stream().flatMap(List::stream).toList();
        raw = List.copyOf(new LinkedHashSet<>(slots.stream().map(Slot::column).toList()));
    }

    List<Slot> slots() {
        return slots;
    }

    /** The columns of the input, in order. */
    List<String> raw() {
        return raw;
    }

    /**
     * Slots that go through the same nodes: shared encoders first, then all hashed columns, then each one-hot column.
     */
    private static List<List<Slot>> group(List<Slot> fitted) {
        List<Slot> learned = fitted.stream()
                .filter(s -> s.encoding().kind() == Encoding.Kind.VOCABULARY)
                .sorted(java.util.Comparator.comparingInt(s -> s.vocabulary().size()))
                .toList();
        List<List<Slot>> groups = new ArrayList<>();
        List<Slot> shared = new ArrayList<>();
        int values = 0;
        for (Slot slot : learned) {
            values += slot.cardinality();
            if (!shared.isEmpty() && (long) values * (shared.size() + 1) > TABLE_LIMIT) {
                groups.add(shared);
                shared = new ArrayList<>();
                values = slot.cardinality();
            }
            shared.add(slot);
        }
        groups.add(shared);
        groups.add(fitted.stream()
                .filter(s -> s.encoding().kind() == Encoding.Kind.HASHED)
                .toList());
        fitted.stream()
                .filter(s -> s.encoding().kind() == Encoding.Kind.ONE_HOT)
                .forEach(slot -> groups.add(List.of(slot)));
        groups.removeIf(List::isEmpty);
        return groups;
    }

    /**
     * Adds the nodes.
     *
     * @param texts STRING [rows, columns]
     * @param columns the columns of {@code texts}
     */
    void emit(Emission out, String texts, List<String> columns) {
        if (slots.isEmpty()) {
            return;
        }
        String value = out.select(
                texts,
                columns.size(),
                slots.stream().mapToInt(s -> columns.indexOf(s.column())).toArray());
        List<String> pieces = out.split(value, groups.stream().map(List::size).toList());
        for (int i = 0; i < groups.size(); i++) {
            emitGroup(out, groups.get(i), pieces.get(i));
        }
    }

    private static void emitGroup(Emission out, List<Slot> group, String value) {
        switch (group.get(0).encoding().kind()) {
            case VOCABULARY -> {
                if (group.size() == 1) {
                    Slot slot = group.get(0);
                    out.ids(encode(out.graph(), slot, out.reserve(slot.column(), slot.cardinality()), value));
                } else {
                    emitShared(out, group, value);
                }
            }
            case HASHED -> emitHashed(out, group, value);
            case ONE_HOT -> emitOneHot(out, group.get(0), value);
        }
    }

    private static String encode(OnnxGraph graph, Slot slot, long first, String value) {
        List<String> keys = new ArrayList<>(slot.vocabulary());
        long[] ids = new long[keys.size() + 1];
        for (int i = 0; i < keys.size(); i++) {
            ids[i] = first + FIRST_VALUE + i;
        }
        ids[keys.size()] = first + MISSING;
        keys.add("");
        return labelEncoder(graph, keys, ids, first + OTHER, value);
    }

    private static void emitShared(Emission out, List<Slot> group, String value) {
        LinkedHashSet<String> union = new LinkedHashSet<>();
        group.forEach(slot -> union.addAll(slot.vocabulary()));
        List<String> keys = new ArrayList<>(union);
        keys.add("");
        Map<String, Integer> places = new java.util.HashMap<>();
        keys.forEach(key -> places.put(key, places.size()));
        int width = keys.size() + 1; // the last place is that of every other text
        long[] table = new long[group.size() * width];
        long[] rows = new long[group.size()];
        for (int i = 0; i < group.size(); i++) {
            Slot slot = group.get(i);
            long first = out.reserve(slot.column(), slot.cardinality());
            rows[i] = (long) i * width;
            java.util.Arrays.fill(table, i * width, (i + 1) * width, first + OTHER);
            table[i * width + keys.size() - 1] = first + MISSING;
            for (int v = 0; v < slot.vocabulary().size(); v++) {
                int place = Objects.requireNonNull(places.get(slot.vocabulary().get(v)));
                table[i * width + place] = first + FIRST_VALUE + v;
            }
        }
        OnnxGraph graph = out.graph();
        long[] order = java.util.stream.LongStream.range(0, keys.size()).toArray();
        String place = labelEncoder(graph, keys, order, keys.size(), value);
        String entry = graph.node("Add", place, out.row(rows));
        out.ids(graph.node("Gather", graph.longs(table, table.length), entry));
    }

    /**
     * Keys that ONNX Runtime's Java API changes on the way are there in both forms: it is not alone in reading models.
     */
    private static String labelEncoder(OnnxGraph graph, List<String> texts, long[] values, long other, String value) {
        List<String> keys = new ArrayList<>(texts);
        List<Long> ids = new ArrayList<>(Longs.asList(values));
        for (int i = 0; i < texts.size(); i++) {
            String carried = OnnxText.carried(texts.get(i));
            if (!carried.equals(texts.get(i))) {
                keys.add(carried);
                ids.add(values[i]);
            }
        }
        return graph.node(
                OnnxGraph.ML,
                "LabelEncoder",
                Map.of("keys_strings", keys, "values_int64s", Longs.toArray(ids), "default_int64", other),
                value);
    }

    private static void emitHashed(Emission out, List<Slot> group, String value) {
        long[] buckets = new long[group.size()];
        long[] first = new long[group.size()];
        for (int i = 0; i < group.size(); i++) {
            buckets[i] = group.get(i).cardinality();
            first[i] = out.reserve(group.get(i).column(), group.get(i).cardinality());
        }
        OnnxGraph graph = out.graph();
        String hash = graph.node(OnnxGraph.MICROSOFT, "MurmurHash3", Map.of("positive", 1L, "seed", 0L), value);
        String number = graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 7L), hash);
        out.ids(graph.node("Add", graph.node("Mod", number, out.row(buckets)), out.row(first)));
    }

    private static void emitOneHot(Emission out, Slot slot, String value) {
        OnnxGraph graph = out.graph();
        long[] all = java.util.stream.LongStream.range(0, slot.cardinality()).toArray();
        String equal = graph.node("Equal", encode(graph, slot, 0, value), out.row(all));
        List<String> names = new ArrayList<>(List.of(slot.column() + " missing", slot.column() + " other"));
        slot.vocabulary().forEach(known -> names.add(slot.column() + "=" + known));
        out.plain(graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 1L), equal), names);
    }

    /** One line for each feature, by column: what was learned. */
    Map<String, String> describe() {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Slot slot : slots) {
            String line = slot.encoding()
                    + (slot.encoding().kind() == Encoding.Kind.HASHED
                            ? ""
                            : " of " + slot.vocabulary().size() + " values");
            lines.merge(slot.column(), line, (a, b) -> a + "; " + b);
        }
        return lines;
    }
}
