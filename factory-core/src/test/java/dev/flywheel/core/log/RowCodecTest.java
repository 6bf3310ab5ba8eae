package dev.flywheel.core.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowCodecTest {

    private static final Schema SCHEMA = Schema.of(
            new Column("distance", ColumnType.NUMBER, true),
            new Column("late", ColumnType.BOOLEAN, true),
            new Column("origin", ColumnType.TEXT, true),
            new Column("stops", ColumnType.INTEGER, true),
            new Column("departure", ColumnType.TIME, true),
            new Column("remark", ColumnType.TEXT, true));

    private static final RowType<Row> TYPE = Row.type(SCHEMA);

    private final RowEncoder encoder = new RowEncoder(SCHEMA);
    private final RowDecoder decoder = new RowDecoder(SCHEMA);

    @Test
    void readsBackEveryRowAsItWas() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2_000; i++) {
            Row row = row(random);
            assertThat(TYPE.read(decoder.read(encode(row))))
                    .as("seed %d, row %d", seed, i)
                    .isEqualTo(row);
        }
    }

    @Test
    void columnsMayBeWrittenInAnyOrderAndTakenBack() {
        encoder.clear();
        encoder.text(5, "late");
        encoder.integer(3, Long.MIN_VALUE);
        encoder.text(2, "LAX");
        encoder.number(0, -0.0);
        encoder.missing(5);

        decoder.read(encoder.row());

        assertThat(decoder.missing(5)).isTrue();
        assertThat(decoder.missing(1)).isTrue();
        assertThat(decoder.text(2)).isEqualTo("LAX");
        assertThat(decoder.integer(3)).isEqualTo(Long.MIN_VALUE);
        assertThat(decoder.number(3)).isEqualTo(-0x1p63);
        assertThat(decoder.number(0)).isEqualTo(-0.0);
    }

    @Test
    void readsFromTheMiddleOfALargerBuffer() {
        ByteBuffer row = encode(Row.of("origin", "LAX", "late", true));
        ByteBuffer larger = ByteBuffer.allocate(row.remaining() + 20);
        larger.position(7);
        larger.put(row);
        larger.flip().position(7);

        decoder.read(larger.asReadOnlyBuffer());

        assertThat(decoder.text(2)).isEqualTo("LAX");
        assertThat(decoder.bool(1)).isTrue();
        assertThat(decoder.number(1)).isEqualTo(1);
        assertThat(larger.position()).isEqualTo(7);
    }

    @Test
    void aLongRowDoesNotKeepItsMemory() {
        encode(Row.of("remark", "x".repeat(3 << 20)));
        assertThat(decoder.read(encoder.row()).text(5)).hasSize(3 << 20);

        assertThat(encode(Row.of("remark", "short")).remaining()).isEqualTo(8 + 1 + 5 * 8 + 1 + 5);
    }

    @Test
    void vectorsComeBackBitForBitAmongOtherValues() {
        Schema schema = Schema.of(
                new Column("a", ColumnType.BOOLEAN, true),
                Column.vector("v", 4),
                new Column("t", ColumnType.TEXT, true),
                Column.vector("w", 300_000));
        RowType<Row> type = Row.type(schema);
        RowEncoder to = new RowEncoder(schema);
        float[] wide = new float[300_000];
        wide[299_999] = -1;
        for (Row row : List.of(
                Row.of("a", true, "v", new float[] {Float.NaN, -0f, Float.MIN_VALUE, 3}, "t", "x", "w", wide),
                Row.of("a", null, "v", null, "t", "y", "w", null),
                Row.of("a", false, "v", new float[4], "t", null, "w", null))) {
            to.clear();
            type.write(row, to);
            assertThat(type.read(new RowDecoder(schema).read(to.row()))).isEqualTo(row);
        }
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> to.vector(1, new float[5]))
                .withMessage(
                        "the vector of column \"v\" cannot be used: it has 5 floats, expected 4. Fix: give every row"
                                + " a vector of the column's length, or null where it is missing.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> to.vector(0, new float[4]))
                .withMessage("column \"a\" is BOOLEAN, not VECTOR");
    }

    @Test
    void refusesARowOfAnotherSchemaAndTellsBothHashes() {
        RowDecoder other = new RowDecoder(Schema.of(new Column("distance", ColumnType.INTEGER, true)));
        ByteBuffer row = encode(Row.of("distance", 1.0));

        assertThat(other.fits(row)).isFalse();
        assertThat(decoder.fits(row)).isTrue();
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> other.read(row))
                .withMessageMatching("reading a logged row: it was written with a schema of hash [0-9a-f]+, expected"
                        + " [0-9a-f]+, which is \\[distance:integer\\?\\]\\. Fix: read it with the row type that wrote"
                        + " it, or skip it: RowDecoder.fits tells\\.");
    }

    @Test
    void schemasThatDifferInAnythingDifferInHash() {
        Column column = new Column("a", ColumnType.NUMBER, true);
        assertThat(hash(column)).isNotEqualTo(hash(new Column("b", ColumnType.NUMBER, true)));
        assertThat(hash(column)).isNotEqualTo(hash(new Column("a", ColumnType.TIME, true)));
        assertThat(hash(column)).isNotEqualTo(hash(new Column("a", ColumnType.NUMBER, false)));
        assertThat(hash(Column.vector("a", 2))).isNotEqualTo(hash(Column.vector("a", 3)));
        // on disk for ever
        assertThat(hash(column)).isEqualTo(-8361044601524561471L);
    }

    @Test
    void garbageIsRefusedAndCostsNoMemory() {
        Random random = new Random(5);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(120)];
            random.nextBytes(bytes);
            if (bytes.length >= 8) {
                ByteBuffer.wrap(bytes).putLong(new RowLayout(SCHEMA).hash());
            }
            try {
                decoder.read(ByteBuffer.wrap(bytes));
                for (int column = 0; column < SCHEMA.size(); column++) {
                    if (SCHEMA.column(column).type() == ColumnType.TEXT && !decoder.missing(column)) {
                        assertThat(decoder.text(column)).hasSizeLessThanOrEqualTo(bytes.length);
                    }
                }
            } catch (DataException e) {
                assertThat(e).hasMessageStartingWith("reading a logged row: ");
            }
        }
    }

    @Test
    void refusesATextOutsideOfTheRow() {
        ByteBuffer row = encode(Row.of("origin", "LAX"));
        int slot = new RowLayout(SCHEMA).offset(2, ColumnType.TEXT);
        row.putInt(slot + 4, Integer.MAX_VALUE);

        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> decoder.read(row))
                .withMessage(
                        "reading a logged row: the text of column \"origin\" is at 50 with 2147483647 bytes, outside"
                                + " of a row of 53 bytes. Fix: restore the log from a backup.");
    }

    @Test
    void refusesTheWrongAccessor() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> encoder.integer(0, 1))
                .withMessage("column \"distance\" is NUMBER, not INTEGER");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> decoder.read(encode(Row.of("origin", "LAX"))).number(2))
                .withMessage("column \"origin\" is TEXT, not NUMBER");
    }

    private ByteBuffer encode(Row row) {
        encoder.clear();
        TYPE.write(row, encoder);
        return encoder.row();
    }

    private static long hash(Column column) {
        return new RowLayout(Schema.of(column)).hash();
    }

    private static Row row(Random random) {
        String[] texts = {"", "LAX", "Köln", "漢字", "😀 ", "x".repeat(random.nextInt(400))};
        Row row = Row.of(
                "distance", random.nextInt(4) == 0 ? null : (Object) random.nextGaussian(),
                "late", random.nextInt(4) == 0 ? null : (Object) random.nextBoolean(),
                "origin", random.nextInt(4) == 0 ? null : texts[random.nextInt(6)],
                "stops", random.nextInt(4) == 0 ? null : (Object) random.nextLong(),
                "departure", random.nextInt(4) == 0 ? null : Instant.EPOCH.plusSeconds(random.nextInt()),
                "remark", random.nextInt(4) == 0 ? null : texts[random.nextInt(6)]);
        return row;
    }
}
