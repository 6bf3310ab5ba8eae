package dev.flywheel.core.model;

import java.util.List;

/**
 * What goes into a model and what comes out. Models made by a pipeline take at most one input tensor for each kind of
 * raw column: {@code numbers} (FLOAT, NaN = missing; booleans are 0 or 1), {@code texts} (STRING, empty = missing) and
 * {@code times} (INT64, seconds since 1970-01-01T00:00:00Z, {@link Long#MIN_VALUE} = missing), each of shape [rows,
 * columns]; and one for each column of vectors, named as the column is (FLOAT of shape [rows, length], NaN = missing,
 * in every place where the whole vector is); and they give one FLOAT tensor {@code prediction} of shape [rows, 1].
 *
 * @param inputs the inputs, in the model's order
 * @param outputs the outputs, in the model's order
 */
public record Signature(List<TensorSpec> inputs, List<TensorSpec> outputs) {

    /** The input that holds numeric columns. */
    public static final String NUMBERS = "numbers";

    /** The input that holds text columns. */
    public static final String TEXTS = "texts";

    /** The input that holds time columns. */
    public static final String TIMES = "times";

    /** The output of models made by a pipeline. */
    public static final String PREDICTION = "prediction";

    /** Copies the lists. */
    public Signature {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
    }
}
