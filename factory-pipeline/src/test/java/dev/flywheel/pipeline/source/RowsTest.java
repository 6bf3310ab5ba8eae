package dev.flywheel.pipeline.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Length;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.check.Check;
import dev.flywheel.pipeline.source.Rows.Example;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("ArrayRecordComponent") // what the library asks for
class RowsTest {

    record Item(double price, @Length(2) float @Nullable [] pixels) {}

    record Image(@Length(4) float[] pixels) {}

    private static final Target<Boolean> SOLD = Target.isTrue("sold");
    private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

    @TempDir
    Path directory;

    private static Example<Item, Boolean> example(double price, @Nullable Boolean label, float @Nullable ... pixels) {
        return Example.of(new Item(price, pixels), label);
    }

    private <I> Ingested<I> ingest(Source<I, ?> source, Check... checks) {
        return source.ingest(Ingestion.into(directory).checks(List.of(checks)));
    }

    private static List<Row> rows(Dataset dataset) {
        List<Row> rows = new ArrayList<>();
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    rows.add(Row.type(dataset.schema()).read(batch.row(row)));
                }
            }
        }
        return rows;
    }

    @Test
    void examplesBecomeADatasetAndBadOnesGoToQuarantine() throws IOException {
        Source<Item, Boolean> source = Rows.of(
                "items of May",
                Item.class,
                SOLD,
                () -> Stream.of(
                        example(1, true, 1, 2),
                        example(2, false, (float[]) null),
                        example(Double.NaN, true, 1, 2),
                        example(1e39, true, 1, 2),
                        example(1, true, 1, Float.NEGATIVE_INFINITY),
                        example(1, true, 1, 2, 3),
                        example(1, null, 1, 2),
                        example(-1, true, 1, 2),
                        example(3, false, 5, Float.NaN),
                        example(4, true, 5, 6),
                        example(5, true, 5, 6),
                        example(6, true, 5, 6)));

        Ingested<Item> ingested = ingest(source, Check.column("price").between(0, 10));

        assertThat(rows(ingested.dataset()).subList(0, 3))
                .containsExactly(
                        Row.of("price", 1.0, "pixels", new float[] {1, 2}, "$label", 1.0),
                        Row.of("price", 2.0, "pixels", null, "$label", 0.0),
                        Row.of("price", 3.0, "pixels", new float[] {5, Float.NaN}, "$label", 0.0));
        assertThat(ingested.report().rowsRead()).isEqualTo(12);
        assertThat(ingested.report().quarantined())
                .containsOnlyKeys(
                        "price: expected a value",
                        "price: expected a number that a float holds, up to 3.4e38",
                        "pixels: expected a number that a float holds, up to 3.4e38",
                        "expected values that fit the columns",
                        "sold: expected a label",
                        "price: expected between 0 and 10");
        assertThat(Files.readAllLines(ingested.report().quarantineFile()))
                .hasSize(6)
                .first()
                .asString()
                .startsWith("{\"file\":\"items of May\",\"line\":3,\"column\":\"price\",");
        assertThat(ingested.type())
                .isEqualTo(source.type(
                        dev.flywheel.core.data.RecordType.of(Item.class).schema()));
    }

    @Test
    void timesAndIdsAreKeptAndAnIdTwiceIsRefused() {
        Schema columns = Schema.of(new Column("x", ColumnType.INTEGER, true));
        Source<Row, Double> source = Rows.of(
                "x",
                columns,
                Target.number("y"),
                () -> Stream.of(
                        new Example<>(Row.of("x", 1), 1.5, NOON, "a"),
                        new Example<>(Row.of("x", 2), 2.5, NOON.plusSeconds(1), "b"),
                        new Example<>(Row.of("x", 3), 2.5, NOON, "c"),
                        new Example<>(Row.of("x", 4), 2.5, NOON, "b"),
                        new Example<>(Row.of("x", 5), 2.5, null, "d"),
                        new Example<>(Row.of("x", "no number"), 2.5, NOON, "e"),
                        new Example<>(Row.of("x", 6), 2.5, NOON, "f")));

        Ingested<Row> ingested = ingest(source);

        assertThat(rows(ingested.dataset()))
                .contains(
                        Row.of("x", 1, "$label", 1.5, "$time", NOON, "$id", "a"),
                        Row.of("x", 6, "$label", 2.5, "$time", NOON, "$id", "f"));
        assertThat(ingested.report().quarantined())
                .containsOnlyKeys(
                        "$id: expected an id that no row before has",
                        "expected a time and an id as the first example has it",
                        "expected values that fit the columns");
    }

    @Test
    void sourcesThatReadTheSameAreDescribedAlike() throws Exception {
        Source<Item, Boolean> source = Rows.of("items", Item.class, SOLD, () -> Stream.of(example(1, true, 1, 2)));
        assertThat(source.describe())
                .isEqualTo("rows items as " + Item.class.getName()
                        + " [price:number, pixels:vector(2)?], target sold is true");

        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(source);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            Source<?, ?> copy = (Source<?, ?>) in.readObject();
            assertThat(copy.describe()).isEqualTo(source.describe());
            assertThat(ingest(copy).dataset()).isEqualTo(ingest(source).dataset());
        }
    }

    @Test
    void whatCannotBeUsedSaysWhy() {
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> ingest(Rows.of("none", Item.class, SOLD, Stream::empty)))
                .withMessage("none cannot be used: there is no example. Fix: give some examples.");
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> ingest(Rows.of("torn", Item.class, SOLD, () -> {
                    throw new IOException("no route");
                })))
                .withMessage("torn cannot be read: java.io.IOException: no route. Fix: mend what gives the examples.");
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> ingest(Rows.of("bad", Item.class, SOLD, () -> Stream.of(example(1, null)))))
                .withMessageStartingWith("bad cannot be used: 1 of 1 rows were refused, most often for expected values"
                        + " that fit the columns (1 times, first in line 1 of bad:");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Rows.of(" ", Item.class, SOLD, Stream::empty))
                .withMessage("Rows.of needs a name for the examples, found \" \"");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Csv.files("a.csv").examples(Item.class, SOLD))
                .withMessage("record " + Item.class.getName() + " has a component \"pixels\" of type float[], which no"
                        + " cell of a CSV file holds: read the files yourself and give the records to Rows.of");
    }

    private Path idx(String name, boolean packed, int magic, int[] sizes, int... values) throws IOException {
        Path file = directory.resolve(name);
        try (OutputStream plain = Files.newOutputStream(file);
                DataOutputStream out = new DataOutputStream(packed ? new GZIPOutputStream(plain) : plain)) {
            out.writeInt(magic);
            for (int size : sizes) {
                out.writeInt(size);
            }
            for (int value : values) {
                out.writeByte(value);
            }
        }
        return file;
    }

    @Test
    void imagesOfIdxFilesAreExamples() throws IOException {
        Path images = idx("images", true, 0x803, new int[] {3, 2, 2}, 0, 255, 51, 0, 1, 2, 3, 4, 255, 255, 255, 255);
        Path labels = idx("labels", false, 0x801, new int[] {3}, 0, 1, 1);

        Source<Image, Boolean> source = Idx.images(images, labels, Image.class, SOLD);

        assertThat(rows(ingest(source).dataset()))
                .containsExactly(
                        Row.of("pixels", new float[] {0, 1, 0.2f, 0}, "$label", 0.0),
                        Row.of("pixels", new float[] {1 / 255f, 2 / 255f, 3 / 255f, 4 / 255f}, "$label", 1.0),
                        Row.of("pixels", new float[] {1, 1, 1, 1}, "$label", 1.0));
        assertThat(source.describe())
                .isEqualTo("rows IDX " + images + ", labels " + labels + " as " + Image.class.getName()
                        + " [pixels:vector(4)?], target sold is true");
        assertThat(Idx.read(labels).value(2)).isEqualTo(1);
    }

    @Test
    void damagedIdxFilesAreRefused() throws IOException {
        Path images = idx("images", true, 0x803, new int[] {1, 2, 2}, 0, 255, 51, 0);
        Path two = idx("two", false, 0x801, new int[] {2}, 0, 1);
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> ingest(Idx.images(images, two, Image.class, SOLD)))
                .withMessage(images + " and " + two + " do not belong together: they hold 1 images and 2 labels of 1"
                        + " bytes. Fix: give the labels of these images.");
        assertUnusable(
                directory.resolve("none"), "there is no such file (looked for " + directory.resolve("none") + ")");
        assertUnusable(
                idx("floats", false, 0xD01, new int[] {1}, 0, 0, 0, 0),
                "it begins with 00000d01, expected" + " 000008 and the dimensions");
        assertUnusable(idx("short", false, 0x801, new int[] {3}, 0, 1), "it announces 3 bytes and has only 2");
        assertUnusable(idx("long", false, 0x801, new int[] {1}, 0, 1), "it announces 1 bytes and has more");
        assertUnusable(
                idx("huge", false, 0x804, new int[] {1 << 30, 1 << 30, 1 << 30, -5}),
                "it announces a size that no file has");
        assertUnusable(idx("torn", false, 0x803, new int[] {3}), "it ends too early");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Idx.images(images, two, Item.class, SOLD))
                .withMessage("record " + Item.class.getName() + " cannot be an image: it needs one component, as in"
                        + " (@Length(784) float[] pixels), and has [price:number, pixels:vector(2)?]");
    }

    private static void assertUnusable(Path file, String why) {
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> Idx.read(file))
                .withMessage(
                        file + " cannot be used: " + why + ". Fix: give an IDX file of unsigned bytes, plain or gzip.");
    }
}
