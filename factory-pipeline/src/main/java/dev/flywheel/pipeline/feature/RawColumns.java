package dev.flywheel.pipeline.feature;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/** The raw columns that a feature graph takes. */
final class RawColumns {

    private RawColumns() {}

    /** A text as the graph sees it: integers in decimal, booleans as true and false. */
    static String text(Batch batch, int column, int row) {
        return switch (batch.schema().column(column).type()) {
            case INTEGER -> Long.toString(batch.integer(column, row));
            case BOOLEAN -> Boolean.toString(batch.bool(column, row));
            default -> batch.text(column, row);
        };
    }

    /** The inputs of a graph with these raw columns. */
    static List<TensorSpec> inputs(List<String> numbers, List<String> texts, List<String> times) {
        List<TensorSpec> inputs = new ArrayList<>();
        add(inputs, Signature.NUMBERS, ElementType.FLOAT, numbers);
        add(inputs, Signature.TEXTS, ElementType.STRING, texts);
        add(inputs, Signature.TIMES, ElementType.INT64, times);
        return List.copyOf(inputs);
    }

    private static void add(List<TensorSpec> inputs, String name, ElementType type, List<String> columns) {
        if (!columns.isEmpty()) {
            inputs.add(new TensorSpec(name, type, List.of(-1L, (long) columns.size()), columns));
        }
    }
}
