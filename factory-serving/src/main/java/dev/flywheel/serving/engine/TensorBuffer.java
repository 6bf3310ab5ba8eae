package dev.flywheel.serving.engine;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import java.nio.Buffer;
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
 * The memory of one tensor in a lane: row-major, in native byte order; strings are an array. Element {@code i} of row
 * {@code r} is at {@code r * width() + i}. The views share the memory, and only those of the tensor's own type are
 * given out. Not thread-safe.
 *
 * <p>The memory grows when a larger shape is asked for, here or by {@link Lane#length}. Then views that were taken
 * before belong to the old memory: take them again.
 */
public final class TensorBuffer {

    private final TensorSpec spec;
    private long[] shape;
    private int width;
    private int rows;
    private int size;
    private boolean reshaped;
    private int version;
    private @Nullable ByteBuffer bytes;
    private @Nullable FloatBuffer floats;
    private @Nullable DoubleBuffer doubles;
    private @Nullable LongBuffer longs;
    private @Nullable IntBuffer ints;
    private @Nullable ShortBuffer shorts;
    private String @Nullable [] texts;

    private TensorBuffer(TensorSpec spec, long[] shape) {
        this.spec = spec;
        this.shape = shape;
        if (spec.type() == ElementType.STRING) {
            texts = new String[0];
        } else {
            see(ByteBuffer.allocateDirect(0));
        }
        lay(shape);
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
        return new TensorBuffer(Objects.requireNonNull(spec, "spec"), new long[] {rows, width});
    }

    /** {@return new memory for a tensor of this shape, zeroed; strings are empty} */
    static TensorBuffer shaped(TensorSpec spec, long... shape) {
        return new TensorBuffer(spec, shape.clone());
    }

    /** {@return the tensor that this is the memory of} */
    public TensorSpec spec() {
        return spec;
    }

    /** {@return the number of elements in a row, which is all beyond the first dimension} */
    public int width() {
        return width;
    }

    /** {@return the size of the first dimension: the rows that fit; 1 for a scalar} */
    public int rows() {
        return rows;
    }

    /** {@return the number of elements: the product of the shape} */
    public int size() {
        return size;
    }

    /**
     * {@return the dimensions} Where rows are written, the first are the rows that fit, whatever number of them runs.
     */
    public long[] shape() {
        return shape.clone();
    }

    /**
     * Gives an input a shape of its own for the next runs, which then take one request each and all of this tensor: the
     * way to feed models that do not take rows. It holds until {@link Lane#length} or the next call of this. What was
     * written before is lost.
     *
     * @param dimensions the sizes, none negative; 0 for a tensor without elements; none at all for a scalar
     * @throws IllegalArgumentException if they are not as many as the model takes, or another size than it fixes
     * @throws ArithmeticException if it were more than 2 GiB
     */
    public void reshape(long... dimensions) {
        if (!fits(dimensions)) {
            throw new IllegalArgumentException("tensor \"" + spec.name() + "\" takes the shape " + spec.shape()
                    + ", where -1 is free, found " + Arrays.toString(dimensions));
        }
        boolean same = Arrays.equals(dimensions, shape);
        if (!same) {
            lay(dimensions.clone());
        }
        // One row in the shape of one row is a row.
        reshaped |= !same || rows != 1;
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

    /** {@return the view of an INT16, UINT16, FLOAT16 or BFLOAT16 tensor; {@link Halves} reads the latter two} */
    public ShortBuffer shorts() {
        return view(shorts, "shorts");
    }

    /** {@return the elements of a STRING tensor, of which there may be more than {@link #size}; none may be null} */
    public String[] texts() {
        return view(texts, "texts");
    }

    /**
     * {@return an element as a number; NaN for STRING}
     *
     * @param index {@code row * width() + element}
     */
    public double number(int index) {
        return switch (spec.type()) {
            case FLOAT -> floats().get(index);
            case DOUBLE -> doubles().get(index);
            case INT64 -> longs().get(index);
            case UINT64 -> unsigned(longs().get(index));
            case INT32 -> ints().get(index);
            case UINT32 -> Integer.toUnsignedLong(ints().get(index));
            case INT16 -> shorts().get(index);
            case UINT16 -> Short.toUnsignedInt(shorts().get(index));
            case INT8 -> bytes().get(index);
            case UINT8, BOOL -> Byte.toUnsignedInt(bytes().get(index));
            case FLOAT16 -> Halves.fromFloat16(shorts().get(index));
            case BFLOAT16 -> Halves.fromBfloat16(shorts().get(index));
            case STRING -> Double.NaN;
        };
    }

    /** {@return whether {@link #reshape} gave this its shape, and not the lane} */
    boolean reshaped() {
        return reshaped;
    }

    /** {@return the number of dimensions} */
    int rank() {
        return shape.length;
    }

    /** {@return the size of a dimension, from 0} */
    long dimension(int index) {
        return shape[index];
    }

    /** {@return the bytes of an element; 0 for STRING} */
    int elementBytes() {
        return TensorSizes.bytesOf(spec.type());
    }

    /** Gives this the shape in which a lane lays its tensors. */
    void lay(long[] dimensions) {
        int elements = TensorSizes.elements(spec, dimensions);
        hold(elements);
        shape = dimensions;
        rows = dimensions.length == 0 ? 1 : Math.toIntExact(dimensions[0]);
        width = dimensions.length == 0
                ? 1
                : TensorSizes.elements(spec, Arrays.copyOfRange(dimensions, 1, dimensions.length));
        size = elements;
        reshaped = false;
    }

    private void hold(int elements) {
        if (texts != null) {
            if (texts.length < elements) {
                texts = new String[elements];
                Arrays.fill(texts, "");
            }
            return;
        }
        int needed = elements * TensorSizes.bytesOf(spec.type());
        int capacity = bytes().capacity();
        if (capacity < needed) {
            // What grows a little with every run, as a cache of keys and values does, must not be moved every time.
            see(ByteBuffer.allocateDirect((int) Math.max(needed, Math.min(TensorSizes.MAX_BYTES, capacity * 3L / 2))));
        }
        limit(bytes, needed);
        limit(floats, elements);
        limit(doubles, elements);
        limit(longs, elements);
        limit(ints, elements);
        limit(shorts, elements);
    }

    /** Takes over what a run gave, of this shape. */
    void adopt(long[] dimensions, ByteBuffer memory) {
        see(memory);
        lay(dimensions);
    }

    /** Takes over what a run gave, of this shape. */
    void adopt(long[] dimensions, String[] memory) {
        texts = memory;
        lay(dimensions);
    }

    /** {@return a number that changes whenever the memory is replaced} */
    int version() {
        return version;
    }

    private void see(ByteBuffer memory) {
        ElementType type = spec.type();
        version++;
        ByteBuffer seen = memory.order(ByteOrder.nativeOrder());
        bytes = seen;
        floats = type == ElementType.FLOAT ? seen.asFloatBuffer() : null;
        doubles = type == ElementType.DOUBLE ? seen.asDoubleBuffer() : null;
        longs = TensorSizes.bytesOf(type) == 8 && doubles == null ? seen.asLongBuffer() : null;
        ints = TensorSizes.bytesOf(type) == 4 && floats == null ? seen.asIntBuffer() : null;
        shorts = TensorSizes.bytesOf(type) == 2 ? seen.asShortBuffer() : null;
    }

    private boolean fits(long[] dimensions) {
        int rank = spec.shape().size();
        // A file that says nothing of a tensor's shape looks as if it were a scalar.
        boolean fits = rank == 0 || dimensions.length == rank;
        for (int i = 0; fits && i < dimensions.length; i++) {
            long fixed = rank == 0 ? -1 : spec.shape().get(i);
            fits = dimensions[i] >= 0 && (fixed < 0 || fixed == dimensions[i]);
        }
        return fits;
    }

    private static void limit(@Nullable Buffer view, int limit) {
        if (view != null) {
            view.clear().limit(limit);
        }
    }

    /** {@return the value of an unsigned integer, rounded} */
    public static double unsigned(long value) {
        // Halving first, the lost bit kept sticky, lets the conversion of a signed long round correctly.
        return value >= 0 ? value : 2.0 * ((value >>> 1) | (value & 1));
    }

    private <B> B view(@Nullable B view, String name) {
        if (view == null) {
            throw new IllegalStateException(
                    "tensor \"" + spec.name() + "\" is " + spec.type() + " and cannot be seen as " + name);
        }
        return view;
    }
}
