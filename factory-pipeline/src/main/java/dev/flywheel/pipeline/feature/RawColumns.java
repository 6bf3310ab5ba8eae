package dev.flywheel.pipeline.feature;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.serving.engine.Lane;
import dev.flywheel.serving.engine.TensorBuffer;
import java.util.ArrayList;
import java.util.List;

/** The raw columns that a feature graph takes, and how rows of a batch are laid into a lane's inputs. */
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

    /** Lays {@code rows} rows of a batch, from {@code from} on, into the inputs of a lane. */
    static void pack(Batch batch, int from, int rows, Lane lane) {
        Schema schema = batch.schema();
        for (int i = 0; i < lane.signature().inputs().size(); i++) {
            TensorSpec spec = lane.signature().inputs().get(i);
            int[] columns = spec.columns().stream().mapToInt(schema::indexOf).toArray();
            for (int c = 0; c < columns.length; c++) {
                switch (spec.name()) {
                    case Signature.NUMBERS -> packNumbers(batch, columns[c], from, rows, lane.input(i), c);
                    case Signature.TEXTS -> packTexts(batch, columns[c], from, rows, lane.input(i), c);
                    default -> packTimes(batch, columns[c], from, rows, lane.input(i), c);
                }
            }
        }
    }

    private static void packNumbers(Batch batch, int column, int from, int rows, TensorBuffer target, int place) {
        for (int row = 0; row < rows; row++) {
            float value = batch.missing(column, from + row) ? Float.NaN : (float) batch.number(column, from + row);
            target.floats().put(row * target.width() + place, value);
        }
    }

    private static void packTexts(Batch batch, int column, int from, int rows, TensorBuffer target, int place) {
        String[] texts = target.texts();
        for (int row = 0; row < rows; row++) {
            texts[row * target.width() + place] =
                    batch.missing(column, from + row) ? "" : text(batch, column, from + row);
        }
    }

    private static void packTimes(Batch batch, int column, int from, int rows, TensorBuffer target, int place) {
        for (int row = 0; row < rows; row++) {
            long seconds = batch.missing(column, from + row)
                    ? TimeBlock.MISSING
                    : Math.floorDiv(batch.time(column, from + row), 1_000_000L);
            target.longs().put(row * target.width() + place, seconds);
        }
    }
}
