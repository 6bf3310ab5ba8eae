package dev.flywheel.serving.engine;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.flywheel.core.model.ElementType;
import java.nio.ByteBuffer;

/** Tensors of ONNX Runtime over, from and into the memory of lanes. */
final class OnnxTensors {

    private OnnxTensors() {}

    /** {@return whether the Java API makes tensors of this type over memory of ours} */
    static boolean writable(ElementType type) {
        return switch (type) {
            case STRING, UINT16, UINT32, UINT64 -> false;
            default -> true;
        };
    }

    /** {@return a tensor over the memory of a buffer, of a writable type, from its first element on} */
    static OnnxTensor over(OrtEnvironment environment, TensorBuffer memory, long[] shape) throws OrtException {
        return over(
                environment,
                memory,
                shape,
                OnnxJavaType.valueOf(memory.spec().type().name()));
    }

    /** {@return a tensor with a copy of what is in a buffer, for one run} */
    static OnnxTensor copied(OrtEnvironment environment, TensorBuffer memory, long[] shape) throws OrtException {
        ElementType type = memory.spec().type();
        if (type == ElementType.STRING) {
            String[] values = new String[elements(shape)];
            for (int i = 0; i < values.length; i++) {
                values[i] = OnnxText.carried(memory.texts()[i]);
            }
            return OnnxTensor.createTensor(environment, values, shape);
        }
        OnnxJavaType signed = switch (type) {
            case UINT16 -> OnnxJavaType.INT16;
            case UINT32 -> OnnxJavaType.INT32;
            default -> OnnxJavaType.INT64;
        };
        try (OnnxTensor same = over(environment, memory, shape, signed)) {
            return UnsignedTensors.of(environment, type, same);
        }
    }

    /** Takes a tensor that a run made into a buffer. */
    static void take(OnnxTensor tensor, TensorBuffer memory) throws OrtException {
        long[] shape = tensor.getInfo().getShape();
        if (memory.spec().type() == ElementType.STRING) {
            String[] texts = new String[elements(shape)];
            flatten(tensor.getValue(), texts, 0);
            memory.adopt(shape, texts);
        } else {
            memory.adopt(shape, tensor.getByteBuffer());
        }
    }

    private static OnnxTensor over(OrtEnvironment environment, TensorBuffer memory, long[] shape, OnnxJavaType type)
            throws OrtException {
        ByteBuffer bytes = memory.bytes();
        ByteBuffer used =
                bytes.slice(0, Math.multiplyExact(elements(shape), type.size)).order(bytes.order());
        return OnnxTensor.createTensor(environment, used, shape, type);
    }

    private static int elements(long[] shape) {
        long elements = 1;
        for (long dimension : shape) {
            elements = Math.multiplyExact(elements, dimension);
        }
        return Math.toIntExact(elements);
    }

    private static int flatten(Object value, String[] target, int from) {
        if (value instanceof Object[] array) {
            int next = from;
            for (Object element : array) {
                next = flatten(element, target, next);
            }
            return next;
        }
        target[from] = OnnxText.returned((String) value);
        return from + 1;
    }
}
