package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rows of one step side by side. Lives as long as the manager it was made in. Not thread-safe. */
interface Minibatch {

    /**
     * The rows at some places of an order, in {@code pass}, until the next call.
     *
     * @param order the same array as long as the order is the same
     */
    Examples rows(NDManager pass, int[] order, int from, int to);

    /**
     * {@return those of all rows that lie on the CPU or on a GPU}
     *
     * @param most the most rows of a step
     */
    static Minibatch of(NDManager manager, Examples all, int most) {
        return all.manager().getDevice().isGpu() ? new Gathered(manager, all) : new Copied(all, most);
    }

    /**
     * Copies them into the same memory of the CPU at each step, from where they go on to a GPU if one learns: a
     * shuffled copy of all rows would get its memory page by page from the operating system in each epoch, and would
     * have left the processor's cache when its turn comes.
     */
    final class Copied implements Minibatch {

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

        Copied(Examples all, int most) {
            int rows = Math.min(most, all.rows());
            this.examples = new Examples(
                    rows,
                    part(all.numbers(), rows),
                    part(all.ids(), rows),
                    part(all.labels(), rows),
                    part(all.weights(), rows));
        }

        private @Nullable NDArray part(@Nullable NDArray all, int rows) {
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
            return all.getManager().create(to, new Shape(shape), all.getDataType());
        }

        @Override
        public Examples rows(NDManager pass, int[] order, int from, int to) {
            parts.forEach(part -> part.copy(order, from, to));
            return examples.slice(pass, 0, to - from);
        }
    }

    /** Gathers them on the device where all lie, which is told an order once. */
    final class Gathered implements Minibatch {

        private final NDManager manager;
        private final Examples all;
        private int @Nullable [] known;
        private @Nullable NDArray places;

        Gathered(NDManager manager, Examples all) {
            this.manager = manager;
            this.all = all;
        }

        @Override
        public Examples rows(NDManager pass, int[] order, int from, int to) {
            if (order != known || places == null) {
                if (places != null) {
                    places.close();
                }
                places = manager.create(Arrays.stream(order).asLongStream().toArray());
                known = order;
            }
            return all.take(places.get(pass, new NDIndex().addSliceDim(from, to)));
        }
    }
}
