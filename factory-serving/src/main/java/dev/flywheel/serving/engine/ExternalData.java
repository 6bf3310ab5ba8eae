package dev.flywheel.serving.engine;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the further files in which a model keeps tensors. Reads the ONNX file as the protocol buffers' wire format lays
 * it out, along the fields of onnx.proto3 that lead to tensors, and skips the rest. Not thread-safe.
 */
final class ExternalData {

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
        SKIPPED;

        Message field(int number) {
            return switch (this) {
                case MODEL -> number == 7 ? GRAPH : number == 25 ? FUNCTION : SKIPPED;
                case GRAPH -> number == 1 ? NODE : number == 5 ? TENSOR : number == 15 ? SPARSE_TENSOR : SKIPPED;
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
                case ENTRY, SKIPPED -> SKIPPED;
            };
        }
    }

    /** The limit of the protocol buffers library, and so of ONNX Runtime. */
    private static final int MAX_DEPTH = 100;

    private static final int MAX_TEXT_BYTES = 1 << 16;

    private final DataInputStream in;
    private final Set<String> locations = new TreeSet<>();
    private long position;

    private ExternalData(InputStream in) {
        this.in = new DataInputStream(in);
    }

    /** {@return the names of the files, relative to the model's directory; as far as they can be read} */
    static Set<String> of(Path model) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(model))) {
            ExternalData reader = new ExternalData(in);
            try {
                reader.message(Message.MODEL, Files.size(model), 0);
            } catch (EOFException | NumberFormatException e) {
                return Set.of(); // no model; whoever loads it says so
            }
            return reader.locations;
        }
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
                    } else {
                        skip(length);
                    }
                }
                default -> throw new NumberFormatException("wire type " + (tag & 7));
            }
        }
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
