package dev.flywheel.serving.engine;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.TensorSpec;
import java.util.Arrays;

/** How much memory tensors take. */
final class TensorSizes {

    /** What a direct buffer holds in every Java. */
    static final long MAX_BYTES = Integer.MAX_VALUE - 64L;

    private TensorSizes() {}

    /** {@return the bytes of an element; 0 for STRING} */
    static int bytesOf(ElementType type) {
        return switch (type) {
            case DOUBLE, INT64, UINT64 -> 8;
            case FLOAT, INT32, UINT32 -> 4;
            case FLOAT16, BFLOAT16, INT16, UINT16 -> 2;
            case INT8, UINT8, BOOL -> 1;
            case STRING -> 0;
        };
    }

    /**
     * {@return the elements of a tensor of this shape}
     *
     * @throws ArithmeticException if no buffer holds them
     */
    static int elements(TensorSpec spec, long[] shape) {
        int each = Math.max(1, bytesOf(spec.type()));
        long bytes = each;
        for (long dimension : shape) {
            // Both factors are below 2^31, so the product is right.
            bytes *= Math.min(dimension, MAX_BYTES + 1);
            if (bytes > MAX_BYTES) {
                throw new ArithmeticException("tensor \"" + spec.name() + "\" of type " + spec.type() + " and shape "
                        + Arrays.toString(shape) + " needs more than the 2 GiB that a buffer holds");
            }
        }
        return (int) (bytes / each);
    }
}
