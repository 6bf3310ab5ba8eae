package dev.flywheel.serving;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.serving.engine.Halves;
import dev.flywheel.serving.engine.TensorBuffer;
import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.Objects;
import java.util.StringJoiner;

/**
 * Numbers, truth values or texts in any number of dimensions, as models take and give them: an element type, a shape,
 * and the elements in row-major order. Immutable: arrays are copied in and out. Two are equal if their types, shapes
 * and elements are; NaN equals NaN.
 *
 * <p>Without a shape it is a scalar, which has one element; with a dimension of 0 it has none.
 */
public final class Tensor {

    private static final int SHOWN = 8;

    private final ElementType type;
    private final long[] shape;
    private final Object elements;
    private final int size;

    private Tensor(ElementType type, Object elements, long[] shape) {
        this.type = type;
        this.elements = elements;
        this.shape = shape;
        this.size = Array.getLength(elements);
        long expected = 1;
        for (long dimension : shape) {
            if (dimension < 0) {
                throw new IllegalArgumentException(
                        "a tensor has no negative dimensions, found " + Arrays.toString(shape));
            }
            expected = Math.multiplyExact(expected, dimension);
        }
        if (size != expected) {
            throw new IllegalArgumentException("a tensor of shape " + Arrays.toString(shape) + " has " + expected
                    + (expected == 1 ? " element" : " elements") + ", found " + size);
        }
    }

    /** {@return a tensor over arrays that nobody else may change: those that {@link TensorMemory} makes} */
    static Tensor over(ElementType type, Object elements, long[] shape) {
        return new Tensor(type, elements, shape);
    }

    /** {@return a FLOAT tensor} */
    public static Tensor of(float[] elements, long... shape) {
        return new Tensor(ElementType.FLOAT, elements.clone(), shape.clone());
    }

    /** {@return a DOUBLE tensor} */
    public static Tensor of(double[] elements, long... shape) {
        return new Tensor(ElementType.DOUBLE, elements.clone(), shape.clone());
    }

    /** {@return an INT64 tensor} */
    public static Tensor of(long[] elements, long... shape) {
        return new Tensor(ElementType.INT64, elements.clone(), shape.clone());
    }

    /** {@return an INT32 tensor} */
    public static Tensor of(int[] elements, long... shape) {
        return new Tensor(ElementType.INT32, elements.clone(), shape.clone());
    }

    /** {@return an INT16 tensor} */
    public static Tensor of(short[] elements, long... shape) {
        return new Tensor(ElementType.INT16, elements.clone(), shape.clone());
    }

    /** {@return an INT8 tensor} */
    public static Tensor of(byte[] elements, long... shape) {
        return new Tensor(ElementType.INT8, elements.clone(), shape.clone());
    }

    /** {@return a BOOL tensor} */
    public static Tensor of(boolean[] elements, long... shape) {
        byte[] bytes = new byte[elements.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (elements[i] ? 1 : 0);
        }
        return new Tensor(ElementType.BOOL, bytes, shape.clone());
    }

    /** {@return a STRING tensor; none of its elements may be null} */
    public static Tensor of(String[] elements, long... shape) {
        String[] copy = elements.clone();
        for (String element : copy) {
            Objects.requireNonNull(element, "element");
        }
        return new Tensor(ElementType.STRING, copy, shape.clone());
    }

    /** {@return a FLOAT16 tensor of the values nearest to these, as {@link Halves} finds them} */
    public static Tensor float16(float[] elements, long... shape) {
        short[] bits = new short[elements.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Halves.toFloat16(elements[i]);
        }
        return new Tensor(ElementType.FLOAT16, bits, shape.clone());
    }

    /** {@return a BFLOAT16 tensor of the values nearest to these, as {@link Halves} finds them} */
    public static Tensor bfloat16(float[] elements, long... shape) {
        short[] bits = new short[elements.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Halves.toBfloat16(elements[i]);
        }
        return new Tensor(ElementType.BFLOAT16, bits, shape.clone());
    }

    /** {@return a UINT8 tensor with the bits of these} */
    public static Tensor uint8(byte[] elements, long... shape) {
        return new Tensor(ElementType.UINT8, elements.clone(), shape.clone());
    }

    /** {@return a UINT16 tensor with the bits of these} */
    public static Tensor uint16(short[] elements, long... shape) {
        return new Tensor(ElementType.UINT16, elements.clone(), shape.clone());
    }

    /** {@return a UINT32 tensor with the bits of these} */
    public static Tensor uint32(int[] elements, long... shape) {
        return new Tensor(ElementType.UINT32, elements.clone(), shape.clone());
    }

    /** {@return a UINT64 tensor with the bits of these} */
    public static Tensor uint64(long[] elements, long... shape) {
        return new Tensor(ElementType.UINT64, elements.clone(), shape.clone());
    }

    /** {@return the type of the elements} */
    public ElementType type() {
        return type;
    }

