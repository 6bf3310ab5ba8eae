package dev.flywheel.core.data;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How values of one reference type go to a column and come back. Values are never null here. Immutable. */
interface ObjectCell {

    /** {@return the type of the column} */
    ColumnType type();

    void write(Object value, int column, RowWriter out);

    /** {@return the value of the field's column, which is not missing} */
    Object read(RowReader in, RecordField field);

    /** {@return the cell of a type, or null if it is not supported} */
    static @Nullable ObjectCell of(Class<?> type) {
        if (type.isEnum()) {
            return new EnumCell(type);
        } else if (type == String.class) {
            return new TextCell();
        } else if (type == Boolean.class) {
            return new BooleanCell();
        } else if (type == Double.class) {
            return new NumberCell(value -> value);
        } else if (type == Float.class) {
            return new NumberCell(value -> (float) value.doubleValue());
        } else if (type == Long.class) {
            return new IntegerCell(Long.MIN_VALUE, Long.MAX_VALUE, value -> value);
        } else if (type == Integer.class) {
            return new IntegerCell(Integer.MIN_VALUE, Integer.MAX_VALUE, Long::intValue);
        } else if (type == Short.class) {
            return new IntegerCell(Short.MIN_VALUE, Short.MAX_VALUE, Long::shortValue);
        } else if (type == Byte.class) {
            return new IntegerCell(Byte.MIN_VALUE, Byte.MAX_VALUE, Long::byteValue);
        } else if (type == Instant.class) {
            return new TimeCell(value -> Times.micros((Instant) value), Times::instant);
        } else if (type == LocalDateTime.class) {
            return new TimeCell(value -> Times.micros((LocalDateTime) value), Times::dateTime);
        } else if (type == LocalDate.class) {
            return new TimeCell(value -> Times.micros((LocalDate) value), Times::date);
        } else if (type == float[].class) {
            return new VectorCell();
        }
        return null;
    }

    /** Text. */
    record TextCell() implements ObjectCell {

        @Override
        public ColumnType type() {
            return ColumnType.TEXT;
        }

        @Override
        public void write(Object value, int column, RowWriter out) {
            out.text(column, (String) value);
        }

        @Override
        public Object read(RowReader in, RecordField field) {
            return in.text(field.position);
        }
    }

    /** Boxed booleans. */
    record BooleanCell() implements ObjectCell {

        @Override
        public ColumnType type() {
            return ColumnType.BOOLEAN;
        }

        @Override
        public void write(Object value, int column, RowWriter out) {
            out.bool(column, (Boolean) value);
        }

        @Override
        public Object read(RowReader in, RecordField field) {
            return in.bool(field.position);
        }
    }

    /** Boxed doubles and floats; NaN is missing. */
    record NumberCell(Function<Double, Object> box) implements ObjectCell {

        @Override
        public ColumnType type() {
            return ColumnType.NUMBER;
        }

        @Override
        public void write(Object value, int column, RowWriter out) {
            double number = ((Number) value).doubleValue();
            if (Double.isNaN(number)) {
                out.missing(column);
            } else {
                out.number(column, number);
            }
        }

        @Override
        public Object read(RowReader in, RecordField field) {
            return box.apply(in.number(field.position));
        }
    }

    /** Boxed whole numbers. */
    record IntegerCell(long min, long max, Function<Long, Object> box) implements ObjectCell {

        @Override
        public ColumnType type() {
            return ColumnType.INTEGER;
        }

        @Override
        public void write(Object value, int column, RowWriter out) {
            out.integer(column, ((Number) value).longValue());
        }

        @Override
        public Object read(RowReader in, RecordField field) {
            return box.apply(field.within(in.integer(field.position), min, max));
        }
    }

    /** Times. */
    record TimeCell(java.util.function.ToLongFunction<Object> micros, java.util.function.LongFunction<Object> time)
            implements ObjectCell {

        @Override
        public ColumnType type() {
            return ColumnType.TIME;
        }

        @Override
        public void write(Object value, int column, RowWriter out) {
            out.time(column, micros.applyAsLong(value));
        }

        @Override
        public Object read(RowReader in, RecordField field) {
            return time.apply(in.time(field.position));
        }
    }

    /** Vectors; the row that is written knows their length. */
    record VectorCell() implements ObjectCell {

        @Override
        public ColumnType type() {
            return ColumnType.VECTOR;
        }

        @Override
        public void write(Object value, int column, RowWriter out) {
            out.vector(column, (float[]) value);
        }

        @Override
        public Object read(RowReader in, RecordField field) {
            return in.vector(field.position);
        }
    }

    /** Constants of an enum, by name. */
    record EnumCell(Map<String, Object> constants) implements ObjectCell {

        EnumCell(Class<?> type) {
            this(Arrays.stream(type.getEnumConstants())
                    .collect(Collectors.toUnmodifiableMap(constant -> ((Enum<?>) constant).name(), c -> c)));
        }

        @Override
        public ColumnType type() {
            return ColumnType.TEXT;
        }

        @Override
        public void write(Object value, int column, RowWriter out) {
            out.text(column, ((Enum<?>) value).name());
        }

        @Override
        public Object read(RowReader in, RecordField field) {
            String name = in.text(field.position);
            Object constant = constants.get(name);
            if (constant == null) {
                throw field.refused(
                        "found \"" + name + "\", expected one of "
                                + constants.keySet().stream().sorted().collect(Collectors.joining(", ")),
                        "add the constant to the enum, or declare the component as String",
                        null);
            }
            return constant;
        }
    }
}
