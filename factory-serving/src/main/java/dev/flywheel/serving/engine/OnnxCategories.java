package dev.flywheel.serving.engine;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model whose texts are looked up here, before it runs. Where a graph does nothing with an input of texts but to find
 * them in the keys of one {@code LabelEncoder}, that node is taken out and its output is the input; and with it the
 * {@code Add} and the {@code Gather} behind it that take (column, place) to an entry of one table. Giving a text to
 * ONNX Runtime takes 100 ns, ten times as long as looking it up. Reads and writes the protocol buffers' wire format
 * along the fields of onnx.proto3. Immutable.
 */
final class OnnxCategories {

    /** Larger models would be held in memory twice, and a run of theirs takes longer than its texts. */
    static final int MOST_BYTES = 64 << 20;

    private static final int STRING = 8;
    private static final int INT64 = 7;

    /**
     * What is looked up for one input.
     *
     * @param place the name of the input that takes what is found
     * @param columns what is found in each column
     * @param others what is found in each column for any other text
     */
    record Lookup(String texts, String place, List<Map<String, Long>> columns, List<Long> others) {

        /** Looks up the first texts. */
        void write(String[] from, int count, LongBuffer to) {
            int width = columns.size();
            for (int column = 0; column < width; column++) {
                Map<String, Long> known = columns.get(column);
                long other = others.get(column);
                for (int i = column; i < count; i += width) {
                    Long found = known.get(from[i]);
                    to.put(i, found == null ? other : found);
                }
            }
        }
    }

    private final byte[] model;
    private final List<Lookup> lookups;

    private OnnxCategories(byte[] model, List<Lookup> lookups) {
        this.model = model;
        this.lookups = lookups;
    }

    /** {@return what a model becomes; the same model where there is nothing to look up, or it cannot be read} */
    static OnnxCategories of(byte[] model) {
        try {
            Field graph = only(Message.of(model).fields(), 7);
            return graph == null ? new OnnxCategories(model, List.of()) : of(model, graph);
        } catch (IndexOutOfBoundsException | IllegalArgumentException | ArithmeticException e) {
            return new OnnxCategories(model, List.of()); // no model; whoever loads it says so
        }
    }

    private static OnnxCategories of(byte[] model, Field graph) {
        List<Field> fields = graph.message().fields();
        Map<String, List<Field>> readers = new HashMap<>();
        for (Field node : fields) {
            if (node.number == 1) {
                for (Field field : node.message().fields()) {
                    if (field.number == 1) {
                        readers.computeIfAbsent(field.text(), name -> new ArrayList<>())
                                .add(node);
                    } else if (field.number == 5 && hasGraph(field)) {
                        return new OnnxCategories(model, List.of()); // which may read any value
                    }
                }
            }
        }
        // What is an output of the graph is read there, too.
        fields.stream()
                .filter(f -> f.number == 12)
                .forEach(f -> readers.computeIfAbsent(name(f), name -> new ArrayList<>())
                        .add(f));
        Map<Integer, Lookup> inputs = new HashMap<>();
        Set<Integer> nodes = new HashSet<>();
        for (Field input : fields) {
            int columns = input.number == 11 ? columnsOfTexts(input) : 0;
            Field encoder = columns > 0 ? only(readers, name(input)) : null;
            Lookup lookup = encoder == null ? null : encoder(name(input), columns, encoder);
            if (encoder != null && lookup != null && only(readers, lookup.place) != null) {
                nodes.add(encoder.start);
                Lookup tabled = tabled(lookup, fields, readers, nodes);
                inputs.put(input.start, tabled);
            }
        }
        if (inputs.isEmpty()) {
            return new OnnxCategories(model, List.of());
        }
        Writer changed = new Writer();
        for (Field field : fields) {
            Lookup lookup = inputs.get(field.start);
            if (lookup != null) {
                changed.bytes(11, places(lookup.place, field));
            } else if (!nodes.contains(field.start)) {
                changed.copy(field);
            }
        }
        Writer whole = new Writer();
        for (Field field : Message.of(model).fields()) {
            if (field.number == 7) {
                whole.bytes(7, changed.toByteArray());
            } else {
                whole.copy(field);
            }
        }
        return new OnnxCategories(whole.toByteArray(), List.copyOf(inputs.values()));
    }

    /** {@return the model to run} */
    byte[] model() {
        return model;
    }

    /** {@return the lookups, by the names of the inputs that the model to run has} */
    Map<String, Lookup> lookups() {
        Map<String, Lookup> byPlace = new HashMap<>();
        lookups.forEach(lookup -> byPlace.put(lookup.place, lookup));
        return byPlace;
    }

    private static String name(Field value) {
        Field name = only(value.message().fields(), 1);
        return name == null ? "" : name.text();
    }

