package dev.flywheel.serving.engine;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A model whose texts are looked up here, before it runs. Where a graph does nothing with an input of texts but to find
 * them in the keys of one {@code LabelEncoder}, that node is taken out and its output is the input. Giving a text to
 * ONNX Runtime takes 100 ns, ten times as long as looking it up. Reads and writes the protocol buffers' wire format
 * along the fields of onnx.proto3. Immutable.
 */
final class OnnxCategories {

    /** Larger models would be held in memory twice, and a run of theirs takes longer than its texts. */
    static final int MOST_BYTES = 64 << 20;

    private static final int STRING = 8;
    private static final int INT64 = 7;

    /** What is looked up for one input; {@code place} is the name of the input that takes it. */
    record Lookup(String texts, String place, Map<String, Long> keys, long other) {

        /** Looks up the first texts. */
        void write(String[] from, int count, LongBuffer to) {
            for (int i = 0; i < count; i++) {
                Long found = keys.get(from[i]);
                to.put(i, found == null ? other : found);
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
        Map<Integer, Lookup> inputs = new HashMap<>();
        Map<Integer, Lookup> nodes = new HashMap<>();
        List<String> outputs = fields.stream()
                .filter(f -> f.number == 12)
                .map(OnnxCategories::name)
                .toList();
        for (Field input : fields) {
            if (input.number == 11 && isRowsOfTexts(input)) {
                List<Field> reading = readers.getOrDefault(name(input), List.of());
                Lookup lookup = reading.size() == 1 ? encoder(name(input), reading.get(0)) : null;
                if (lookup != null && !outputs.contains(lookup.place) && !outputs.contains(lookup.texts)) {
                    inputs.put(input.start, lookup);
                    nodes.put(reading.get(0).start, lookup);
                }
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
            } else if (!nodes.containsKey(field.start)) {
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

    /** Whether a value is a tensor of texts, [rows, a fixed number of columns]. */
    private static boolean isRowsOfTexts(Field input) {
        Field type = only(input.message().fields(), 2);
        Field tensor = type == null ? null : only(type.message().fields(), 1);
        Field element = tensor == null ? null : only(tensor.message().fields(), 1);
        Field shape = tensor == null ? null : only(tensor.message().fields(), 2);
        if (element == null || element.value != STRING || shape == null) {
            return false;
        }
        List<Field> sizes = shape.message().fields();
        Field columns = sizes.size() == 2 ? only(sizes.get(1).message().fields(), 1) : null;
        return columns != null && columns.value > 0;
    }

    /** The lookup that a node does, or null if it does something else. */
    private static @Nullable Lookup encoder(String texts, Field node) {
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
        return keys.isEmpty() ? null : new Lookup(texts, output, places, other);
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
