package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Embedding;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The forward pass of a network, on DJL. */
final class Net {

    private Net() {}

    /**
     * {@return the network's output before any link function, of shape [rows]}
     *
     * @param parameters the flat array
     * @param numbers FLOAT [rows, numbers]; null if there are none
     * @param ids INT64 [rows, idColumns]; null if there are none
     */
    static NDArray forward(NetShape shape, NDArray parameters, @Nullable NDArray numbers, @Nullable NDArray ids) {
        NDList parts = parameters.split(shape.cuts(), 0);
        int part = 0;
        NDArray table = null;
        if (shape.tableSize() > 0) {
            table = parts.get(part++).reshape(new Shape(shape.ids(), shape.vector()));
        }
        NDArray looked = table == null || ids == null
                ? null
                : Embedding.embedding(ids, table, SparseFormat.DENSE).singletonOrThrow();
        List<NetShape.Layer> layers = shape.layers();
        if (shape.linear()) {
            NDArray bias = parts.get(parts.size() - 1);
            NDArray sum = looked == null ? null : looked.sum(new int[] {1, 2});
            if (numbers != null) {
                NDArray product = numbers.matMul(parts.get(part).reshape(new Shape(shape.numbers(), 1)))
                        .flatten();
                sum = sum == null ? product : sum.add(product);
            }
            return sum == null ? bias : sum.add(bias);
        }
        NDArray values = numbers;
        if (looked != null) {
            NDArray flat = looked.reshape(new Shape(-1, (long) shape.idColumns() * shape.vector()));
            values = values == null ? flat : values.concat(flat, 1);
        }
        NDArray at = java.util.Objects.requireNonNull(values);
        for (int i = 0; i < layers.size(); i++) {
            NetShape.Layer layer = layers.get(i);
            NDArray weights = parts.get(part++).reshape(new Shape(layer.inputs(), layer.outputs()));
            at = at.matMul(weights).add(parts.get(part++));
            at = i < layers.size() - 1 ? Activation.relu(at) : at;
        }
        return at.flatten();
    }
}