    private static boolean hasGraph(Field attribute) {
        return attribute.message().fields().stream().anyMatch(f -> f.number == 6 || f.number == 11);
    }

    private static @Nullable Field only(Map<String, List<Field>> readers, String value) {
        List<Field> reading = readers.getOrDefault(value, List.of());
        return reading.size() == 1 && reading.get(0).number == 1 ? reading.get(0) : null;
    }

    /** How many columns a tensor of texts [rows, columns] has; 0 if a value is something else. */
    private static int columnsOfTexts(Field input) {
        Field type = only(input.message().fields(), 2);
        Field tensor = type == null ? null : only(type.message().fields(), 1);
        Field element = tensor == null ? null : only(tensor.message().fields(), 1);
        Field shape = tensor == null ? null : only(tensor.message().fields(), 2);
        if (element == null || element.value != STRING || shape == null) {
            return 0;
        }
        List<Field> sizes = shape.message().fields();
        Field columns = sizes.size() == 2 ? only(sizes.get(1).message().fields(), 1) : null;
        return columns == null ? 0 : Math.toIntExact(columns.value);
    }

    /** The lookup that a node does, or null if it does something else. */
    private static @Nullable Lookup encoder(String texts, int columns, Field node) {
        String operator = "";
        String domain = "";
        String output = "";
        List<String> keys = new ArrayList<>();
        List<Long> values = new ArrayList<>();
        long other = -1;
        for (Field field : node.message().fields()) {
            switch (field.number) {
                case 2 -> output = field.text();
                case 4 -> operator = field.text();
                case 7 -> domain = field.text();
                case 5 -> {
                    List<Field> attribute = field.message().fields();
                    switch (name(field)) {
                        case "keys_strings" ->
                            attribute.stream().filter(f -> f.number == 9).forEach(f -> keys.add(f.text()));
                        case "values_int64s" ->
                            attribute.stream().filter(f -> f.number == 8).forEach(f -> f.addTo(values));
                        case "default_int64" ->
                            other = attribute.stream()
                                    .filter(f -> f.number == 3)
                                    .mapToLong(f -> f.value)
                                    .sum();
                        default -> {
                            return null;
                        }
                    }
                }
                default -> {}
            }
        }
        if (!operator.equals("LabelEncoder") || !domain.equals("ai.onnx.ml") || keys.size() != values.size()) {
            return null;
        }
        Map<String, Long> places = new HashMap<>(2 * keys.size());
        for (int i = 0; i < keys.size(); i++) {
            places.putIfAbsent(keys.get(i), values.get(i));
        }
        return keys.isEmpty()
                ? null
                : new Lookup(texts, output, Collections.nCopies(columns, places), Collections.nCopies(columns, other));
    }

    /** The same lookup with what an Add of a start for each column and a Gather out of one table make of its places. */
    private static Lookup tabled(
            Lookup lookup, List<Field> fields, Map<String, List<Field>> readers, Set<Integer> nodes) {
        Field add = only(readers, lookup.place);
        List<String> terms = add == null ? List.of() : inputs(add, "Add");
        long[] starts =
                terms.size() == 2 ? constant(fields, terms.get(terms.indexOf(lookup.place) == 0 ? 1 : 0)) : new long[0];
        Field gather = add == null || starts.length != lookup.columns.size() ? null : only(readers, output(add));
        List<String> read = gather == null ? List.of() : inputs(gather, "Gather");
        long[] table = read.size() == 2 && add != null && read.get(1).equals(output(add))
                ? constant(fields, read.get(0))
                : new long[0];
        if (add == null || gather == null || table.length == 0 || only(readers, output(gather)) == null) {
            return lookup;
        }
        List<Map<String, Long>> columns = new ArrayList<>();
        List<Long> others = new ArrayList<>();
        for (int column = 0; column < starts.length; column++) {
            long start = starts[column];
            Map<String, Long> found = new HashMap<>();
            lookup.columns.get(column).forEach((text, place) -> found.put(text, table[Math.toIntExact(start + place)]));
            others.add(table[Math.toIntExact(start + lookup.others.get(column))]);
            columns.add(found);
        }
        nodes.add(add.start);
        nodes.add(gather.start);
        return new Lookup(lookup.texts, output(gather), columns, others);
    }

    /** The inputs of a node that is such an operator, without attributes; else none. */
    private static List<String> inputs(Field node, String operator) {
        List<String> inputs = new ArrayList<>();
        for (Field field : node.message().fields()) {
            if (field.number == 1) {
                inputs.add(field.text());
            } else if (field.number == 5 || (field.number == 4 && !field.text().equals(operator))) {
                return List.of();
            }
        }
        return inputs;
    }

    private static String output(Field node) {
        Field output = only(node.message().fields(), 2);
        return output == null ? "" : output.text();
    }

