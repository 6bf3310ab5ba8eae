package dev.flywheel.serving;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.serving.engine.TensorBuffer;
import java.util.Arrays;

/** Copies between tensors and the memory of lanes. */
final class TensorMemory {

    private TensorMemory() {}

    /** Writes all elements of a tensor of the memory's type, from an element of the memory on. */
    static void write(Tensor tensor, TensorBuffer memory, int from) {
        switch (tensor.type()) {
            case FLOAT -> memory.floats().put(from, tensor.array(float[].class));
            case DOUBLE -> memory.doubles().put(from, tensor.array(double[].class));
            case INT64, UINT64 -> memory.longs().put(from, tensor.array(long[].class));
            case INT32, UINT32 -> memory.ints().put(from, tensor.array(int[].class));
            case INT16, UINT16, FLOAT16, BFLOAT16 -> memory.shorts().put(from, tensor.array(short[].class));
            case INT8, UINT8, BOOL -> memory.bytes().put(from, tensor.array(byte[].class));
            case STRING -> System.arraycopy(tensor.array(String[].class), 0, memory.texts(), from, tensor.size());
        }
    }

    /** {@return a copy of the elements from one on, as many as the shape has} */
    static Tensor read(TensorBuffer memory, int from, long[] shape) {
        long elements = 1;
        for (long dimension : shape) {
            elements *= dimension;
        }
        ElementType type = memory.spec().type();
        return Tensor.over(type, array(memory, type, from, Math.toIntExact(elements)), shape);
    }

    private static Object array(TensorBuffer memory, ElementType type, int from, int size) {
        switch (type) {
            case FLOAT -> {
                float[] floats = new float[size];
                memory.floats().get(from, floats);
                return floats;
            }
            case DOUBLE -> {
                double[] doubles = new double[size];
                memory.doubles().get(from, doubles);
                return doubles;
            }
            case INT64, UINT64 -> {
                long[] longs = new long[size];
                memory.longs().get(from, longs);
                return longs;
            }
            case INT32, UINT32 -> {
                int[] ints = new int[size];
                memory.ints().get(from, ints);
                return ints;
            }
            case INT16, UINT16, FLOAT16, BFLOAT16 -> {
                short[] shorts = new short[size];
                memory.shorts().get(from, shorts);
                return shorts;
            }
            case INT8, UINT8, BOOL -> {
                byte[] bytes = new byte[size];
                memory.bytes().get(from, bytes);
                return bytes;
            }
            case STRING -> {
                return Arrays.copyOfRange(memory.texts(), from, from + size);
            }
        }
        throw new AssertionError(type);
    }
}
