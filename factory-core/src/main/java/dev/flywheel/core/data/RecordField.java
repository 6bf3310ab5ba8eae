package dev.flywheel.core.data;

import dev.flywheel.core.DataException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** One component of a record: how it is written to a column and read from it, without boxing. Immutable. */
@SuppressWarnings("UnusedMethod") // the read methods are found by name, as method handles
abstract class RecordField {

    private static final MethodHandles.Lookup OWN = MethodHandles.lookup();
    private static final MethodType TO_DOUBLE = MethodType.methodType(double.class, Object.class);
    private static final MethodType TO_LONG = MethodType.methodType(long.class, Object.class);
    private static final MethodType TO_BOOLEAN = MethodType.methodType(boolean.class, Object.class);
    private static final MethodType TO_OBJECT = MethodType.methodType(Object.class, Object.class);

    final Column column;
    final int position;
    private final Class<?> record;
    private final Class<?> type;

    private RecordField(Class<?> record, RecordComponent component, int position, ColumnType columnType) {
        this.record = record;
        this.type = component.getType();
        this.position = position;
        this.column = new Column(component.getName(), columnType, !type.isPrimitive(), length(record, component));
    }

    private static int length(Class<?> record, RecordComponent component) {
        Length length = component.getAnnotation(Length.class);
        if (component.getType() == float[].class ? length != null && length.value() > 0 : length == null) {
            return length == null ? 0 : length.value();
        }
        String what = "record " + record.getName() + " has a component \"" + component.getName() + "\" of type "
                + component.getType().getSimpleName();
        throw new IllegalArgumentException(
                component.getType() != float[].class
                        ? what + " with @Length(" + length.value() + "), which only a float[] has"
                        : what + (length == null ? "" : " with @Length(" + length.value() + ")")
                                + ": say how many floats every row has, as in @Length(784) float[] "
                                + component.getName());
    }

    /** @throws IllegalArgumentException if the component's name or type is not supported */
    static RecordField of(Class<?> record, RecordComponent component, int position, RecordLookup lookup) {
        Class<?> type = component.getType();
        if (component.getName().startsWith("$")) {
            throw new IllegalArgumentException("record " + record.getName() + " has a component \""
                    + component.getName() + "\": names that begin with $ are reserved, choose another");
        }
        MethodHandle accessor = lookup.accessor(component.getAccessor());
        if (type == double.class || type == float.class) {
            return new OfDouble(record, component, position, lookup, accessor);
        } else if (type == boolean.class) {
            return new OfBoolean(record, component, position, lookup, accessor);
        } else if (type.isPrimitive() && type != char.class) {
            return new OfLong(record, component, position, lookup, accessor);
        }
        ObjectCell cell = ObjectCell.of(type);
        if (cell == null) {
            throw new IllegalArgumentException("record " + record.getName() + " has a component \""
                    + component.getName() + "\" of type "
                    + component.getGenericType().getTypeName()
                    + "; supported are double, float, long, int, short, byte, boolean, their boxed types, String,"
                    + " enums, Instant, LocalDateTime, LocalDate and float[] with a @Length");
        }
        return new OfObject(record, component, position, lookup, accessor, cell);
    }

    final Column column() {
        return column;
    }

    abstract void write(Object row, RowWriter out);

    /** {@return a handle that takes a RowReader and gives the component's type} */
    abstract MethodHandle reader();

    /** {@return the value in a row, for messages} */
    final @Nullable Object value(RowReader in) {
        try {
            return reader().bindTo(in).invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("cells throw no checked exceptions", e);
        }
    }

    final MethodHandle own(String method, Class<?> result) {
        try {
            return OWN.findVirtual(getClass(), method, MethodType.methodType(result, RowReader.class))
                    .bindTo(this);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("no method " + method, e);
        }
    }

    final void requirePresent(RowReader in) {
        if (in.missing(position)) {
            throw refused("it has no value", "declare it as " + boxed() + ", or let a check refuse such rows", null);
        }
    }

    final DataException refused(String why, String fix, @Nullable Throwable cause) {
        return new DataException(
                "component \"" + column.name() + "\" (" + type.getSimpleName() + ") of record " + record.getName()
                        + " cannot be read",
                why,
                fix,
                cause);
    }

    final long within(long value, long min, long max) {
        if (value < min || value > max) {
            throw refused("found " + value + ", expected " + min + " to " + max, "declare the component as long", null);
        }
        return value;
    }

    private String boxed() {
        return MethodType.methodType(type).wrap().returnType().getSimpleName();
    }

    private static RuntimeException thrown(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException unchecked
                ? unchecked
                : new IllegalStateException("a record's accessor threw a checked exception", e);
    }

    /** double, float. */
    private static final class OfDouble extends RecordField {

        private final ToDoubleFunction<Object> get;
        private final boolean single;

