package dev.flywheel.serving.engine;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one tensor in a lane: rows side by side, row-major, off the heap in native byte order; strings are an
 * array. Element {@code i} of row {@code r} is at {@code r * width() + i}. The views share the memory, and only those
 * of the tensor's own type are given out. Not thread-safe.
 */
public final class TensorBuffer {

    private final TensorSpec spec;
    private final int width;
    private final int rows;
    private final @Nullable ByteBuffer bytes;
    private final @Nullable FloatBuffer floats;
    private final @Nullable DoubleBuffer doubles;
    private final @Nullable LongBuffer longs;
    private final @Nullable IntBuffer ints;
    private final @Nullable ShortBuffer shorts;
    private final String @Nullable [] texts;

    private TensorBuffer(TensorSpec spec, int width, int rows) {
        this.spec = spec;
        this.width = width;
        this.rows = rows;
        int elements = Math.multiplyExact(width, rows);
        ElementType type = spec.type();
        if (type == ElementType.STRING) {
            texts = new String[elements];
            Arrays.fill(texts, "");
            bytes = null;
        } else {
            texts = null;
            bytes = ByteBuffer.allocateDirect(Math.multiplyExact(elements, bytesOf(type)))
                    .order(ByteOrder.nativeOrder());
        }
        floats = bytes != null && type == ElementType.FLOAT ? bytes.asFloatBuffer() : null;
        doubles = bytes != null && type == ElementType.DOUBLE ? bytes.asDoubleBuffer() : null;
        longs = bytes != null && bytesOf(type) == 8 && doubles == null ? bytes.asLongBuffer() : null;
        ints = bytes != null && bytesOf(type) == 4 && floats == null ? bytes.asIntBuffer() : null;
        shorts = bytes != null && bytesOf(type) == 2 ? bytes.asShortBuffer() : null;
    }

    /**
     * {@return new memory, zeroed; strings are empty}
     *
     * @param spec the tensor
     * @param width elements of one row, at least 1
     * @param rows the rows that fit, at least 1
     * @throws ArithmeticException if it were more than 2 GiB
     */
    public static TensorBuffer allocate(TensorSpec spec, int width, int rows) {
        if (width < 1 || rows < 1) {
            throw new IllegalArgumentException(
                    "a tensor buffer needs at least 1 row of 1 element, found " + rows + " of " + width);
        }
        return new TensorBuffer(Objects.requireNonNull(spec, "spec"), width, rows);
    }

    /** {@return the tensor that this is the memory of} */
    public TensorSpec spec() {
        return spec;
    }

    /** {@return the number of elements in a row} */
    public int width() {
        return width;
    }

    /** {@return the rows that fit} */
    public int rows() {
        return rows;
    }

    /**
     * {@return the memory of a tensor of any type but STRING, as bytes in native order; BOOL, INT8 and UINT8 take one}
     */
    public ByteBuffer bytes() {
        return view(bytes, "bytes");
    }

    /** {@return the view of a FLOAT tensor} */
    public FloatBuffer floats() {
        return view(floats, "floats");
    }

    /** {@return the view of a DOUBLE tensor} */
    public DoubleBuffer doubles() {
        return view(doubles, "doubles");
    }

    /** {@return the view of an INT64 or UINT64 tensor} */
    public LongBuffer longs() {
        return view(longs, "longs");
    }

    /** {@return the view of an INT32 or UINT32 tensor} */
    public IntBuffer ints() {
        return view(ints, "ints");
    }

    /** {@return the view of an INT16, UINT16, FLOAT16 or BFLOAT16 tensor} */
    public ShortBuffer shorts() {
        return view(shorts, "shorts");
    }

    /** {@return the elements of a STRING tensor; none may be null} */
    public String[] texts() {
        return view(texts, "texts");
    }

    /**
     * {@return an element as a number; NaN for STRING and for the 16-bit floating point types}
     *
     * @param index {@code row * width() + element}
     */
    public double number(int index) {
        return switch (spec.type()) {
            case FLOAT -> floats().get(index);
            case DOUBLE -> doubles().get(index);
            case INT64, UINT64 -> longs().get(index);
            case INT32 -> ints().get(index);
            case UINT32 -> Integer.toUnsignedLong(ints().get(index));
            case INT16 -> shorts().get(index);
            case UINT16 -> Short.toUnsignedInt(shorts().get(index));
            case INT8 -> bytes().get(index);
            case UINT8, BOOL -> Byte.toUnsignedInt(bytes().get(index));
            case FLOAT16, BFLOAT16, STRING -> Double.NaN;
        };
    }

    private <B> B view(@Nullable B view, String name) {
        if (view == null) {
            throw new IllegalStateException(
                    "tensor \"" + spec.name() + "\" is " + spec.type() + " and cannot be seen as " + name);
        }
        return view;
    }

    private static int bytesOf(ElementType type) {
        return switch (type) {
            case DOUBLE, INT64, UINT64 -> 8;
            case FLOAT, INT32, UINT32 -> 4;
            case FLOAT16, BFLOAT16, INT16, UINT16 -> 2;
            case INT8, UINT8, BOOL -> 1;
            case STRING -> 0;
        };
    }
}
