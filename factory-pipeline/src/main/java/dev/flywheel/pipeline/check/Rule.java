package dev.flywheel.pipeline.check;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Vectors;
import java.io.Serializable;
import java.util.Set;
import java.util.regex.Pattern;

/** One expectation of a column's value. Immutable. */
sealed interface Rule extends Serializable {

    /** {@return what is expected, as "between 0 and 12000"} */
    String expected();

    /** {@return whether the rule can judge a column of this type} */
    boolean fits(ColumnType type);

    /** {@return whether a value, which is not missing unless the rule is {@link NotNull}, is as expected} */
    boolean holds(RowReader row, int column);

    /** {@return a number in plain words: 12000 and not 12000.0} */
    static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : "" + value;
    }

    private static String vector(float[] value) {
        return value.length + " floats of mean " + plain((float) Vectors.mean(value));
    }

    /** {@return the value of a cell, for messages} */
    static String found(RowReader row, int column) {
        if (row.missing(column)) {
            return "no value";
        }
        Column described = row.schema().column(column);
        return switch (described.type()) {
            case NUMBER -> plain(row.number(column));
            case INTEGER -> Long.toString(row.integer(column));
            case BOOLEAN -> Boolean.toString(row.bool(column));
            case TEXT -> row.text(column);
            case TIME ->
                java.time.Instant.EPOCH
                        .plus(row.time(column), java.time.temporal.ChronoUnit.MICROS)
                        .toString();
            case VECTOR -> vector(row.vector(column));
        };
    }

    /** The value is there. */
    record NotNull() implements Rule {

        @Override
        public String expected() {
            return "not null";
        }

        @Override
        public boolean fits(ColumnType type) {
            return true;
        }

        @Override
        public boolean holds(RowReader row, int column) {
            return !row.missing(column);
        }
    }

    /** A number within bounds, which belong to the range. */
    record Between(double min, double max) implements Rule {

        @Override
        public String expected() {
            return "between " + plain(min) + " and " + plain(max);
        }

        @Override
        public boolean fits(ColumnType type) {
            return type == ColumnType.NUMBER || type == ColumnType.INTEGER;
        }

        @Override
        public boolean holds(RowReader row, int column) {
            double value = row.number(column);
            return value >= min && value <= max;
        }
    }

    /** One of a few texts. */
    record In(Set<String> values) implements Rule {

        @Override
        public String expected() {
            return "in " + String.join(", ", values);
        }

        @Override
        public boolean fits(ColumnType type) {
            return type == ColumnType.TEXT;
        }

        @Override
        public boolean holds(RowReader row, int column) {
            return values.contains(row.text(column));
        }
    }

    /** A text that matches as a whole. */
    record Matches(Pattern pattern) implements Rule {

        @Override
        public String expected() {
            return "matching " + pattern;
        }

        @Override
        public boolean fits(ColumnType type) {
            return type == ColumnType.TEXT;
        }

        @Override
        public boolean holds(RowReader row, int column) {
            return pattern.matcher(row.text(column)).matches();
        }
    }

    /** A text with something in it. */
    record NotBlank() implements Rule {

        @Override
        public String expected() {
            return "not blank";
        }

        @Override
        public boolean fits(ColumnType type) {
            return type == ColumnType.TEXT;
        }

        @Override
        public boolean holds(RowReader row, int column) {
            return !row.text(column).isBlank();
        }
    }
}
