package dev.flywheel.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.Month;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowTest {

    @TempDir
    Path directory;

    private final Row row = Row.of(
            "number",
            1.5f,
            "integer",
            (byte) 3,
            "flag",
            true,
            "text",
            Month.MAY,
            "time",
            LocalDate.EPOCH,
            "none",
            null);

    @Test
    void valuesAreReadByNameAndType() {
        assertThat(row.number("number")).isEqualTo(1.5);
        assertThat(row.number("integer")).isEqualTo(3);
        assertThat(row.integer("integer")).isEqualTo(3);
        assertThat(row.bool("flag")).isTrue();
        assertThat(row.text("text")).isEqualTo("MAY");
        assertThat(row.time("time")).isEqualTo(Instant.EPOCH);
        assertThat(Row.of("t", LocalDateTime.parse("1970-01-01T00:00:01")).time("t"))
                .isEqualTo(Instant.ofEpochSecond(1));
        assertThat(row.missing("none")).isTrue();
        assertThat(row.missing("absent")).isTrue();
        assertThat(row.missing("flag")).isFalse();
        assertThat(row.names()).containsExactly("number", "integer", "flag", "text", "time", "none");
    }

    @Test
    void anotherTypeIsRefusedWithTheFoundValue() {
        assertThatThrownBy(() -> row.number("text"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("column \"text\" of a row is not a number: it is MAY (String); the row has the columns"
                        + " number, integer, flag, text, time, none");
        assertThatThrownBy(() -> row.integer("number")).hasMessageContaining("is not an integer: it is 1.5 (Double)");
        assertThatThrownBy(() -> row.text("none")).hasMessageContaining("is not text: it is missing");
        assertThatThrownBy(() -> row.time("absent")).hasMessageContaining("is not a time: it is missing");
        assertThatThrownBy(() -> row.bool("integer")).hasMessageContaining("is not a boolean: it is 3 (Long)");
    }

    @Test
    void aRowThatCannotBeIsRefused() {
        assertThatThrownBy(() -> Row.of("a"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a row needs a value after each name, found 1 arguments");
        assertThatThrownBy(() -> Row.of(1, 2)).hasMessage("argument 0 of a row must be a column's name, found 1");
        assertThatThrownBy(() -> Row.of("a", 1, "a", 2)).hasMessage("column \"a\" appears twice in a row");
        assertThatThrownBy(() -> Row.of("a", new UUID(0, 0)))
                .hasMessage("column \"a\" of a row has a value of type java.util.UUID; supported are Double, Float,"
                        + " Long, Integer, Short, Byte, Boolean, String, enums, Instant, LocalDateTime, LocalDate,"
                        + " float[] and null");
    }

    @Test
    void namesCannotBeTakenAway() {
        assertThatThrownBy(() -> row.names().clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void equalContentIsEqualInAnyOrder() {
        assertThat(Row.of("a", 1, "b", "x"))
                .isEqualTo(Row.of("b", "x", "a", 1L))
                .hasSameHashCodeAs(Row.of("b", "x", "a", 1L));
        assertThat(Row.of("a", 1)).isNotEqualTo(Row.of("a", 1.0)).hasToString("{a=1}");
        assertThat(Row.of("a", Double.NaN)).isEqualTo(Row.of("a", null));
    }

    @Test
    void survivesSerialization() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        RowType<Row> type = Row.type(RandomRows.SCHEMA);
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(row);
            out.writeObject(type);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(row);
            assertThat(in.readObject()).isEqualTo(type);
        }
    }

    @Test
    void aNumberColumnTakesIntegersToo() {
        Schema schema = Schema.of(new Column("n", ColumnType.NUMBER, true));
        assertThat(DatasetTest.read(DatasetTest.write(directory, schema, List.of(Row.of("n", 3)))))
                .containsExactly(Row.of("n", 3.0));
    }

    @Test
    void aValueOfAnotherTypeThanItsColumnIsRefused() {
        Schema schema = Schema.of(new Column("n", ColumnType.INTEGER, true));
        assertThatThrownBy(() -> DatasetTest.write(directory, schema, List.of(Row.of("n", 1.5))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("column \"n\" is INTEGER and cannot take the row's value 1.5 (Double)");
    }

    @Test
    void aNameThatIsNotInTheSchemaIsRefused() {
        Schema schema = Schema.of(new Column("distance", ColumnType.NUMBER, true));
        assertThatThrownBy(() -> DatasetTest.write(directory, schema, List.of(Row.of("distanse", 1.5))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a row has a column \"distanse\" that is not one of [distance:number?]");
    }
}