    /** {@return the dimensions; none for a scalar} */
    public long[] shape() {
        return shape.clone();
    }

    /** {@return the number of elements} */
    public int size() {
        return size;
    }

    /** {@return an element of any type but STRING as a number; truth values as 0 or 1} */
    public double number(int index) {
        return switch (type) {
            case FLOAT -> array(float[].class)[index];
            case DOUBLE -> array(double[].class)[index];
            case INT64 -> array(long[].class)[index];
            case UINT64 -> TensorBuffer.unsigned(array(long[].class)[index]);
            case INT32 -> array(int[].class)[index];
            case UINT32 -> Integer.toUnsignedLong(array(int[].class)[index]);
            case INT16 -> array(short[].class)[index];
            case UINT16 -> Short.toUnsignedInt(array(short[].class)[index]);
            case INT8 -> array(byte[].class)[index];
            case UINT8, BOOL -> Byte.toUnsignedInt(array(byte[].class)[index]);
            case FLOAT16 -> Halves.fromFloat16(array(short[].class)[index]);
            case BFLOAT16 -> Halves.fromBfloat16(array(short[].class)[index]);
            case STRING -> throw not("numbers");
        };
    }

    /** {@return the elements of a FLOAT tensor, or those of a FLOAT16 or BFLOAT16 one, which floats hold exactly} */
    public float[] floats() {
        if (type == ElementType.FLOAT16 || type == ElementType.BFLOAT16) {
            float[] floats = new float[size];
            for (int i = 0; i < size; i++) {
                floats[i] = (float) number(i);
            }
            return floats;
        }
        return copy(float[].class, "floats");
    }

    /** {@return the elements of a DOUBLE tensor} */
    public double[] doubles() {
        return copy(double[].class, "doubles");
    }

    /** {@return the elements of an INT64 or UINT64 tensor} */
    public long[] longs() {
        return copy(long[].class, "longs");
    }

    /** {@return the elements of an INT32 or UINT32 tensor} */
    public int[] ints() {
        return copy(int[].class, "ints");
    }

    /** {@return the bits of the elements of an INT16, UINT16, FLOAT16 or BFLOAT16 tensor} */
    public short[] shorts() {
        return copy(short[].class, "shorts");
    }

    /** {@return the elements of an INT8 or UINT8 tensor, or those of a BOOL one as 0 and 1} */
    public byte[] bytes() {
        return copy(byte[].class, "bytes");
    }

    /** {@return the elements of a BOOL tensor} */
    public boolean[] booleans() {
        if (type != ElementType.BOOL) {
            throw not("booleans");
        }
        boolean[] booleans = new boolean[size];
        for (int i = 0; i < size; i++) {
            booleans[i] = number(i) != 0;
        }
        return booleans;
    }

    /** {@return the elements of a STRING tensor} */
    public String[] texts() {
        return copy(String[].class, "texts");
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Tensor tensor
                && type == tensor.type
                && Arrays.equals(shape, tensor.shape)
                && Arrays.deepEquals(new Object[] {elements}, new Object[] {tensor.elements});
    }

    @Override
    public int hashCode() {
        return Arrays.deepHashCode(new Object[] {type, shape, elements});
    }

    /** {@return type, shape and the first elements, as {@code FLOAT[2, 3] {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}}} */
    @Override
    public String toString() {
        StringJoiner shown = new StringJoiner(", ", describe() + " {", "}");
        for (int i = 0; i < Math.min(size, SHOWN); i++) {
            shown.add(shown(i));
        }
        if (size > SHOWN) {
            shown.add("... " + size + " elements");
        }
        return shown.toString();
    }

    /** {@return type and shape} */
    String describe() {
        return type + Arrays.toString(shape);
    }

    long[] dimensions() {
        return shape;
    }

    /** {@return the elements themselves, not to be changed} */
    <A> A array(Class<A> kind) {
        return kind.cast(elements);
    }

    private String shown(int index) {
        return switch (type) {
            case STRING -> '"' + array(String[].class)[index] + '"';
            case FLOAT, FLOAT16, BFLOAT16 -> Float.toString((float) number(index));
            case DOUBLE -> Double.toString(number(index));
            case BOOL -> Boolean.toString(number(index) != 0);
            case INT64 -> Long.toString(array(long[].class)[index]);
            case UINT64 -> Long.toUnsignedString(array(long[].class)[index]);
            default -> Long.toString((long) number(index));
        };
    }

    private <A> A copy(Class<A> kind, String name) {
        if (!kind.isInstance(elements)) {
            throw not(name);
        }
        Object copy = Array.newInstance(kind.getComponentType(), size);
        System.arraycopy(elements, 0, copy, 0, size);
        return kind.cast(copy);
    }

    private IllegalStateException not(String name) {
        return new IllegalStateException("a tensor of type " + type + " cannot be seen as " + name);
    }
}
