package dev.flywheel.serving.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.flywheel.core.model.ElementType;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * Tensors of the unsigned types that ONNX Runtime's Java API cannot make: a model of a single Cast makes them from the
 * signed ones, whose bits it keeps. Thread-safe.
 */
final class UnsignedTensors {

    private static final Map<ElementType, OrtSession> CASTS = new EnumMap<>(ElementType.class);

    private UnsignedTensors() {}

    /** {@return a tensor with the bits of a signed tensor of the same width} */
    static OnnxTensor of(OrtEnvironment environment, ElementType type, OnnxTensor signed) throws OrtException {
        OrtSession.Result result =
                cast(environment, type).run(Map.of("x", signed), Set.of("y")); // closed through its only value
        return (OnnxTensor) result.get(0);
    }

    private static synchronized OrtSession cast(OrtEnvironment environment, ElementType type) throws OrtException {
        OrtSession made = CASTS.get(type);
        if (made == null) {
            try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
                options.setIntraOpNumThreads(1);
                options.setInterOpNumThreads(1);
                options.setCPUArenaAllocator(false);
                made = environment.createSession(model(type), options);
            }
            CASTS.put(type, made);
        }
        return made;
    }

    /**
     * {@return the ONNX file of y = Cast(x)} Fields and type numbers as in onnx.proto3 of the ONNX standard, written in
     * the protocol buffers' wire format.
     */
    private static byte[] model(ElementType type) {
        int from = switch (type) {
            case UINT16 -> 5;
            case UINT32 -> 6;
            case UINT64 -> 7;
            default -> throw new IllegalArgumentException(type + " needs no cast");
        };
        int to = switch (type) {
            case UINT16 -> 4;
            case UINT32 -> 12;
            default -> 13;
        };
        Message attribute = new Message().text(1, "to").number(3, to).number(20, 2);
        Message node = new Message().text(1, "x").text(2, "y").text(4, "Cast").message(5, attribute);
        Message graph = new Message()
                .message(1, node)
                .text(2, "cast")
                .message(11, value("x", from))
                .message(12, value("y", to));
        return new Message()
                .number(1, 7)
                .message(7, graph)
                .message(8, new Message().number(2, 13))
                .bytes();
    }

    private static Message value(String name, int type) {
        Message tensor = new Message().number(1, type);
        return new Message().text(1, name).message(2, new Message().message(1, tensor));
    }

    /** A message of small numbers, short texts and messages. Not thread-safe. */
    private static final class Message {

        private static final int VARINT = 0;
        private static final int LENGTH_DELIMITED = 2;

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Message number(int field, int value) {
            varint((field << 3) | VARINT);
            varint(value);
            return this;
        }

        Message text(int field, String value) {
            return delimited(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Message value) {
            return delimited(field, value.bytes());
        }

        byte[] bytes() {
            return out.toByteArray();
        }

        private Message delimited(int field, byte[] value) {
            varint((field << 3) | LENGTH_DELIMITED);
            varint(value.length);
            out.writeBytes(value);
            return this;
        }

        private void varint(int value) {
            int rest = value;
            while (rest > 0x7f) {
                out.write((rest & 0x7f) | 0x80);
                rest >>>= 7;
            }
            out.write(rest);
        }
    }
}
