package dev.flywheel.serving;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which column of a schema goes to which place in a model's inputs, resolved once. Immutable. */
final class RawColumns {

    /** The columns of one input. Immutable. */
    static final class Group {

        static final Group NONE = new Group(-1, new int[0]);

        private final int input;
        private final int[] positions;

        private Group(int input, int[] positions) {
            this.input = input;
            this.positions = positions;
        }

        /** {@return the number of the input} */
        int input() {
            return input;
        }

        /** {@return the number of columns} */
        int size() {
            return positions.length;
        }

        /** {@return the position in the schema of the column at a place in the tensor} */
        int position(int place) {
            return positions[place];
        }

        /** {@return for each position in a schema of {@code size} columns the place in the tensor, or -1} */
        int[] places(int size) {
            int[] places = new int[size];
            Arrays.fill(places, -1);
            for (int i = 0; i < positions.length; i++) {
                places[positions[i]] = i;
            }
            return places;
        }
    }

    private static final String WHAT = "the model does not fit the rows";

    private static final Map<String, ElementType> ELEMENTS = Map.of(
            Signature.NUMBERS, ElementType.FLOAT,
            Signature.TEXTS, ElementType.STRING,
            Signature.TIMES, ElementType.INT64);

    private static final Map<String, Set<ColumnType>> TYPES = Map.of(
            Signature.NUMBERS, EnumSet.of(ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.BOOLEAN),
            Signature.TEXTS, EnumSet.of(ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN),
            Signature.TIMES, EnumSet.of(ColumnType.TIME));

    private final List<Group> vectors;
    private final Group numbers;
    private final Group texts;
    private final Group times;

    private RawColumns(List<Group> vectors, Group numbers, Group texts, Group times) {
        this.vectors = List.copyOf(vectors);
        this.numbers = numbers;
        this.texts = texts;
        this.times = times;
    }

    /**
     * {@return the places of the columns of this schema}
     *
     * @throws ModelFormatException if the model names a column that is not there, or of the wrong type, or has inputs
     *     that are not raw columns
     */
    static RawColumns of(Signature signature, Schema schema) {
        List<Group> vectors = new ArrayList<>();
        Group[] groups = {Group.NONE, Group.NONE, Group.NONE};
        List<String> names = List.of(Signature.NUMBERS, Signature.TEXTS, Signature.TIMES);
        for (int i = 0; i < signature.inputs().size(); i++) {
            TensorSpec input = signature.inputs().get(i);
            if (vector(input, schema)) {
                vectors.add(new Group(i, new int[] {schema.indexOf(input.name())}));
                continue;
            }
            int kind = names.indexOf(input.name());
            if (kind < 0 || input.columns().isEmpty() || ELEMENTS.get(input.name()) != input.type()) {
                throw new ModelFormatException(
                        WHAT,
                        "its input \"" + input.name() + "\" (" + input.type() + " of shape " + input.shape()
                                + ") does not name raw columns, expected numbers (FLOAT), texts (STRING) or times (INT64) "
                                + "with column names in the file's metadata, or the name of a column of vectors",
                        "serve a model made by a pipeline, or write a Codec that fills this input");
            }
            groups[kind] = new Group(i, positions(input, schema));
        }
        return new RawColumns(vectors, groups[0], groups[1], groups[2]);
    }

    /** Whether an input takes a column of vectors, which has the input's name. */
    private static boolean vector(TensorSpec input, Schema schema) {
        if (!input.columns().equals(List.of(input.name())) || !schema.contains(input.name())) {
            return false;
        }
        Column column = schema.column(schema.indexOf(input.name()));
        if (column.type() == ColumnType.VECTOR
                && (input.type() != ElementType.FLOAT || input.shape().get(1) != column.length())) {
            throw misfit(
                    input,
                    column.name(),
                    "its vectors have " + column.length() + " floats, expected " + input.type() + " of shape "
                            + input.shape(),
                    schema);
        }
        return column.type() == ColumnType.VECTOR;
    }

    /** {@return each column of vectors, a group of its own} */
    List<Group> vectors() {
        return vectors;
    }

    Group numbers() {
        return numbers;
    }

    Group texts() {
        return texts;
    }

    Group times() {
        return times;
    }

    private static int[] positions(TensorSpec input, Schema schema) {
        Set<ColumnType> types = TYPES.getOrDefault(input.name(), Set.of());
        Set<String> seen = new HashSet<>();
        return input.columns().stream()
                .mapToInt(column -> {
                    if (!seen.add(column)) {
                        throw misfit(input, column, "it names that column twice", schema);
                    }
                    if (!schema.contains(column)) {
                        throw misfit(input, column, "there is no such column", schema);
                    }
                    int position = schema.indexOf(column);
                    ColumnType type = schema.column(position).type();
                    if (!types.contains(type)) {
                        throw misfit(input, column, "it is " + type + ", expected one of " + types, schema);
                    }
                    return position;
                })
                .toArray();
    }

    private static ModelFormatException misfit(TensorSpec input, String column, String why, Schema schema) {
        return new ModelFormatException(
                WHAT,
                "its input \"" + input.name() + "\" takes column \"" + column + "\", but " + why
                        + "; the columns of the rows are " + schema,
                "use rows with the columns that the model was trained on");
    }
}
