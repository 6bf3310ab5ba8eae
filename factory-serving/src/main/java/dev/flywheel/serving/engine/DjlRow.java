package dev.flywheel.serving.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.passthrough.PassthroughNDArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * An array on the Java heap that knows the few operations which most translators do on an output, so that no engine is
 * asked for them; the others it refuses with {@link UnsupportedOperationException}. Not thread-safe.
 */
final class DjlRow extends PassthroughNDArray {

    private final ByteBuffer bytes;

    /** @param bytes the elements, in native order */
    DjlRow(NDManager manager, ByteBuffer bytes, Shape shape, DataType type) {
        super(manager, bytes, shape, type);
        this.bytes = bytes;
    }

    @Override
    public NDArray softmax(int axis) {
        FloatBuffer from = floats();
        int along = axis(axis, getShape().dimension());
        int size = Math.toIntExact(getShape().get(along));
        int inner = Math.toIntExact(getShape().slice(along + 1).size());
        float[] result = new float[from.capacity()];
        for (int start = 0; start < result.length; start++) {
            if (start / inner % size == 0) {
                softmax(from, result, start, size, inner);
            }
        }
        return of(result);
    }

    private static void softmax(FloatBuffer from, float[] to, int start, int size, int step) {
        float most = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < size; i++) {
            most = Math.max(most, from.get(start + i * step));
        }
        double sum = 0;
        for (int i = 0; i < size; i++) {
            double power = Math.exp(from.get(start + i * step) - most);
            to[start + i * step] = (float) power;
            sum += power;
        }
        for (int i = 0; i < size; i++) {
            to[start + i * step] = (float) (to[start + i * step] / sum);
        }
    }

    @Override
    public NDArray argMax() {
        FloatBuffer all = floats();
        if (all.capacity() == 0) {
            throw unsupported();
        }
        int best = 0;
        for (int i = 1; i < all.capacity() && !Float.isNaN(all.get(best)); i++) {
            best = all.get(i) > all.get(best) || Float.isNaN(all.get(i)) ? i : best;
        }
        ByteBuffer index = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        return new DjlRow(getManager(), index.putLong(0, best), new Shape(), DataType.INT64);
    }

    @Override
    public NDArray getScalar(long... indices) {
        long[] sizes = getShape().getShape();
        if (indices.length != sizes.length) {
            throw unsupported();
        }
        int place = 0;
        for (int d = 0; d < sizes.length; d++) {
            long index = indices[d] < 0 ? indices[d] + sizes[d] : indices[d];
            place = Math.toIntExact(place * sizes[d] + Objects.checkIndex(index, sizes[d]));
        }
        int width = getDataType().getNumOfBytes();
        ByteBuffer element = bytes.slice(place * width, width).order(ByteOrder.nativeOrder());
        return new DjlRow(getManager(), element, new Shape(), getDataType());
    }

    @Override
    public NDArray reshape(Shape wanted) {
        long[] sizes = wanted.getShape().clone();
        long known = 1;
        int free = -1;
        for (int d = 0; d < sizes.length; d++) {
            if (sizes[d] < 0) {
                free = d;
            } else {
                known *= sizes[d];
            }
        }
        if (free >= 0 && known > 0) {
            sizes[free] = size() / known;
        }
        Shape shape = new Shape(sizes);
        if (Arrays.stream(sizes).anyMatch(size -> size < 0) || shape.size() != size()) {
            throw new IllegalArgumentException("an array of shape " + getShape() + " cannot be seen as " + wanted);
        }
        return seen(shape);
    }

    @Override
    public NDArray flatten() {
        return seen(new Shape(size()));
    }

    @Override
    public NDArray expandDims(int axis) {
        int place = axis(axis, getShape().dimension() + 1);
        return seen(getShape().slice(0, place).add(1).addAll(getShape().slice(place)));
    }

    @Override
    public NDArray squeeze(int[] axes) {
        List<Integer> dropped = new ArrayList<>();
        for (int axis : axes) {
            dropped.add(axis(axis, getShape().dimension()));
        }
        Shape shape = new Shape();
        for (int d = 0; d < getShape().dimension(); d++) {
            if (!dropped.contains(d) || getShape().get(d) != 1) {
                shape = shape.add(getShape().get(d));
            }
        }
        return seen(shape);
    }

    private NDArray seen(Shape shape) {
        return new DjlRow(getManager(), bytes, shape, getDataType());
    }

    private NDArray of(float[] values) {
        ByteBuffer memory = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.nativeOrder());
        memory.asFloatBuffer().put(values);
        return new DjlRow(getManager(), memory, getShape(), DataType.FLOAT32);
    }

    private FloatBuffer floats() {
        if (getDataType() != DataType.FLOAT32) {
            throw unsupported();
        }
        return bytes.asFloatBuffer();
    }

    private static int axis(int axis, int dimensions) {
        return Objects.checkIndex(axis < 0 ? axis + dimensions : axis, dimensions);
    }

    private static UnsupportedOperationException unsupported() {
        return new UnsupportedOperationException("this needs an engine");
    }
}
