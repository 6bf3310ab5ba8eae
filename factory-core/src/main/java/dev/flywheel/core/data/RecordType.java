package dev.flywheel.core.data;

import dev.flywheel.core.DataException;
import dev.flywheel.core.FactoryException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A Java record as columns: a component is a column of the same name, in the same order. {@code double} and
 * {@code float} are NUMBER (NaN is missing); {@code long}, {@code int}, {@code short} and {@code byte} INTEGER;
 * {@code boolean} BOOLEAN; String and enums TEXT; Instant, LocalDateTime (taken as UTC) and LocalDate TIME, rounded
 * down to microseconds; {@code float[]} with a {@link Length} VECTOR. Primitive components are not nullable, all others
 * are, and null is missing.
 *
 * <p>Rows are written and read through generated accessors, without reflection and without boxing. Immutable,
 * thread-safe, and serializable by the name of the record. Making one costs milliseconds: keep it.
 *
 * @param <T> the record
 */
public final class RecordType<T> implements RowType<T> {

    private static final long serialVersionUID = 1L;

    private final Class<T> type;
    private final transient Schema schema;
    private final transient RecordField[] fields;
    /** Takes a RowReader, gives the record. */
    private final transient MethodHandle reader;

    private RecordType(Class<T> type) {
        this.type = type;
        RecordComponent[] components = components(type);
        RecordField[] made = new RecordField[components.length];
        MethodHandle[] cells = new MethodHandle[components.length];
        List<Column> columns = new ArrayList<>();
        RecordLookup lookup = new RecordLookup(type);
        for (int i = 0; i < components.length; i++) {
            made[i] = RecordField.of(type, components[i], i, lookup);
            cells[i] = made[i].reader();
            columns.add(made[i].column());
        }
        this.fields = made;
        this.schema = Schema.of(columns);
        this.reader = reader(lookup.constructor(), cells);
    }

    /**
     * {@return the columns of a record}
     *
     * @param record the record's class; it may be private or nested, but in a named module its package must be open or
     *     exported to {@code dev.flywheel.core}
     * @throws IllegalArgumentException if it is not a record, not accessible, or has a component of an unsupported type
     */
    public static <T> RecordType<T> of(Class<T> record) {
        return new RecordType<>(Objects.requireNonNull(record, "record"));
    }

    /**
     * {@return the name of the component that a method reference reads}
     *
     * @throws IllegalArgumentException if it is a lambda, or a reference to something else than a component's accessor
     */
    public static <T> String nameOf(Class<T> record, Accessor<T, ?> accessor) {
        return AccessorNames.nameOf(record, accessor);
    }

    @Override
    public Schema schema() {
        return schema;
    }

    /** {@return the record's class} */
    public Class<T> type() {
        return type;
    }

    @Override
    public void write(T row, RowWriter out) {
        for (RecordField field : fields) {
            field.write(row, out);
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws DataException if a value does not fit its component, or if the record's constructor refuses the values
     */
    @Override
    @SuppressWarnings("unchecked")
    public T read(RowReader in) {
        try {
            return (T) (Object) reader.invokeExact(in);
        } catch (FactoryException e) {
            throw e;
        } catch (Throwable e) {
            // Throws again what a cell throws, so that what is left is the constructor's.
            String values = values(in);
            if (e instanceof Error error) {
                throw error;
            }
            throw new DataException(
                    "record " + type.getName() + " cannot be made",
                    "its constructor refused the values " + values + " (" + e + ")",
                    "let a check refuse such rows, or let the record accept them",
                    e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RecordType<?> that && type == that.type;
    }

    @Override
    public int hashCode() {
        return type.hashCode();
    }

    @Override
    public String toString() {
        return "RecordType[" + type.getName() + " " + schema + "]";
    }

    private String values(RowReader in) {
        StringBuilder text = new StringBuilder("[");
        for (RecordField field : fields) {
            text.append(text.length() > 1 ? ", " : "")
                    .append(field.column().name())
                    .append('=')
                    .append(field.value(in));
        }
        return text.append(']').toString();
    }

    private static RecordComponent[] components(Class<?> type) {
        RecordComponent[] components = type.getRecordComponents();
        if (components == null) {
            throw new IllegalArgumentException(type.getName() + " is not a record: declare it as one, or use Row");
        }
        if (components.length == 0 || components.length > 250) {
            throw new IllegalArgumentException("record " + type.getName() + " has " + components.length
                    + " components, expected 1 to 250: use Row for wider data");
        }
        return components;
    }

    private static MethodHandle reader(MethodHandle constructor, MethodHandle[] cells) {
        MethodHandle ofReaders = MethodHandles.filterArguments(constructor, 0, cells);
        MethodType one = MethodType.methodType(constructor.type().returnType(), RowReader.class);
        return MethodHandles.permuteArguments(ofReaders, one, new int[cells.length])
                .asType(MethodType.methodType(Object.class, RowReader.class));
    }

    private Object writeReplace() {
        return new Form(type);
    }

    @SuppressWarnings("UnusedVariable")
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("a RecordType is serialized by the name of its record");
    }

    private record Form(Class<?> type) implements Serializable {

        private Object readResolve() {
            return RecordType.of(type);
        }
    }

    /** The names of a record's components, for messages. */
    static String names(Class<?> record) {
        return String.join(
                ", ",
                Arrays.stream(record.getRecordComponents())
                        .map(RecordComponent::getName)
                        .toList());
    }
}
