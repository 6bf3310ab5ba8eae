package dev.flywheel.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DataException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.Month;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordTypeTest {

    @TempDir
    Path directory;

    record Primitives(double d, float f, long l, int i, short s, byte b, boolean z) {}

    record References(
            @Nullable Double d,
            @Nullable Float f,
            @Nullable Long l,
            @Nullable Integer i,
            @Nullable Short s,
            @Nullable Byte b,
            @Nullable Boolean z,
            @Nullable String text,
            @Nullable Month constant,
            @Nullable Instant instant,
            @Nullable LocalDateTime dateTime,
            @Nullable LocalDate date) {}

    private record Hidden(String name, int age) {}

    record Flight(String origin, double distance, Instant departure) {
        double kilometres() {
            return distance * 1.609344;
        }
    }

    record Picky(int age) {
        Picky {
            if (age < 0) {
                throw new IllegalArgumentException("negative age");
            }
        }
    }

    record Pair<A>(A left, int right) {}

    record Unsupported(int ok, UUID id) {}

    record Letter(char letter) {}

    record Reserved(int $label) {}

    record Empty() {}

    private <T> Dataset write(RecordType<T> type, List<T> rows) {
        try (Dataset.Writer writer = Dataset.writer(directory, type.schema())) {
            for (T row : rows) {
                type.write(row, writer);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    private static <T> T first(RowType<T> type, Dataset dataset) {
        try (Scan scan = dataset.scan()) {
            return type.read(DatasetTest.next(scan).row(0));
        }
    }

    @Test
    void componentsAreColumnsInOrder() {
        assertThat(RecordType.of(Primitives.class).schema().toString())
                .isEqualTo("[d:number, f:number, l:integer, i:integer, s:integer, b:integer, z:boolean]");
        assertThat(RecordType.of(References.class).schema().toString())
                .isEqualTo(
                        "[d:number?, f:number?, l:integer?, i:integer?, s:integer?, b:integer?, z:boolean?, text:text?,"
                                + " constant:text?, instant:time?, dateTime:time?, date:time?]");
    }

    @Test
    void everyPrimitiveComesBack() {
        RecordType<Primitives> type = RecordType.of(Primitives.class);
        for (Primitives row : List.of(
                new Primitives(-0.0, 1.1f, Long.MIN_VALUE, Integer.MAX_VALUE, Short.MIN_VALUE, Byte.MIN_VALUE, true),
                new Primitives(1e300, Float.MIN_VALUE, -1, -2, (short) -3, (byte) 4, false))) {
            assertThat(first(type, write(type, List.of(row)))).isEqualTo(row);
        }
    }

    @Test
    void everyReferenceComesBackAndSoDoesNull() {
        RecordType<References> type = RecordType.of(References.class);
        References full = new References(
                1.5,
                2.5f,
                3L,
                4,
                (short) 5,
                (byte) 6,
                false,
                "Köln",
                Month.MAY,
                Instant.parse("1066-10-14T09:00:00.000001Z"),
                LocalDateTime.parse("2001-01-01T00:03"),
                LocalDate.parse("1969-12-31"));
        References empty = new References(null, null, null, null, null, null, null, null, null, null, null, null);

        assertThat(first(type, write(type, List.of(full)))).isEqualTo(full);
        assertThat(first(type, write(type, List.of(empty)))).isEqualTo(empty);
    }

    @Test
    void nanOfABoxedComponentIsMissing() {
        record Measured(@Nullable Double value) {}
        RecordType<Measured> type = RecordType.of(Measured.class);
        assertThat(first(type, write(type, List.of(new Measured(Double.NaN))))).isEqualTo(new Measured(null));
    }

    @Test
    void nanOfAPrimitiveComponentIsRefusedByADataset() {
        RecordType<Flight> type = RecordType.of(Flight.class);
        assertThatThrownBy(() -> write(type, List.of(new Flight("LAX", Double.NaN, Instant.EPOCH))))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("column \"distance\" (NUMBER) has no value and is not nullable");
    }

    @Test
    void timesAreRoundedDownToMicroseconds() {
        RecordType<Flight> type = RecordType.of(Flight.class);
        Flight flight = new Flight("LAX", 1, Instant.parse("1969-12-31T23:59:59.999999999Z"));
        assertThat(first(type, write(type, List.of(flight))).departure())
                .isEqualTo(Instant.parse("1969-12-31T23:59:59.999999Z"));
    }

    @Test
    void aTimeBeyondMicrosecondsIsRefused() {
        RecordType<Flight> type = RecordType.of(Flight.class);
        assertThatThrownBy(() -> write(type, List.of(new Flight("LAX", 1, Instant.MAX))))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("it is further from 1970 than 64 bits of microseconds reach");
    }

    @Test
    void aPrivateNestedRecordWorks() {
        RecordType<Hidden> type = RecordType.of(Hidden.class);
        Hidden row = new Hidden("x", 3);
        assertThat(first(type, write(type, List.of(row)))).isEqualTo(row);
    }

    @Test
    void aLocalRecordWorks() {
        record Local(int value) {}
        RecordType<Local> type = RecordType.of(Local.class);
        assertThat(first(type, write(type, List.of(new Local(3))))).isEqualTo(new Local(3));
    }

    /** Defines the record anew, so that it lives in a module of its own. */
    private static final class Foreign extends ClassLoader {

        Class<?> define(Class<?> type) throws Exception {
            try (InputStream in = type.getResourceAsStream("/" + type.getName().replace('.', '/') + ".class")) {
                byte[] bytes = in.readAllBytes();
                return defineClass(type.getName(), bytes, 0, bytes.length);
            }
        }
    }

    @Test
    void aRecordOfAnotherClassLoaderWorks() throws Exception {
        Class<?> foreign = new Foreign().define(Primitives.class);
        var constructor = foreign.getDeclaredConstructors()[0];
        constructor.setAccessible(true);
        Object row = constructor.newInstance(1.5, 2.5f, 3L, 4, (short) 5, (byte) 6, true);
        @SuppressWarnings("unchecked")
        RecordType<Object> type = RecordType.of((Class<Object>) foreign);

        assertThat(foreign).isNotEqualTo(Primitives.class);
        assertThat(first(type, write(type, List.of(row)))).isEqualTo(row);
    }

    @Test
    void aReferenceComponentOfAnotherClassLoaderWorks() throws Exception {
        Class<?> foreign = new Foreign().define(Hidden.class);
        var constructor = foreign.getDeclaredConstructors()[0];
        constructor.setAccessible(true);
        Object row = constructor.newInstance("x", 4);
        @SuppressWarnings("unchecked")
        RecordType<Object> type = RecordType.of((Class<Object>) foreign);

        assertThat(first(type, write(type, List.of(row)))).isEqualTo(row);
    }

    @Test
    void anInaccessibleRecordIsRefusedWithTheMend() {
        RecordLookup lookup = new RecordLookup(Hidden.class, MethodHandles.publicLookup());
        assertThatThrownBy(lookup::constructor)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("record " + Hidden.class.getName() + " is not accessible (")
                .hasMessageEndingWith(
                        "): make it public in an exported package, or open its package to dev.flywheel.core");
    }

    @Test
    void unsupportedComponentsAreNamed() {
        assertThatThrownBy(() -> RecordType.of(Unsupported.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("record " + Unsupported.class.getName() + " has a component \"id\" of type java.util.UUID;"
                        + " supported are double, float, long, int, short, byte, boolean, their boxed types, String,"
                        + " enums, Instant, LocalDateTime, LocalDate and float[] with a @Length");
        assertThatThrownBy(() -> RecordType.of(Letter.class)).hasMessageContaining("\"letter\" of type char;");
        assertThatThrownBy(() -> RecordType.of(Pair.class)).hasMessageContaining("\"left\" of type A;");
    }

    @Test
    void namesWithADollarAreReserved() {
        assertThatThrownBy(() -> RecordType.of(Reserved.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("record " + Reserved.class.getName()
                        + " has a component \"$label\": names that begin with $ are reserved, choose another");
    }

    @Test
    void whatIsNoRecordIsRefused() {
        assertThatThrownBy(() -> RecordType.of(String.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("java.lang.String is not a record: declare it as one, or use Row");
        assertThatThrownBy(() -> RecordType.of(Empty.class))
                .hasMessageContaining("has 0 components, expected 1 to 250");
    }

    @Test
    void aMissingValueCannotBecomeAPrimitive() {
        Schema schema = Schema.of(new Column("age", ColumnType.INTEGER, true));
        Dataset dataset = DatasetTest.write(directory, schema, List.of(Row.of()));
        assertThatThrownBy(() -> first(RecordType.of(Picky.class), dataset))
                .isInstanceOf(DataException.class)
                .hasMessage("component \"age\" (int) of record " + Picky.class.getName()
                        + " cannot be read: it has no value. Fix: declare it as Integer, or let a check refuse such"
                        + " rows.");
    }

    @Test
    void anIntegerThatDoesNotFitIsRefused() {
        Schema schema = Schema.of(new Column("age", ColumnType.INTEGER, true));
        Dataset dataset = DatasetTest.write(directory, schema, List.of(Row.of("age", 5_000_000_000L)));
        assertThatThrownBy(() -> first(RecordType.of(Picky.class), dataset))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("found 5000000000, expected -2147483648 to 2147483647");
        record Boxed(Short age) {}
        assertThatThrownBy(() -> first(RecordType.of(Boxed.class), dataset))
                .hasMessageContaining("found 5000000000, expected -32768 to 32767");
    }

    @Test
    void anUnknownConstantIsRefused() {
        record Born(Month month) {}
        Schema schema = Schema.of(new Column("month", ColumnType.TEXT, true));
        Dataset dataset = DatasetTest.write(directory, schema, List.of(Row.of("month", "MAI")));
        assertThatThrownBy(() -> first(RecordType.of(Born.class), dataset))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("found \"MAI\", expected one of APRIL, AUGUST,");
    }

    @Test
    void aConstructorThatRefusesIsReportedWithTheValues() {
        Schema schema = Schema.of(new Column("age", ColumnType.INTEGER, true));
        Dataset dataset = DatasetTest.write(directory, schema, List.of(Row.of("age", -1)));
        assertThatThrownBy(() -> first(RecordType.of(Picky.class), dataset))
                .isInstanceOf(DataException.class)
                .hasMessage("record " + Picky.class.getName() + " cannot be made: its constructor refused the values"
                        + " [age=-1] (java.lang.IllegalArgumentException: negative age). Fix: let a check refuse such"
                        + " rows, or let the record accept them.");
    }

    @Test
    void aColumnOfAnotherTypeIsAProgrammingMistake() {
        Schema schema = Schema.of(new Column("age", ColumnType.TEXT, true));
        Dataset dataset = DatasetTest.write(directory, schema, List.of(Row.of("age", "3")));
        assertThatThrownBy(() -> first(RecordType.of(Picky.class), dataset))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("column \"age\" is TEXT and cannot be read as integer: read it as text");
    }

    @Test
    void isSerializedByItsClass() throws Exception {
        RecordType<Hidden> type = RecordType.of(Hidden.class);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(type);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(type).hasSameHashCodeAs(type).hasToString(type.toString());
        }
    }

    @Test
    void aMethodReferenceNamesItsComponent() {
        assertThat(RecordType.nameOf(Flight.class, Flight::distance)).isEqualTo("distance");
        assertThat(RecordType.nameOf(Flight.class, Flight::origin)).isEqualTo("origin");
        assertThat(RecordType.nameOf(Hidden.class, Hidden::age)).isEqualTo("age");
    }

    @Test
    void aLambdaHasNoName() {
        assertThatThrownBy(() -> RecordType.nameOf(Flight.class, flight -> flight.distance() + 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an accessor of " + Flight.class.getName()
                        + " is a lambda, which has no name: pass a method reference such as Flight::origin");
    }

    @Test
    void anObjectThatIsNoLambdaHasNoName() {
        Object notSerializable = new Object();
        assertThatThrownBy(() -> RecordType.nameOf(Flight.class, new Accessor<Flight, Object>() {
                    @Override
                    public Object apply(Flight flight) {
                        return notSerializable;
                    }
                }))
                .hasMessageContaining("pass a method reference such as Flight::origin");
    }

    @Test
    void aReferenceToAnotherMethodIsRefused() {
        assertThatThrownBy(() -> RecordType.nameOf(Flight.class, Flight::kilometres))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(Flight.class.getName().replace('/', '.')
                        + "::kilometres is not a component of the record " + Flight.class.getName()
                        + ": pass a method reference such as Flight::origin; the components are origin, distance,"
                        + " departure");
        assertThatThrownBy(() -> RecordType.nameOf(Flight.class, Object::toString))
                .hasMessageContaining("::toString is not a component of the record");
    }
}
