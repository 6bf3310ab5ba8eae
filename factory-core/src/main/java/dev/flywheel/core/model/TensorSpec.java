package dev.flywheel.core.model;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * One input or output of a model.
 *
 * @param name the tensor's name in the model file
 * @param type the element type
 * @param shape the dimensions; -1 where the size is free. The first is the batch
 * @param columns for a tensor of shape [rows, n] that holds raw columns side by side: their n names, in order; for one
 *     that holds a column of vectors with n numbers: its name, which is the tensor's too; otherwise empty
 */
public record TensorSpec(String name, ElementType type, List<Long> shape, List<String> columns) {

    /** @throws IllegalArgumentException if columns are named but do not fit a shape of [rows, n] */
    public TensorSpec {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        shape = List.copyOf(shape);
        columns = List.copyOf(columns);
        boolean vector = columns.equals(List.of(name)) && shape.size() == 2 && shape.get(1) > 0;
        if (!columns.isEmpty() && !vector && (shape.size() != 2 || shape.get(1) != columns.size())) {
            throw new IllegalArgumentException("tensor \"" + name + "\" names " + columns.size()
                    + " columns, but its shape is " + shape + ", expected [-1, " + columns.size() + "]");
        }
    }

    /**
     * {@return a tensor that holds no raw columns}
     *
     * @param shape the dimensions; -1 where the size is free. The first is the batch
     */
    public static TensorSpec of(String name, ElementType type, long... shape) {
        return new TensorSpec(name, type, Arrays.stream(shape).boxed().toList(), List.of());
    }
}
