package dev.flywheel.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.DataException;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("ArrayRecordComponent") // what the library asks for
class VectorColumnTest {

    private static final int LENGTH = 784;

    record Item(
            long id,
            @Length(LENGTH) float @Nullable [] pixels,
            @Nullable String name) {}

    record Bare(float[] pixels) {}

    record Empty(@Length(0) float[] pixels) {}

    record Odd(@Length(3) double pixels) {}

    @Test
    void anInfinityIsFoundAtEveryPlaceAndNothingElse() {
        for (int length = 0; length < 13; length++) {
            for (int place = 0; place < length; place++) {
                float[] vector = new float[length];
                Arrays.fill(vector, -Float.MAX_VALUE);
                assertThat(Vectors.infinite(vector)).isFalse();
                vector[place] = Float.NaN;
                assertThat(Vectors.infinite(vector)).as("missing").isFalse();
                vector[length - 1 - place] = place % 2 == 0 ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY;
                assertThat(Vectors.infinite(vector)).isTrue();
            }
        }
    }

    private static final float[] NONE = new float[LENGTH];

    static {
        Arrays.fill(NONE, Float.NaN);
    }

    private static final RecordType<Item> ITEMS = RecordType.of(Item.class);

    @TempDir
    Path directory;

    private static List<Item> items(int count) {
        Random random = new Random(7);
        List<Item> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            float[] pixels = new float[LENGTH];
            for (int p = 0; p < LENGTH; p++) {
                pixels[p] = random.nextInt(50) == 0 ? Float.NaN : random.nextFloat();
            }
            items.add(new Item(i, i % 7 == 3 ? null : pixels, "item " + i));
        }
        return items;
    }

    private Dataset write(List<Item> items) {
        try (Dataset.Writer writer = Dataset.writer(directory, ITEMS.schema())) {
            for (Item item : items) {
                ITEMS.write(item, writer);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    @Test
    void aComponentIsAColumnOfItsLength() {
        assertThat(ITEMS.schema().column(1)).isEqualTo(Column.vector("pixels", LENGTH));
        assertThat(ITEMS.schema()).hasToString("[id:integer, pixels:vector(784)?, name:text?]");
        assertThat(new Column("a", ColumnType.TEXT, true)).isEqualTo(new Column("a", ColumnType.TEXT, true, 0));
    }

    @Test
    void recordsComeBackAsTheyWereOverSeveralBatches() {
        List<Item> items = items(3_000);
        Dataset dataset = Dataset.open(write(items).file());

        assertThat(dataset.schema()).isEqualTo(ITEMS.schema());
        int at = 0;
        int batches = 0;
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                batches++;
                for (int row = 0; row < batch.rows(); row++, at++) {
                    Item item = ITEMS.read(batch.row(row));
                    assertThat(item.pixels).isEqualTo(items.get(at).pixels);
                    assertThat(item.name).isEqualTo(items.get(at).name);
                }
            }
        }
        assertThat(at).isEqualTo(3_000);
        assertThat(batches).isEqualTo(2); // of at most 8 MiB of vectors
        dataset.verify();
    }

    @Test
    void manyRowsAtOnceAreTheRowsOneByOneAndNanWhereOneIsMissing() {
        List<Item> items = items(40);
        FloatBuffer target = ByteBuffer.allocateDirect(4 * 31 * LENGTH)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
        target.position(LENGTH);
        try (Scan scan = write(items).scan()) {
            Batch batch = scan.next();
            assertThat(batch).isNotNull();
            batch.vectors(1, 5, 30, target);

            assertThat(target.position()).isEqualTo(31 * LENGTH);
            for (int row = 0; row < 30; row++) {
                float[] expected = items.get(5 + row).pixels;
                float[] found = new float[LENGTH];
                target.get((1 + row) * LENGTH, found);
                assertThat(found).isEqualTo(expected == null ? NONE : expected);
            }
            assertThatExceptionOfType(BufferOverflowException.class).isThrownBy(() -> batch.vectors(1, 0, 30, target));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> batch.vectors(1, 11, 30, target));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.number(1, 0))
                    .withMessage("column \"pixels\" is VECTOR and cannot be read as number: read it as vector");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.vector(0, 0))
                    .withMessage("column \"id\" is INTEGER and cannot be read as vector: read it as integer or number");
        }
    }

    @Test
    void equalContentIsTheSameFileWhateverWasWrittenThereBefore() {
        Schema schema = Schema.of(Column.vector("v", 2));
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            writer.vector(0, new float[] {1, 2});
            writer.missing(0);
            writer.endRow();
            writer.vector(0, new float[] {3, 4});
            writer.endRow();
            Dataset dataset = writer.finish();

            try (Dataset.Writer plain = Dataset.writer(directory, schema)) {
                plain.endRow();
                plain.vector(0, new float[] {3, 4});
                plain.endRow();
                assertThat(plain.finish()).isEqualTo(dataset);
            }
            // on disk for ever
            assertThat(dataset.hash()).isEqualTo("eb8c390e3095ce002f9a65352750970c98532b0c420bd0f12f940f4160fcf182");
        }
    }

    @Test
    void rowsHoldVectorsByValue() {
        float[] values = {1, 2};
        Row row = Row.of("v", values);
        values[0] = 5;
        row.vector("v")[1] = 7;

        assertThat(row.vector("v")).containsExactly(1, 2);
        assertThat(row).isEqualTo(Row.of("v", new float[] {1, 2})).hasSameHashCodeAs(Row.of("v", new float[] {1, 2}));
        assertThat(row).isNotEqualTo(Row.of("v", new float[] {1, 3})).hasToString("{v=[1.0, 2.0]}");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Row.of("v", 1).vector("v"))
                .withMessage("column \"v\" of a row is not a vector: it is 1 (Long); the row has the columns v");
    }

    @Test
    void aWrongLengthIsRefusedWhereverItIsWritten() {
        try (Dataset.Writer writer = Dataset.writer(directory, ITEMS.schema())) {
            assertThatExceptionOfType(DataException.class)
                    .isThrownBy(() -> ITEMS.write(new Item(1, new float[100], ""), writer))
                    .withMessage("the vector of column \"pixels\" cannot be used: it has 100 floats, expected 784. Fix:"
                            + " give every row a vector of the column's length, or null where it is missing.");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> writer.vector(0, new float[LENGTH]))
                    .withMessage("column \"id\" is INTEGER and cannot take a value of type VECTOR");
        }
    }

    @Test
    void aVectorNeedsALengthAndNothingElseHasOne() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordType.of(Bare.class))
                .withMessage("record " + Bare.class.getName() + " has a component \"pixels\" of type float[]: say how"
                        + " many floats every row has, as in @Length(784) float[] pixels");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordType.of(Empty.class))
                .withMessage("record " + Empty.class.getName() + " has a component \"pixels\" of type float[] with"
                        + " @Length(0): say how many floats every row has, as in @Length(784) float[] pixels");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordType.of(Odd.class))
                .withMessage("record " + Odd.class.getName() + " has a component \"pixels\" of type double with"
                        + " @Length(3), which only a float[] has");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Column("v", ColumnType.VECTOR, true))
                .withMessage("column \"v\" is a vector and needs a length of 1 to 16777216, found 0: make it with"
                        + " Column.vector(name, length)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Column("n", ColumnType.NUMBER, true, 3))
                .withMessage("column \"n\" is NUMBER and has no length, found 3");
    }
}
