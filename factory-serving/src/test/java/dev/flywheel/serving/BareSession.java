package dev.flywheel.serving;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/** ONNX Runtime used as its README shows it, to compare with. Not thread-safe; to be closed. */
final class BareSession implements AutoCloseable {

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;

    BareSession(Path model) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(1);
            options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            session = environment.createSession(model.toString(), options);
        }
    }

    Map<String, Tensor> run(Map<String, Tensor> request) throws OrtException {
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        try {
            for (Map.Entry<String, Tensor> input : request.entrySet()) {
                inputs.put(input.getKey(), input(input.getValue()));
            }
            Map<String, Tensor> answer = new LinkedHashMap<>();
            try (OrtSession.Result result = session.run(inputs)) {
                for (Map.Entry<String, OnnxValue> output : result) {
                    if (output.getValue() instanceof OnnxTensor tensor) {
                        answer.put(output.getKey(), output(tensor));
                    }
                }
            }
            return answer;
        } finally {
            inputs.values().forEach(OnnxTensor::close);
        }
    }

    @Override
    public void close() throws OrtException {
        session.close();
    }

    private OnnxTensor input(Tensor tensor) throws OrtException {
        long[] shape = tensor.shape();
        return switch (tensor.type()) {
            case FLOAT -> OnnxTensor.createTensor(environment, FloatBuffer.wrap(tensor.floats()), shape);
            case DOUBLE -> OnnxTensor.createTensor(environment, DoubleBuffer.wrap(tensor.doubles()), shape);
            case INT64 -> OnnxTensor.createTensor(environment, LongBuffer.wrap(tensor.longs()), shape);
            case INT32 -> OnnxTensor.createTensor(environment, IntBuffer.wrap(tensor.ints()), shape);
            case INT16, FLOAT16, BFLOAT16 ->
                OnnxTensor.createTensor(
                        environment,
                        ShortBuffer.wrap(tensor.shorts()),
                        shape,
                        OnnxJavaType.valueOf(tensor.type().name()));
            case INT8, UINT8, BOOL ->
                OnnxTensor.createTensor(
                        environment,
                        ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.nativeOrder()),
                        shape,
                        OnnxJavaType.valueOf(tensor.type().name()));
            case STRING -> OnnxTensor.createTensor(environment, tensor.texts(), shape);
            case UINT16, UINT32, UINT64 -> throw new IllegalArgumentException("bare ONNX Runtime takes no " + tensor);
        };
    }

    private static Tensor output(OnnxTensor tensor) throws OrtException {
        long[] shape = tensor.getInfo().getShape();
        return switch (tensor.getInfo().type) {
            case FLOAT -> Tensor.of(floats(tensor), shape);
            case DOUBLE -> Tensor.of(tensor.getDoubleBuffer().array(), shape);
            case INT64 -> Tensor.of(tensor.getLongBuffer().array(), shape);
            case INT32 -> Tensor.of(tensor.getIntBuffer().array(), shape);
            case INT16 -> Tensor.of(tensor.getShortBuffer().array(), shape);
            case FLOAT16 -> Tensor.float16(floats(tensor), shape);
            case BFLOAT16 -> Tensor.bfloat16(floats(tensor), shape);
            case INT8 -> Tensor.of(tensor.getByteBuffer().array(), shape);
            case UINT8 -> Tensor.uint8(tensor.getByteBuffer().array(), shape);
            case BOOL -> {
                byte[] bytes = tensor.getByteBuffer().array();
                boolean[] booleans = new boolean[bytes.length];
                for (int i = 0; i < bytes.length; i++) {
                    booleans[i] = bytes[i] != 0;
                }
                yield Tensor.of(booleans, shape);
            }
            case STRING -> Tensor.of(texts(tensor.getValue()).toArray(String[]::new), shape);
            case UNKNOWN -> throw new IllegalArgumentException("an unknown type");
        };
    }

    private static float[] floats(OnnxTensor tensor) {
        FloatBuffer buffer = tensor.getFloatBuffer();
        float[] floats = new float[buffer.remaining()];
        buffer.get(floats);
        return floats;
    }

    private static Stream<String> texts(Object value) {
        return value instanceof Object[] array
                ? Arrays.stream(array).flatMap(BareSession::texts)
                : Stream.of((String) value);
    }
}
