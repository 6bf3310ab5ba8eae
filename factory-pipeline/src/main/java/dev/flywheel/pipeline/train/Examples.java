package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Rows as native tensors: numbers [rows, numbers], ids [rows, ids], labels [rows, 1] and weights [rows, 1], which are 1
 * on average over all rows; each but for the rows null where there is none. Lives as long as the manager it was made
 * in.
 */
record Examples(
        int rows,
        @Nullable NDArray numbers,
        @Nullable NDArray ids,
        @Nullable NDArray labels,
        @Nullable NDArray weights) {

    /** The rows of a matrix, without a copy; labels are 32-bit floats, or 64-bit integers for classes. */
    static Examples of(NDManager manager, FeatureMatrix matrix, double @Nullable [] labels, Objective objective) {
        int rows = matrix.rows();
        return new Examples(
                rows,
                wrap(manager, matrix.numbers(), new Shape(rows, matrix.numberCount()), DataType.FLOAT32),
                wrap(manager, matrix.ids(), new Shape(rows, matrix.idCount()), DataType.INT64),
                labels == null ? null : labels(manager, labels, objective),
                labels == null || !matrix.isWeighted()
                        ? null
                        : manager.create(floats(relative(matrix.weights())), new Shape(rows, 1)));
    }

    private static NDArray labels(NDManager manager, double[] labels, Objective objective) {
        Shape shape = new Shape(labels.length, 1);
        return objective == Objective.CLASSES
                ? manager.create(
                        Arrays.stream(labels).mapToLong(label -> (long) label).toArray(), shape)
                : manager.create(floats(labels), shape);
    }

    private static double[] relative(double[] weights) {
        double mean = Arrays.stream(weights).average().orElse(1);
        return Arrays.stream(weights).map(weight -> weight / mean).toArray();
    }

    private static @Nullable NDArray wrap(NDManager manager, ByteBuffer bytes, Shape shape, DataType type) {
        return shape.size() == 0 ? null : manager.create(bytes, shape, type);
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    /** The manager of the rows, which may be of another device than that of the network. */
    NDManager manager() {
        return (numbers == null ? Objects.requireNonNull(ids) : numbers).getManager();
    }

    /** Consecutive rows in another manager: a view, or a copy if that is of another device. */
    Examples slice(NDManager manager, int from, int to) {
        NDIndex index = new NDIndex().addSliceDim(from, to);
        return new Examples(
                to - from,
                cut(manager, numbers, index),
                cut(manager, ids, index),
                cut(manager, labels, index),
                cut(manager, weights, index));
    }

    private static @Nullable NDArray cut(NDManager manager, @Nullable NDArray all, NDIndex index) {
        if (all == null) {
            return null;
        }
        NDArray some = all.get(manager, index);
        return all.getDevice().equals(manager.getDevice()) ? some : some.toDevice(manager.getDevice(), false);
    }

    /** A copy of some rows in some order, beside them. */
    Examples take(int[] order) {
        return take(manager().create(order));
    }

    /** A copy of some rows in some order, in the manager of their places. */
    Examples take(NDArray places) {
        return new Examples(
                (int) places.size(),
                pick(numbers, places),
                pick(ids, places),
                pick(labels, places),
                pick(weights, places));
    }

    private static @Nullable NDArray pick(@Nullable NDArray array, NDArray places) {
        if (array == null) {
            return null;
        }
        NDArray picked = array.get(places);
        picked.attach(places.getManager());
        return picked;
    }
}
