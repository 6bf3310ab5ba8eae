package dev.flywheel.serving.engine;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What an ONNX file says that ONNX Runtime does not tell: the further files in which it keeps tensors, the kinds of its
 * inputs and outputs, and whether it draws random numbers. Reads it as the protocol buffers' wire format lays it out,
 * along the fields of onnx.proto3 that lead there, and skips the rest. Not thread-safe.
 */
final class OnnxFile {

    /** The messages on the way, with the numbers of the fields that are followed. */
    private enum Message {
        MODEL,
        GRAPH,
        NODE,
        ATTRIBUTE,
        SPARSE_TENSOR,
        TENSOR,
        FUNCTION,
        ENTRY,
        VALUE,
        TYPE,
        SKIPPED;

        Message field(int number) {
            return switch (this) {
                case MODEL -> number == 7 ? GRAPH : number == 25 ? FUNCTION : SKIPPED;
                case GRAPH ->
                    switch (number) {
                        case 1 -> NODE;
                        case 5 -> TENSOR;
                        case 11, 12 -> VALUE;
                        case 15 -> SPARSE_TENSOR;
                        default -> SKIPPED;
                    };
                case VALUE -> number == 2 ? TYPE : SKIPPED;
                case FUNCTION -> number == 7 ? NODE : SKIPPED;
                case NODE -> number == 5 ? ATTRIBUTE : SKIPPED;
                case ATTRIBUTE ->
                    switch (number) {
                        case 5, 10 -> TENSOR;
                        case 6, 11 -> GRAPH;
                        case 22, 23 -> SPARSE_TENSOR;
                        default -> SKIPPED;
                    };
                case SPARSE_TENSOR -> number == 1 || number == 2 ? TENSOR : SKIPPED;
                case TENSOR -> number == 13 ? ENTRY : SKIPPED;
                case ENTRY, TYPE, SKIPPED -> SKIPPED;
            };
        }
    }

    /** The limit of the protocol buffers library, and so of ONNX Runtime. */
    private static final int MAX_DEPTH = 100;

    private static final int MAX_TEXT_BYTES = 1 << 16;

    /** Graphs inside of nodes are deeper. */
    private static final int DEPTH_OF_VALUES = 2;

    private static final int OPERATOR = 4;

    /** The operators that draw random numbers, or may. */
    private static final Set<String> RANDOM = Set.of(
            "Bernoulli",
            "Dropout",
            "Multinomial",
            "RandomNormal",
            "RandomNormalLike",
            "RandomUniform",
            "RandomUniformLike");

    private final DataInputStream in;
    private final Set<String> locations = new TreeSet<>();
    private final Map<String, String> kinds = new HashMap<>();
    private boolean random;
    private long position;
    private String name = "";
    private String kind = "";

    private OnnxFile(InputStream in) {
        this.in = new DataInputStream(in);
    }

    /** {@return what is in a file, as far as it can be read} */
    static OnnxFile read(Path model) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(model))) {
            OnnxFile file = new OnnxFile(in);
            try {
                file.message(Message.MODEL, Files.size(model), 0);
            } catch (EOFException | NumberFormatException e) {
                file.locations.clear(); // no model; whoever loads it says so
            }
            return file;
        }
    }

    /** {@return the names of the files that hold tensors, relative to the model's directory} */
    Set<String> externalData() {
        return locations;
    }

    /** {@return whether an operator of the model draws random numbers, or may} */
    boolean drawsRandomNumbers() {
        return random;
    }

    /** {@return what an input or output is, such as "an optional"; empty if it is a tensor, or not known} */
    String kind(String value) {
        return kinds.getOrDefault(value, "");
    }

    private void message(Message message, long end, int depth) throws IOException {
        if (depth > MAX_DEPTH) {
            throw new NumberFormatException("messages nested too deeply");
        }
        String key = "";
        while (position < end) {
            long tag = varint();
            int number = (int) (tag >>> 3);
            switch ((int) (tag & 7)) {
                case 0 -> varint();
                case 1 -> skip(8);
                case 5 -> skip(4);
                case 2 -> {
                    long length = varint();
                    if (length < 0 || length > end - position) {
                        throw new EOFException();
                    }
                    Message inner = message.field(number);
                    if (inner != Message.SKIPPED) {
                        message(inner, position + length, depth + 1);
                    } else if (message == Message.ENTRY && length <= MAX_TEXT_BYTES) {
                        String text = text((int) length);
                        key = number == 1 ? text : key;
                        if (number == 2 && key.equals("location")) {
                            locations.add(text);
                        }
                    } else if (message == Message.VALUE && number == 1 && length <= MAX_TEXT_BYTES) {
                        name = text((int) length);
                    } else if (message == Message.NODE && number == OPERATOR && length <= MAX_TEXT_BYTES) {
                        random |= RANDOM.contains(text((int) length));
                    } else {
                        kind = message == Message.TYPE ? kindOf(number, kind) : kind;
                        skip(length);
                    }
                }
                default -> throw new NumberFormatException("wire type " + (tag & 7));
            }
        }
        if (message == Message.VALUE) {
            if (depth == DEPTH_OF_VALUES && !kind.isEmpty()) {
                kinds.put(name, kind);
            }
            kind = "";
        }
    }

    private static String kindOf(int field, String otherwise) {
        return switch (field) {
            case 4 -> "a sequence";
            case 5 -> "a map";
            case 8 -> "a sparse tensor";
            case 9 -> "an optional";
            default -> otherwise;
        };
    }

    private String text(int length) throws IOException {
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        position += length;
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void skip(long bytes) throws IOException {
        in.skipNBytes(bytes);
        position += bytes;
    }

    private long varint() throws IOException {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int next = in.read();
            if (next < 0) {
                throw new EOFException();
            }
            position++;
            value |= (long) (next & 0x7f) << shift;
            if (next < 0x80) {
                return value;
            }
        }
        throw new NumberFormatException("a varint of more than 10 bytes");
    }
}
