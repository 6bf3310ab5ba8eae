package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one step side by side, copied into the same native memory at each: a shuffled copy of all rows would get
 * its memory page by page from the operating system in each epoch, and would have left the processor's cache when its
 * turn comes. Lives as long as the manager it was made in. Not thread-safe.
 */
final class Minibatch {

    private static final int CACHE_LINE = 64;

    /** One tensor of all rows, its rows of this step, and the bytes of a row. */
    private record Part(ByteBuffer all, ByteBuffer some, int bytes) {
        void copy(int[] order, int from, int to) {
            for (int i = from; i < to; i++) {
                some.put((i - from) * bytes, all, order[i] * bytes, bytes);
            }
        }
    }

    private final List<Part> parts = new ArrayList<>();
    private final Examples examples;

    /** @param most the most rows of a step */
    Minibatch(NDManager manager, Examples all, int most) {
        int rows = Math.min(most, all.rows());
        this.examples = new Examples(
                rows,
                part(manager, all.numbers(), rows),
                part(manager, all.ids(), rows),
                part(manager, all.labels(), rows),
                part(manager, all.weights(), rows));
    }

    private @Nullable NDArray part(NDManager manager, @Nullable NDArray all, int rows) {
        if (all == null) {
            return null;
        }
        ByteBuffer from = all.toByteBuffer(true);
        int bytes = from.capacity() / (int) all.getShape().get(0);
        // alignment takes less than a line at each end
        ByteBuffer to = ByteBuffer.allocateDirect(rows * bytes + 2 * CACHE_LINE)
                .alignedSlice(CACHE_LINE)
                .slice(0, rows * bytes)
                .order(ByteOrder.nativeOrder());
        parts.add(new Part(from, to, bytes));
        long[] shape = all.getShape().getShape().clone();
        shape[0] = rows;
        return manager.create(to, new Shape(shape), all.getDataType());
    }

    /** The rows at some places of an order, in {@code pass}, until the next call. */
    Examples rows(NDManager pass, int[] order, int from, int to) {
        parts.forEach(part -> part.copy(order, from, to));
        return examples.slice(pass, 0, to - from);
    }
}
