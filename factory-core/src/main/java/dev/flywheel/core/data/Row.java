package dev.flywheel.core.data;

import java.io.Serializable;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A row whose columns are known only at run time: names and values. Values are {@link Double} or {@link Float}
 * (NUMBER), {@link Long}, {@link Integer}, {@link Short} or {@link Byte} (INTEGER), {@link Boolean}, {@link String} or
 * an enum (TEXT), {@link Instant}, {@link LocalDateTime} in UTC or {@link LocalDate} (TIME), {@code float[]} (VECTOR),
 * or null, which is missing like a column that is not named. Immutable and thread-safe.
 */
public final class Row implements Serializable {

    private static final long serialVersionUID = 1L;

    /** Holds only Double, Long, Boolean, String, Instant, Vector and null; not changed after construction. */
    private final Map<String, @Nullable Object> values;

    private Row(Map<String, @Nullable Object> values) {
        this.values = values;
    }

    /**
     * {@return a row}
     *
     * @param namesAndValues a name, its value, a name, its value, ...
     * @throws IllegalArgumentException if a name has no value, appears twice or is not text, or if a value has a type
     *     that no column holds
     */
    public static Row of(@Nullable Object... namesAndValues) {
        if (namesAndValues.length % 2 != 0) {
            throw new IllegalArgumentException(
                    "a row needs a value after each name, found " + namesAndValues.length + " arguments");
        }
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            if (!(namesAndValues[i] instanceof String name)) {
                throw new IllegalArgumentException(
                        "argument " + i + " of a row must be a column's name, found " + namesAndValues[i]);
            }
            if (values.containsKey(name)) {
                throw new IllegalArgumentException("column \"" + name + "\" appears twice in a row");
            }
            values.put(name, namesAndValues[i + 1]);
        }
        return of(values);
    }

    /**
     * {@return a row}
     *
     * @param values the values by name, in the order of the map
     * @throws IllegalArgumentException if a value has a type that no column holds
     */
    public static Row of(Map<String, ? extends @Nullable Object> values) {
        Map<String, @Nullable Object> normal = new LinkedHashMap<>();
        values.forEach((name, value) -> normal.put(Objects.requireNonNull(name, "name"), normal(name, value)));
        return new Row(normal);
    }

    /** {@return how rows of a schema are written and read} */
    public static RowType<Row> type(Schema schema) {
        return new DynamicRowType(schema);
    }

    /** {@return the names of the columns, in order} */
    public Set<String> names() {
        return Collections.unmodifiableSet(values.keySet());
    }

    /** {@return whether a value is missing or the column is not named} */
    public boolean missing(String name) {
        return values.get(name) == null;
    }

    /**
     * {@return the value of a number or integer column}
     *
     * @throws IllegalArgumentException if it is missing or of another type
     */
    public double number(String name) {
        if (values.get(name) instanceof Number value) {
            return value.doubleValue();
        }
        throw wrong(name, "a number");
    }

    /**
     * {@return the value of an integer column}
     *
     * @throws IllegalArgumentException if it is missing or of another type
     */
    public long integer(String name) {
        return as(name, Long.class, "an integer");
    }

    /**
     * {@return the value of a boolean column}
     *
     * @throws IllegalArgumentException if it is missing or of another type
     */
    public boolean bool(String name) {
        return as(name, Boolean.class, "a boolean");
    }

    /**
     * {@return the value of a text column}
     *
     * @throws IllegalArgumentException if it is missing or of another type
     */
    public String text(String name) {
        return as(name, String.class, "text");
    }

    /**
     * {@return the value of a time column}
     *
     * @throws IllegalArgumentException if it is missing or of another type
     */
    public Instant time(String name) {
        return as(name, Instant.class, "a time");
    }

    /**
     * {@return a copy of the value of a vector column}
     *
     * @throws IllegalArgumentException if it is missing or of another type
     */
    public float[] vector(String name) {
        return as(name, Vector.class, "a vector").values.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Row that && values.equals(that.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** {@return the columns and values, as {@code {distance=1946, origin=LAX}}} */
    @Override
    public String toString() {
        return values.toString();
    }

    @Nullable
    Object value(String name) {
        return values.get(name);
    }

    int size() {
        return values.size();
    }

    private <V> V as(String name, Class<V> type, String words) {
        Object value = values.get(name);
        if (type.isInstance(value)) {
            return type.cast(value);
        }
        throw wrong(name, words);
    }

    private IllegalArgumentException wrong(String name, String asked) {
        Object value = values.get(name);
        String found =
                value == null ? "missing" : value + " (" + value.getClass().getSimpleName() + ")";
        return new IllegalArgumentException("column \"" + name + "\" of a row is not " + asked + ": it is " + found
                + "; the row has the columns " + String.join(", ", values.keySet()));
    }

    /** Floats that are equal by value. Never changed. */
    static final class Vector implements Serializable {

        private static final long serialVersionUID = 1L;

        final float[] values;

        private Vector(float[] values) {
            this.values = values;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Vector that && Arrays.equals(values, that.values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return Arrays.toString(values);
        }
    }

    private static @Nullable Object normal(String name, @Nullable Object value) {
        if (value == null
                || value instanceof Double
                || value instanceof Long
                || value instanceof Boolean
                || value instanceof String
                || value instanceof Instant
                || value instanceof Vector) {
            return value instanceof Double d && d.isNaN() ? null : value;
        } else if (value instanceof Float number) {
            return normal(name, number.doubleValue());
        } else if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        } else if (value instanceof Enum<?> constant) {
            return constant.name();
        } else if (value instanceof LocalDateTime time) {
            return Times.instant(Times.micros(time));
        } else if (value instanceof LocalDate date) {
            return Times.instant(Times.micros(date));
        } else if (value instanceof float[] vector) {
            return new Vector(vector.clone());
        }
        throw new IllegalArgumentException("column \"" + name + "\" of a row has a value of type "
                + value.getClass().getName()
                + "; supported are Double, Float, Long, Integer, Short, Byte, Boolean, String, enums, Instant,"
                + " LocalDateTime, LocalDate, float[] and null");
    }
}
