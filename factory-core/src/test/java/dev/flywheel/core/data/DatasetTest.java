package dev.flywheel.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DataException;
import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetTest {

    @TempDir
    Path directory;

    static Dataset write(Path directory, Schema schema, List<Row> rows) {
        RowType<Row> type = Row.type(schema);
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            for (Row row : rows) {
                type.write(row, writer);
                writer.endRow();
            }
            return writer.finish();
        }
    }

    static List<Row> read(Dataset dataset) {
        RowType<Row> type = Row.type(dataset.schema());
        List<Row> rows = new ArrayList<>();
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++) {
                    rows.add(type.read(batch.row(i)));
                }
            }
        }
        return rows;
    }

    static Batch next(Scan scan) {
        return Objects.requireNonNull(scan.next(), "no further batch");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 63, 64, 65, 8_191, 8_192, 8_193, 100_000})
    void randomRowsComeBackAsTheyWere(int count) {
        long seed = RandomRows.seed();
        List<Row> rows = RandomRows.of(count, new Random(seed));

        Dataset dataset = write(directory, RandomRows.SCHEMA, rows);

        assertThat(dataset.rows()).isEqualTo(count);
        assertThat(dataset.schema()).isEqualTo(RandomRows.SCHEMA);
        assertThat(read(dataset)).as("-Dtests.seed=" + seed).isEqualTo(rows);
        assertThat(read(Dataset.open(dataset.file())))
                .as("-Dtests.seed=" + seed)
                .isEqualTo(rows);
    }

    @ParameterizedTest
    @EnumSource(ColumnType.class)
    void missingValuesStayMissingWhereverTheyStand(ColumnType type) {
        Object value = switch (type) {
            case NUMBER -> 1.5;
            case INTEGER -> -3L;
            case BOOLEAN -> true;
            case TEXT -> "x";
            case TIME -> Instant.parse("1969-12-31T23:59:59.999999Z");
            case VECTOR -> new float[] {1.5f, -0f, Float.NaN};
        };
        Schema schema = Schema.of(new Column("c", type, true, type == ColumnType.VECTOR ? 3 : 0));
        List<Row> all = new ArrayList<>(Collections.nCopies(100, Row.of("c", value)));
        List<Row> none = Collections.nCopies(100, Row.of("c", null));
        List<Row> ends = new ArrayList<>(all);
        ends.set(0, Row.of("c", null));
        ends.set(99, Row.of("c", null));

        for (List<Row> rows : List.of(all, none, ends)) {
            assertThat(read(write(directory, schema, rows))).isEqualTo(rows);
        }
    }

    @Test
    void anEmptyDatasetHasItsSchemaAndNoBatch() {
        Dataset dataset = write(directory, RandomRows.SCHEMA, List.of());

        assertThat(dataset.rows()).isZero();
        try (Scan scan = Dataset.open(dataset.file()).scan()) {
            assertThat(scan.next()).isNull();
            assertThat(scan.next()).isNull();
        }
    }

    @Test
    void theNameIsTheHashOfTheBytes() throws Exception {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(10_000, new Random(1)));

        byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(dataset.file()));
        assertThat(dataset.hash()).isEqualTo(HexFormat.of().formatHex(digest));
        assertThat(dataset.file()).isEqualTo(directory.resolve(dataset.hash() + ".arrow"));
        dataset.verify();
    }

    @Test
    void equalContentIsTheSameFileAndOtherContentIsNot() throws IOException {
        Dataset first = write(directory, RandomRows.SCHEMA, RandomRows.of(20_000, new Random(1)));
        Dataset again = write(directory, RandomRows.SCHEMA, RandomRows.of(20_000, new Random(1)));
        Dataset elsewhere =
                write(directory.resolve("deep/er"), RandomRows.SCHEMA, RandomRows.of(20_000, new Random(1)));
        Dataset other = write(directory, RandomRows.SCHEMA, RandomRows.of(20_000, new Random(2)));

        assertThat(again).isEqualTo(first).hasSameHashCodeAs(first);
        assertThat(elsewhere.hash()).isEqualTo(first.hash());
        assertThat(other).isNotEqualTo(first);
        try (var files = Files.list(directory)) {
            assertThat(files.filter(Files::isRegularFile)).containsExactlyInAnyOrder(first.file(), other.file());
        }
    }

    @Test
    void theFormatOnDiskDoesNotChangeUnnoticed() {
        Schema schema = RandomRows.SCHEMA;
        Dataset dataset = write(
                directory,
                schema,
                List.of(
                        Row.of(
                                "number",
                                1.5,
                                "integer",
                                7,
                                "flag",
                                true,
                                "text",
                                "Köln",
                                "time",
                                Instant.EPOCH,
                                "always",
                                1),
                        Row.of("always", 2)));

        assertThat(dataset.hash()).isEqualTo("6a84bb7fb6515f141efebab7c1972a6c55d92beea3cc99d301d55801f1439932");
    }

    @Test
    void whatWasWrittenBeforeARewriteOfTheSameCellDoesNotShow() {
        Schema schema = Schema.of(
                new Column("text", ColumnType.TEXT, true),
                new Column("flag", ColumnType.BOOLEAN, true),
                new Column("number", ColumnType.NUMBER, true));
        Dataset rewritten;
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            writer.text(0, "a long first text");
            writer.text(0, "b");
            writer.bool(1, true);
            writer.bool(1, false);
            writer.number(2, 1);
            writer.missing(2);
            writer.endRow();
            writer.text(0, "dropped");
            writer.bool(1, true);
            writer.dropRow();
            writer.endRow();
            rewritten = writer.finish();
        }

        assertThat(rewritten.hash())
                .isEqualTo(write(directory, schema, List.of(Row.of("text", "b", "flag", false), Row.of()))
                        .hash());
    }

    @Test
    void nanIsWrittenAsMissing() {
        Schema schema = Schema.of(new Column("n", ColumnType.NUMBER, true));
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            writer.number(0, Double.NaN);
            writer.endRow();
            assertThat(read(writer.finish())).containsExactly(Row.of("n", null));
        }
    }

    @Test
    void aMissingValueInAColumnThatIsNotNullableIsRefusedAndTheRowDropped() {
        Schema schema = Schema.of(new Column("a", ColumnType.TEXT, true), new Column("b", ColumnType.NUMBER, false));
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            writer.number(1, 1);
            writer.endRow();
            writer.text(0, "lost");
            assertThatThrownBy(writer::endRow)
                    .isInstanceOf(DataException.class)
                    .hasMessage("row 1 of a dataset cannot be written: column \"b\" (NUMBER) has no value and is not"
                            + " nullable. Fix: give it a value, or declare it nullable (in a record: a boxed type"
                            + " instead of a primitive).");
            writer.number(1, 2);
            writer.endRow();
            assertThat(read(writer.finish())).containsExactly(Row.of("a", null, "b", 1.0), Row.of("a", null, "b", 2.0));
        }
    }

    @Test
    void bulkReadsAgreeWithSingleOnes() {
        List<Row> rows = RandomRows.of(9_000, new Random(3));
        Dataset dataset = write(directory, RandomRows.SCHEMA, rows);
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                float[] matrix = new float[3 * batch.rows() + 1];
                for (int c = 0; c < 3; c++) {
                    batch.numbers(c, matrix, 1 + c, 3);
                }
                for (int r = 0; r < batch.rows(); r++) {
                    for (int c = 0; c < 3; c++) {
                        Float expected = batch.missing(c, r) ? Float.NaN : (float) batch.number(c, r);
                        assertThat(matrix[1 + 3 * r + c]).isEqualTo(expected);
                    }
                }
            }
        }
    }

    @Test
    void aBulkReadIntoTooSmallAnArrayIsRefused() {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(10, new Random(3)));
        try (Scan scan = dataset.scan()) {
            Batch batch = next(scan);
            assertThatThrownBy(() -> batch.numbers(0, new float[18], 0, 2))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("10 rows of column \"number\" at offset 0 and stride 2 do not fit a float[18]");
            batch.numbers(0, new float[19], 0, 2);
        }
    }

    @Test
    void readingAsAnotherTypeIsRefused() {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(1, new Random(3)));
        try (Scan scan = dataset.scan()) {
            Batch batch = next(scan);
            assertThatThrownBy(() -> batch.number(3, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("column \"text\" is TEXT and cannot be read as number: read it as text");
            assertThatThrownBy(() -> batch.text(0, 0))
                    .hasMessage("column \"number\" is NUMBER and cannot be read as text: read it as number");
            assertThatThrownBy(() -> batch.integer(0, 0))
                    .hasMessage("column \"number\" is NUMBER and cannot be read as integer: read it as number");
            assertThatThrownBy(() -> batch.bool(1, 0))
                    .hasMessage(
                            "column \"integer\" is INTEGER and cannot be read as bool: read it as integer or number");
            assertThatThrownBy(() -> batch.time(2, 0))
                    .hasMessage("column \"flag\" is BOOLEAN and cannot be read as time: read it as bool or number");
            assertThatThrownBy(() -> batch.numbers(4, new float[1], 0, 1))
                    .hasMessage("column \"time\" is TIME and cannot be read as numbers: read it as time");
            assertThatThrownBy(() -> batch.row(0).number(3))
                    .hasMessage("column \"text\" is TEXT and cannot be read as number: read it as text");
            assertThatThrownBy(() -> batch.number(0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> batch.row(1)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void writingAnotherTypeIsRefused() {
        try (Dataset.Writer writer = Dataset.writer(directory, RandomRows.SCHEMA)) {
            assertThatThrownBy(() -> writer.text(0, "x"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("column \"number\" is NUMBER and cannot take a value of type TEXT");
            assertThatThrownBy(() -> writer.time(1, 1))
                    .hasMessage("column \"integer\" is INTEGER and cannot take a value of type TIME");
            assertThatThrownBy(() -> writer.number(2, 1))
                    .hasMessage("column \"flag\" is BOOLEAN and cannot take a value of type NUMBER");
            assertThatThrownBy(() -> writer.bool(3, true))
                    .hasMessage("column \"text\" is TEXT and cannot take a value of type BOOLEAN");
        }
    }

    @Test
    void textThatUtf8CannotHoldIsRefused() {
        Schema schema = Schema.of(new Column("t", ColumnType.TEXT, false));
        try (Dataset.Writer writer = Dataset.writer(directory, schema)) {
            assertThatThrownBy(() -> writer.text(0, "ab\uD83D!"))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("its character 2 is half of a surrogate pair");
        }
    }

    @Test
    void largeTextsEndABatchEarly() {
        Schema schema = Schema.of(new Column("t", ColumnType.TEXT, false));
        String large = "x".repeat(40 << 20);
        Dataset dataset = write(directory, schema, List.of(Row.of("t", large), Row.of("t", large), Row.of("t", "y")));

        try (Scan scan = dataset.scan()) {
            Batch first = next(scan);
            assertThat(first.rows()).isEqualTo(2);
            assertThat(first.text(0, 1)).isEqualTo(large);
            assertThat(next(scan).text(0, 0)).isEqualTo("y");
        }
    }

    @Test
    void aWideSchemaIsCutIntoSmallerBatches() {
        int width = 3_000;
        Column[] columns = new Column[width];
        Arrays.setAll(columns, i -> new Column("c" + i, ColumnType.NUMBER, true));
        Dataset dataset;
        try (Dataset.Writer writer = Dataset.writer(directory, Schema.of(columns))) {
            for (int row = 0; row < 3_000; row++) {
                writer.number(row % width, row);
                writer.endRow();
            }
            dataset = writer.finish();
        }
        int row = 0;
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                assertThat(batch.rows()).isLessThan(3_000);
                for (int r = 0; r < batch.rows(); r++, row++) {
                    assertThat(batch.number(row, r)).isEqualTo(row);
                }
            }
        }
        assertThat(row).isEqualTo(3_000);
    }

    @Test
    void rowsAreCopiedFromOneDatasetToAnother() {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(9_000, new Random(3)));
        try (Scan scan = dataset.scan();
                Dataset.Writer writer = Dataset.writer(directory, dataset.schema())) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++) {
                    batch.row(i).copyTo(writer);
                    writer.endRow();
                }
            }
            assertThat(writer.finish()).isEqualTo(dataset);
        }
    }

    @Test
    void anUnfinishedWriterLeavesNothing() throws IOException {
        try (Dataset.Writer writer = Dataset.writer(directory, RandomRows.SCHEMA)) {
            writer.integer(5, 1);
            writer.endRow();
        }
        try (var files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void aFinishedOrClosedWriterTakesNothingMore() {
        Dataset.Writer writer = Dataset.writer(directory, RandomRows.SCHEMA);
        writer.finish();
        assertThatThrownBy(writer::endRow)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is finished or closed");
        assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
        writer.close();
        writer.close();
    }

    @Test
    void aClosedScanGivesNothingMore() {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(1, new Random(3)));
        Scan scan = dataset.scan();
        scan.close();
        scan.close();
        assertThatThrownBy(scan::next).isInstanceOf(IllegalStateException.class).hasMessageContaining("is closed");
    }

    @Test
    void scansAreIndependent() {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(20_000, new Random(3)));
        try (Scan one = dataset.scan();
                Scan other = dataset.scan()) {
            Batch first = next(one);
            one.next();
            assertThat(next(other).integer(5, 7)).isEqualTo(first.integer(5, 7)).isEqualTo(7);
        }
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        Path file = directory.resolve("0".repeat(64) + ".arrow");
        assertThatThrownBy(() -> Dataset.open(file))
                .isInstanceOf(StoreException.class)
                .hasMessage("dataset " + file + " cannot be used: there is no such file. Fix: restore the file from a"
                        + " backup, or make the dataset again from its source.");
    }

    @Test
    void aFileNotNamedByItsHashIsRefused() throws IOException {
        Path file = Files.write(directory.resolve("data.arrow"), new byte[100]);
        assertThatThrownBy(() -> Dataset.open(file))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("its name is not the SHA-256 of its content followed by .arrow");
    }

    @Test
    void aTruncatedFileIsRefusedAtEveryLength() throws IOException {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(100, new Random(3)));
        byte[] bytes = Files.readAllBytes(dataset.file());
        for (int length = 0; length < bytes.length; length += 7) {
            Files.write(dataset.file(), Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> Dataset.open(dataset.file()))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("it is truncated or not an Arrow file (" + length + " bytes)")
                    .hasMessageContaining("Fix: restore the file from a backup");
        }
    }

    @Test
    void noDamageGoesUnnoticedAndNoneLeadsToAnotherExceptionThanOurs() throws IOException {
        long seed = RandomRows.seed();
        Random random = new Random(seed);
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(20, new Random(3)));
        byte[] bytes = Files.readAllBytes(dataset.file());
        for (int i = 0; i < 1_000; i++) {
            byte[] damaged = bytes.clone();
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                damaged[random.nextInt(bytes.length)] ^= (byte) (1 + random.nextInt(255));
            }
            // A new file each time: the old one may still be mapped.
            Files.delete(dataset.file());
            Files.write(dataset.file(), damaged);
            assertThatThrownBy(() -> {
                        Dataset opened = Dataset.open(dataset.file());
                        try (Scan scan = opened.scan()) {
                            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                                float[] target = new float[batch.rows()];
                                for (int c = 0; c < batch.schema().size(); c++) {
                                    switch (batch.schema().column(c).type()) {
                                        case TEXT -> {
                                            for (int r = 0; r < batch.rows(); r++) {
                                                batch.text(c, r);
                                            }
                                        }
                                        case TIME -> batch.time(c, batch.rows() - 1);
                                        default -> batch.numbers(c, target, 0, 1);
                                    }
                                }
                            }
                        }
                        opened.verify();
                    })
                    .as("-Dtests.seed=" + seed + ", try " + i)
                    .isInstanceOf(StoreException.class);
        }
    }

    @Test
    void verifyNamesWhatItFound() throws IOException {
        Dataset dataset = write(directory, RandomRows.SCHEMA, RandomRows.of(100, new Random(3)));
        byte[] bytes = Files.readAllBytes(dataset.file());
        bytes[bytes.length / 2] ^= 1;
        Files.delete(dataset.file());
        Files.write(dataset.file(), bytes);
        assertThatThrownBy(dataset::verify)
                .isInstanceOf(StoreException.class)
                .hasMessageMatching("dataset .* cannot be used: its content has the SHA-256 [0-9a-f]{64}\\. Fix: .*");
    }

    @Test
    void aDamagedFileOfTheSameNameIsReplacedByANewWrite() throws IOException {
        List<Row> rows = RandomRows.of(100, new Random(3));
        Dataset dataset = write(directory, RandomRows.SCHEMA, rows);
        Files.delete(dataset.file());
        Files.write(dataset.file(), new byte[10]);

        assertThat(read(write(directory, RandomRows.SCHEMA, rows))).isEqualTo(rows);
    }

    @Test
    void aDirectoryThatIsAFileIsRefused() throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[1]);
        assertThatThrownBy(() -> Dataset.writer(file, RandomRows.SCHEMA))
                .isInstanceOf(StoreException.class)
                .hasMessageStartingWith("a dataset in " + file + " cannot be written: ")
                .hasMessageEndingWith(
                        "Fix: free disk space or make the directory writable, then write the dataset again.");
    }

    @Test
    void datasetsAndScansHoldNoFileOpen() throws IOException {
        Path handles = Path.of("/proc/self/fd");
        Assumptions.assumeTrue(Files.exists(handles), "this system does not list open files");
        List<Dataset> held = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            held.add(write(directory, RandomRows.SCHEMA, RandomRows.of(100 + i, new Random(i))));
            held.get(i).scan().next();
        }
        List<Path> open = new ArrayList<>();
        try (var files = Files.list(handles)) {
            for (Path handle : files.toList()) {
                if (Files.isSymbolicLink(handle) && target(handle).startsWith(directory.toString())) {
                    open.add(handle);
                }
            }
        }
        assertThat(open).isEmpty();
        assertThat(held).allSatisfy(dataset -> assertThat(read(dataset)).hasSizeGreaterThan(99));
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "closed in between";
        }
    }
}