    /** The numbers of a constant of type INT64 that has no more than one dimension larger than 1; else none. */
    private static long[] constant(List<Field> fields, String name) {
        for (Field constant : fields) {
            List<Field> parts = constant.number == 5 ? constant.message().fields() : List.of();
            Field named = only(parts, 8);
            if (named != null && named.text().equals(name)) {
                Field type = only(parts, 2);
                Field raw = only(parts, 9);
                List<Long> sizes = new ArrayList<>();
                List<Long> values = new ArrayList<>();
                parts.stream().filter(f -> f.number == 1).forEach(f -> f.addTo(sizes));
                parts.stream().filter(f -> f.number == 7).forEach(f -> f.addTo(values));
                if (type == null
                        || type.value != INT64
                        || sizes.stream().filter(size -> size != 1).count() > 1) {
                    return new long[0];
                }
                if (raw == null) {
                    return values.stream().mapToLong(Long::longValue).toArray();
                }
                long[] numbers = new long[(raw.to - raw.from) / Long.BYTES];
                ByteBuffer.wrap(raw.content(raw.from))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asLongBuffer()
                        .get(numbers);
                return numbers;
            }
        }
        return new long[0];
    }

    /** A value of the same shape, of numbers and under another name. */
    private static byte[] places(String name, Field texts) {
        Field type = Objects.requireNonNull(only(texts.message().fields(), 2));
        Field tensorType = Objects.requireNonNull(only(type.message().fields(), 1));
        Writer tensor = new Writer();
        for (Field field : tensorType.message().fields()) {
            if (field.number == 1) {
                tensor.varint(1 << 3);
                tensor.varint(INT64);
            } else {
                tensor.copy(field);
            }
        }
        Writer typed = new Writer();
        typed.bytes(1, tensor.toByteArray());
        Writer value = new Writer();
        value.bytes(1, name.getBytes(StandardCharsets.UTF_8));
        value.bytes(2, typed.toByteArray());
        return value.toByteArray();
    }

    private static @Nullable Field only(List<Field> fields, int number) {
        List<Field> found = fields.stream().filter(f -> f.number == number).toList();
        return found.size() == 1 ? found.get(0) : null;
    }

    /** A stretch of bytes that holds fields. */
    private record Message(ByteBuffer bytes, int from, int to) {

        static Message of(byte[] model) {
            return new Message(ByteBuffer.wrap(model), 0, model.length);
        }

        List<Field> fields() {
            List<Field> fields = new ArrayList<>();
            ByteBuffer in = bytes.duplicate().limit(to).position(from);
            while (in.hasRemaining()) {
                int start = in.position();
                long tag = varint(in);
                int wire = (int) (tag & 7);
                long value = switch (wire) {
                    case 0, 2 -> varint(in);
                    case 1 -> 8;
                    case 5 -> 4;
                    default -> throw new IllegalArgumentException("wire type " + wire);
                };
                int content = in.position();
                int size = wire == 0 ? 0 : Math.toIntExact(value);
                in.position(content + size);
                fields.add(new Field(bytes, (int) (tag >>> 3), wire, value, start, content, content + size));
            }
            return fields;
        }

        static long varint(ByteBuffer in) {
            long value = 0;
            for (int shift = 0; shift < 64; shift += 7) {
                if (!in.hasRemaining()) {
                    throw new IllegalArgumentException("the end");
                }
                int next = in.get();
                value |= (long) (next & 0x7f) << shift;
                if (next >= 0) {
                    return value;
                }
            }
            throw new IllegalArgumentException("a varint of more than 10 bytes");
        }
    }

    /** One field: where it begins with its tag, and what it holds. */
    private record Field(ByteBuffer bytes, int number, int wire, long value, int start, int from, int to) {

        Message message() {
            if (wire != 2) {
                throw new IllegalArgumentException("no message");
            }
            return new Message(bytes, from, to);
        }

        byte[] content(int first) {
            byte[] content = new byte[to - first];
            bytes.get(first, content);
            return content;
        }

        String text() {
            return new String(content(from), StandardCharsets.UTF_8);
        }

        /** Integers come one by one or packed. */
        void addTo(List<Long> values) {
            if (wire == 0) {
                values.add(value);
                return;
            }
            ByteBuffer in = bytes.duplicate().limit(to).position(from);
            while (in.hasRemaining()) {
                values.add(Message.varint(in));
            }
        }
    }

    /** Writes fields. */
    private static final class Writer extends ByteArrayOutputStream {

        void copy(Field field) {
            writeBytes(field.content(field.start));
        }

        void bytes(int number, byte[] content) {
            varint(((long) number << 3) | 2);
            varint(content.length);
            write(content, 0, content.length);
        }

        void varint(long value) {
            long rest = value;
            for (; (rest & ~0x7fL) != 0; rest >>>= 7) {
                write((int) ((rest & 0x7f) | 0x80));
            }
            write((int) rest);
        }
    }
}