        OfDouble(Class<?> record, RecordComponent component, int position, RecordLookup lookup, MethodHandle accessor) {
            super(record, component, position, ColumnType.NUMBER);
            this.single = component.getType() == float.class;
            @SuppressWarnings("unchecked")
            ToDoubleFunction<Object> generated =
                    lookup.generate(ToDoubleFunction.class, "applyAsDouble", TO_DOUBLE, accessor);
            MethodHandle handle = accessor.asType(TO_DOUBLE);
            this.get = generated != null
                    ? generated
                    : row -> {
                        try {
                            return (double) handle.invokeExact(row);
                        } catch (Throwable e) {
                            throw thrown(e);
                        }
                    };
        }

        @Override
        void write(Object row, RowWriter out) {
            double value = get.applyAsDouble(row);
            if (Double.isNaN(value)) {
                out.missing(position);
            } else {
                out.number(position, value);
            }
        }

        @Override
        MethodHandle reader() {
            return single ? own("readFloat", float.class) : own("readDouble", double.class);
        }

        double readDouble(RowReader in) {
            requirePresent(in);
            return in.number(position);
        }

        float readFloat(RowReader in) {
            return (float) readDouble(in);
        }
    }

    /** long, int, short, byte. */
    private static final class OfLong extends RecordField {

        private final ToLongFunction<Object> get;
        private final Class<?> type;

        OfLong(Class<?> record, RecordComponent component, int position, RecordLookup lookup, MethodHandle accessor) {
            super(record, component, position, ColumnType.INTEGER);
            this.type = component.getType();
            @SuppressWarnings("unchecked")
            ToLongFunction<Object> generated = lookup.generate(ToLongFunction.class, "applyAsLong", TO_LONG, accessor);
            MethodHandle handle = accessor.asType(TO_LONG);
            this.get = generated != null
                    ? generated
                    : row -> {
                        try {
                            return (long) handle.invokeExact(row);
                        } catch (Throwable e) {
                            throw thrown(e);
                        }
                    };
        }

        @Override
        void write(Object row, RowWriter out) {
            out.integer(position, get.applyAsLong(row));
        }

        @Override
        MethodHandle reader() {
            return own(
                    "read" + Character.toUpperCase(type.getName().charAt(0))
                            + type.getName().substring(1),
                    type);
        }

        long readLong(RowReader in) {
            requirePresent(in);
            return in.integer(position);
        }

        int readInt(RowReader in) {
            return (int) within(readLong(in), Integer.MIN_VALUE, Integer.MAX_VALUE);
        }

        short readShort(RowReader in) {
            return (short) within(readLong(in), Short.MIN_VALUE, Short.MAX_VALUE);
        }

        byte readByte(RowReader in) {
            return (byte) within(readLong(in), Byte.MIN_VALUE, Byte.MAX_VALUE);
        }
    }

    private static final class OfBoolean extends RecordField {

        private final Predicate<Object> get;

        OfBoolean(
                Class<?> record, RecordComponent component, int position, RecordLookup lookup, MethodHandle accessor) {
            super(record, component, position, ColumnType.BOOLEAN);
            @SuppressWarnings("unchecked")
            Predicate<Object> generated = lookup.generate(Predicate.class, "test", TO_BOOLEAN, accessor);
            MethodHandle handle = accessor.asType(TO_BOOLEAN);
            this.get = generated != null
                    ? generated
                    : row -> {
                        try {
                            return (boolean) handle.invokeExact(row);
                        } catch (Throwable e) {
                            throw thrown(e);
                        }
                    };
        }

        @Override
        void write(Object row, RowWriter out) {
            out.bool(position, get.test(row));
        }

        @Override
        MethodHandle reader() {
            return own("readBoolean", boolean.class);
        }

        boolean readBoolean(RowReader in) {
            requirePresent(in);
            return in.bool(position);
        }
    }

    /** References: null is missing. */
    private static final class OfObject extends RecordField {

        private final Function<Object, @Nullable Object> get;
        private final ObjectCell cell;
        private final Class<?> type;

        OfObject(
                Class<?> record,
                RecordComponent component,
                int position,
                RecordLookup lookup,
                MethodHandle accessor,
                ObjectCell cell) {
            super(record, component, position, cell.type());
            this.type = component.getType();
            this.cell = cell;
            @SuppressWarnings("unchecked")
            Function<Object, @Nullable Object> generated =
                    lookup.generate(Function.class, "apply", TO_OBJECT, accessor);
            MethodHandle handle = accessor.asType(TO_OBJECT);
            this.get = generated != null
                    ? generated
                    : row -> {
                        try {
                            return (Object) handle.invokeExact(row);
                        } catch (Throwable e) {
                            throw thrown(e);
                        }
                    };
        }

        @Override
        void write(Object row, RowWriter out) {
            Object value = get.apply(row);
            if (value == null) {
                out.missing(position);
            } else {
                cell.write(value, position, out);
            }
        }

        @Override
        MethodHandle reader() {
            return own("readObject", Object.class).asType(MethodType.methodType(type, RowReader.class));
        }

        @Nullable
        Object readObject(RowReader in) {
            return in.missing(position) ? null : cell.read(in, this);
        }
    }
}
