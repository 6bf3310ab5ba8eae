package dev.flywheel.pipeline.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Scan;
import dev.flywheel.pipeline.check.Check;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvTest {

    @TempDir
    Path directory;

    /** Two good rows, so that one bad row is not more than half. */
    private static final String GOOD = "1,2,a,yes\n3,4,b,no\n";

    record Point(double x, int y, @Nullable String name) {}

    record Choosy(double x) {
        Choosy {
            if (x > 100) {
                throw new IllegalArgumentException("too far");
            }
        }
    }

    private Path file(String name, String content) {
        try {
            return Files.writeString(directory.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Ingestion here() {
        return Ingestion.into(directory.resolve("data"));
    }

    private Ingested<Point> points(String rows) {
        return Csv.files(file("points.csv", "x,y,name,good\n" + rows))
                .examples(Point.class, Target.isTrue("good"))
                .ingest(here());
    }

    private static <I> List<I> inputs(Ingested<I> ingested) {
        return read(ingested.dataset(), ingested.type());
    }

    private static <T> List<T> read(Dataset dataset, RowType<T> type) {
        List<T> rows = new ArrayList<>();
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++) {
                    rows.add(type.read(batch.row(i)));
                }
            }
        }
        return rows;
    }

    private static List<Row> all(Ingested<?> ingested) {
        return read(ingested.dataset(), Row.type(ingested.dataset().schema()));
    }

    private static List<JsonNode> quarantine(Ingested<?> ingested) {
        try {
            List<JsonNode> entries = new ArrayList<>();
            Path file = Objects.requireNonNull(ingested.report().quarantineFile());
            for (String line : Files.readAllLines(file)) {
                entries.add(new ObjectMapper().readTree(line));
            }
            return entries;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Expects one refused row in line 4, behind the good ones. */
    private void assertRefused(Ingested<?> ingested, @Nullable String column, String reason, String value) {
        assertThat(ingested.report().rowsRead()).isEqualTo(3);
        assertThat(ingested.report().rowsAccepted()).isEqualTo(2);
        assertThat(ingested.report().rowsQuarantined()).isEqualTo(1);
        assertThat(ingested.report().quarantined())
                .containsExactly(entry(column == null ? reason : column + ": " + reason, 1L));
        JsonNode entry = quarantine(ingested).get(0);
        assertThat(entry.get("line").asInt()).isEqualTo(4);
        assertThat(entry.get("column").textValue()).isEqualTo(column);
        assertThat(entry.get("reason").textValue()).isEqualTo(reason);
        assertThat(entry.get("value").textValue()).isEqualTo(value);
    }

    @Test
    void examplesBecomeADatasetOfInputsLabelTimeAndId() {
        Path file = file("events.csv", """
                Id,X,y,NAME,when,good
                e1,1.5,2,Köln,2001-01-01T00:03,yes
                e2,-3,-4,"a ""quoted"", text",2001-01-02,no
                """);
        Ingested<Point> ingested = Csv.files(file)
                .eventTime("when")
                .eventId("id")
                .examples(Point.class, Target.isTrue("good"))
                .ingest(here());

        assertThat(ingested.dataset().schema())
                .hasToString("[x:number, y:integer, name:text?, $label:number, $time:time, $id:text]");
        assertThat(inputs(ingested))
                .containsExactly(new Point(1.5, 2, "Köln"), new Point(-3, -4, "a \"quoted\", text"));
        assertThat(all(ingested).get(1))
                .isEqualTo(Row.of(
                        "x",
                        -3.0,
                        "y",
                        -4,
                        "name",
                        "a \"quoted\", text",
                        "$label",
                        0.0,
                        "$time",
                        Instant.parse("2001-01-02T00:00:00Z"),
                        "$id",
                        "e2"));
        assertThat(ingested.type()).isEqualTo(RecordType.of(Point.class));
        IngestReport report = ingested.report();
        assertThat(report).isEqualTo(new IngestReport(2, 2, java.util.Map.of(), null, List.of()));
        assertThat(directory.resolve("data/quarantine")).doesNotExist();
    }

    @Test
    void columnsAreFoundInAnyOrderCaseAndSpelling() {
        record Trip(LocalDateTime depTime, double air_miles) {}
        Path file = file("trips.csv", "Air Miles,late,DEP-TIME\n5,1,2001-01-01T10:00\n");
        Ingested<Trip> ingested = Csv.files(file)
                .eventTime("dep_time")
                .examples(Trip.class, Target.isTrue("LATE"))
                .ingest(here());
        assertThat(inputs(ingested)).containsExactly(new Trip(LocalDateTime.parse("2001-01-01T10:00"), 5));
        assertThat(all(ingested).get(0).time("$time")).isEqualTo(Instant.parse("2001-01-01T10:00:00Z"));
    }

    @Test
    void anExactNameWinsOverASimilarOne() {
        record Trip(double miles) {}
        Path file = file("trips.csv", "Miles,miles,late\n1,2,1\n");
        assertThat(inputs(Csv.files(file)
                        .examples(Trip.class, Target.isTrue("late"))
                        .ingest(here())))
                .containsExactly(new Trip(2));
    }

    @Test
    void anAmbiguousNameIsRefused() {
        record Trip(double airMiles) {}
        Path file = file("trips.csv", "air_miles,Air-Miles,late\n1,2,1\n");
        assertThatThrownBy(() -> Csv.files(file)
                        .examples(Trip.class, Target.isTrue("late"))
                        .ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessage(file + " cannot be used: several columns fit the name \"airMiles\": air_miles, Air-Miles."
                        + " Fix: rename them, or use the exact name of one.");
    }

    @Test
    void aMissingColumnIsRefusedWithThoseThatAreThere() {
        Path file = file("points.csv", "x,name,good\n1,a,yes\n");
        assertThatThrownBy(() -> Csv.files(file)
                        .examples(Point.class, Target.isTrue("good"))
                        .ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessage(file + " cannot be used: it has no column \"y\" for record " + Point.class.getName()
                        + "; its columns are x, name, good. Fix: correct the name in the file or in the program.");
        assertThatThrownBy(() -> Csv.files(file).rows(Target.isTrue("bad")).ingest(here()))
                .hasMessageContaining("it has no column \"bad\" for the target; its columns are x, name, good.");
        assertThatThrownBy(() -> Csv.files(file)
                        .eventTime("when")
                        .rows(Target.isTrue("good"))
                        .ingest(here()))
                .hasMessageContaining("it has no column \"when\" for eventTime;");
        assertThatThrownBy(() -> Csv.files(file)
                        .eventId("id")
                        .rows(Target.isTrue("good"))
                        .ingest(here()))
                .hasMessageContaining("it has no column \"id\" for eventId;");
        assertThatThrownBy(() -> Csv.files(file)
                        .ignore("nme")
                        .rows(Target.isTrue("good"))
                        .ingest(here()))
                .hasMessageContaining("it has no column \"nme\" for ignore;");
    }

    @Test
    void anExtraColumnIsNotUsedAndNoted() {
        Path file = file("points.csv", "x,extra,y,name,good,more\n1,?,2,a,yes,\n");
        Ingested<Point> ingested =
                Csv.files(file).examples(Point.class, Target.isTrue("good")).ingest(here());
        assertThat(ingested.report().notes()).containsExactly("not used: extra, more");
        assertThat(inputs(ingested)).containsExactly(new Point(1, 2, "a"));
    }

    @Test
    void aNameThatAppearsTwiceIsRefused() {
        Path file = file("points.csv", "x,x,good\n1,2,yes\n");
        assertThatThrownBy(() -> Csv.files(file).rows(Target.isTrue("good")).ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        file + " cannot be used: its header names the column \"x\" twice. Fix: rename one of them.");
    }

    @Test
    void cellsOfAnotherTypeAreRefused() {
        assertRefused(points(GOOD + "abc,2,a,yes\n"), "x", "expected a finite number", "abc");
        assertRefused(points(GOOD + "1,2.5,a,yes\n"), "y", "expected a whole number of at most 64 bits", "2.5");
        assertRefused(
                points(GOOD + "1,2,a,maybe\n"), "good", "expected true or false (also yes/no, y/n, t/f, 1/0)", "maybe");
    }

    @Test
    void timesAndTruthValuesOfAnotherTypeAreRefused() {
        record Event(Instant when, boolean flag) {}
        String header = "when,flag,good\n2001-01-01,t,1\n2001-01-01,F,0\n";
        assertRefused(
                Csv.files(file("e.csv", header + "01/02/2001,t,1\n"))
                        .examples(Event.class, Target.isTrue("good"))
                        .ingest(here()),
                "when",
                "expected an ISO-8601 date or time",
                "01/02/2001");
        assertRefused(
                Csv.files(file("e.csv", header + "2001-01-01,2,1\n"))
                        .examples(Event.class, Target.isTrue("good"))
                        .ingest(here()),
                "flag",
                "expected true or false (also yes/no, y/n, t/f, 1/0)",
                "2");
    }

    @Test
    void infinitiesAreRefused() {
        for (String infinite : List.of("Infinity", "-inf", "1e999")) {
            assertRefused(points(GOOD + infinite + ",2,a,yes\n"), "x", "expected a finite number", infinite);
        }
    }

    @Test
    void numbersThatNoModelCanTakeAreRefused() {
        for (String large : List.of("3.5e38", "-1e300")) {
            assertRefused(
                    points(GOOD + large + ",2,a,yes\n"),
                    "x",
                    "expected a number that a float holds, up to 3.4e38",
                    large);
        }
    }

    @Test
    void integersBeyondTheirComponentAreRefused() {
        Ingested<Point> ingested = points(GOOD + "1,5000000000,a,yes\n");
        assertThat(ingested.report().quarantined())
                .containsOnlyKeys("expected values that record " + Point.class.getName() + " accepts");
        assertThat(quarantine(ingested).get(0).get("value").textValue())
                .contains("found 5000000000, expected -2147483648 to 2147483647");
        assertThat(points(GOOD + "1,99999999999999999999,a,yes\n").report().quarantined())
                .containsOnlyKeys("y: expected a whole number of at most 64 bits");
    }

    @Test
    void missingIsRefusedWhereThereMustBeAValueAndAcceptedElsewhere() {
        for (String missing : List.of("", " ", "NA", "n/a", "NaN", "null")) {
            assertRefused(points(GOOD + missing + ",2,a,yes\n"), "x", "expected a value", missing);
            assertRefused(points(GOOD + "1,2,a," + missing + "\n"), "good", "expected a label", missing);
        }
        assertThat(inputs(points("1,2,,yes\n1,2,NA,yes\n1,2, ,yes\n1,2,\"\",yes\n")))
                .extracting(Point::name)
                .containsExactly(null, "NA", " ", null);
    }

    @Test
    void boxedComponentsMayBeMissing() {
        record Loose(
                @Nullable Double x,
                @Nullable Integer y,
                @Nullable Boolean z,
                @Nullable Instant t) {}
        Path file = file("l.csv", "x,y,z,t,good\n,NA,null,nan,1\n1.5,3.0,no,2001-01-01,0\n");
        assertThat(inputs(Csv.files(file)
                        .examples(Loose.class, Target.isTrue("good"))
                        .ingest(here())))
                .containsExactly(
                        new Loose(null, null, null, null),
                        new Loose(1.5, 3, false, Instant.parse("2001-01-01T00:00:00Z")));
    }

    @Test
    void anEventWithoutTimeOrIdIsRefused() {
        record X(double x) {}
        String good = "x,when,id,good\n1,2001-01-01,a,1\n1,2001-01-01,b,1\n";
        assertRefused(
                Csv.files(file("e.csv", good + "1,,c,1\n"))
                        .eventTime("when")
                        .examples(X.class, Target.isTrue("good"))
                        .ingest(here()),
                "when",
                "expected an ISO-8601 date or time",
                "");
        assertRefused(
                Csv.files(file("e.csv", good + "1,2001-01-01,,1\n"))
                        .eventId("id")
                        .examples(X.class, Target.isTrue("good"))
                        .ingest(here()),
                "id",
                "expected an id",
                "");
    }

    @Test
    void ofEventsWithTheSameIdTheFirstStays() {
        record X(double x) {}
        Ingested<X> ingested = Csv.files(file("e.csv", "x,id,good\n1,a,1\n2,b,1\n3,a,1\n"))
                .eventId("ID")
                .examples(X.class, Target.isTrue("good"))
                .ingest(here());
        assertRefused(ingested, "id", "expected an id that no row before has", "a");
        assertThat(inputs(ingested)).containsExactly(new X(1), new X(2));
    }

    @Test
    void anIdOfARefusedRowMayComeAgain() {
        record X(double x) {}
        Ingested<X> ingested = Csv.files(file("e.csv", "x,id,good\n?,a,1\n2,b,1\n3,a,1\n"))
                .eventId("id")
                .examples(X.class, Target.isTrue("good"))
                .ingest(here());
        assertThat(inputs(ingested)).containsExactly(new X(2), new X(3));
    }

    @Test
    void raggedLinesAreRefused() {
        assertRefused(points(GOOD + "1,2,a\n"), null, "expected 4 fields", "3 fields");
        assertRefused(points(GOOD + "1,2,a,yes,\n"), null, "expected 4 fields", "5 fields");
    }

    @Test
    void emptyLinesAreSkippedAndLinesStillCounted() {
        Ingested<Point> ingested = points("\n1,2,a,yes\r\n\n3,4,b,no\nx,4,b,no\n\n");
        assertThat(ingested.report().rowsRead()).isEqualTo(3);
        assertThat(quarantine(ingested).get(0).get("line").asInt()).isEqualTo(6);
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() throws IOException {
        byte[] bytes = ("x,y,name,good\n" + GOOD + "1,2,K?ln,yes\n").getBytes(StandardCharsets.UTF_8);
        bytes[new String(bytes, StandardCharsets.UTF_8).indexOf('?')] = (byte) 0xF6;
        Path file = Files.write(directory.resolve("latin1.csv"), bytes);
        assertRefused(
                Csv.files(file).examples(Point.class, Target.isTrue("good")).ingest(here()),
                "name",
                "expected UTF-8 text",
                "K\uFFFDln");
    }

    @Test
    void aFieldAboveTheLimitIsRefusedAndOneAtTheLimitIsNot() {
        String longest = "x".repeat(1 << 20);
        assertThat(points("1,2," + longest + ",yes\n").report().rowsAccepted()).isEqualTo(1);
        Ingested<Point> ingested = points(GOOD + "1,2," + longest + "x,yes\n");
        assertRefused(ingested, null, "expected at most 1048576 characters in a field", "1048577 characters");
        assertThat(quarantine(ingested).get(0).get("row").textValue())
                .hasSize(1_000)
                .startsWith("1,2,xxx");
    }

    @Test
    void aFieldThatTheParserCannotHoldEndsTheReading() {
        assertThatThrownBy(() -> points(GOOD + "1,2," + "x".repeat(17 << 20) + ",yes\n"))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith(directory.resolve("points.csv") + " is not a CSV file (RFC 4180) throughout: ")
                .hasMessageContaining("record starting at line 4");
    }

    @Test
    void brokenQuotationEndsTheReading() {
        assertThatThrownBy(() -> points(GOOD + "1,2,\"never closed,yes\n5,6,c,no\n"))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        directory.resolve("points.csv") + " is not a CSV file (RFC 4180) throughout: Unclosed quoted"
                                + " field at end of input (record starting at line 4). Fix: look for a quotation mark that is not"
                                + " closed, or not doubled, in or before that line.");
        assertThatThrownBy(() -> points(GOOD + "1,2,\"a\"b,yes\n"))
                .hasMessageContaining(
                        "Unexpected character after closing quote: 'b' (0x62) (record starting at line 4)");
        assertThat(directory.resolve("data")).isEmptyDirectory();
    }

    @Test
    void anEmptyFileIsRefused() {
        Path file = file("empty.csv", "");
        assertThatThrownBy(() -> Csv.files(file).rows(Target.isTrue("good")).ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessage(file + " cannot be used: it is empty. Fix: give a CSV file whose first line names the"
                        + " columns.");
    }

    @Test
    void aHeaderAloneIsRefused() {
        assertThatThrownBy(() -> points(""))
                .isInstanceOf(DataException.class)
                .hasMessage(directory.resolve("points.csv") + " cannot be used: there is no row below the header. Fix:"
                        + " give a file with examples.");
    }

    @Test
    void aFileThatIsNotThereIsRefused() {
        Path file = directory.resolve("nowhere.csv");
        assertThatThrownBy(() -> Csv.files(file).rows(Target.isTrue("good")).ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessage(file + " cannot be read: there is no such file (looked for " + file
                        + "). Fix: give the path" + " of a readable CSV file.");
        assertThatThrownBy(
                        () -> Csv.files(directory).rows(Target.isTrue("good")).ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("cannot be read");
    }

    @Test
    void aDamagedGzipFileIsRefused() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(("x,y,name,good\n" + GOOD.repeat(1_000)).getBytes(StandardCharsets.UTF_8));
        }
        byte[] whole = bytes.toByteArray();
        Path file = Files.write(directory.resolve("cut.csv.gz"), java.util.Arrays.copyOf(whole, whole.length / 2));
        assertThatThrownBy(() -> Csv.files(file)
                        .examples(Point.class, Target.isTrue("good"))
                        .ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(file + " cannot be read: java.io.EOFException");
    }

    @Test
    void gzipAndByteOrderMarksAreToldByContent() throws IOException {
        Path file = directory.resolve("points.data");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(("\uFEFFx,y,name,good\n" + GOOD).getBytes(StandardCharsets.UTF_8));
        }
        assertThat(inputs(Csv.files(file.toString())
                        .examples(Point.class, Target.isTrue("good"))
                        .ingest(here())))
                .containsExactly(new Point(1, 2, "a"), new Point(3, 4, "b"));
    }

    @Test
    void halfOfTheRowsMayBeRefusedButNotMore() {
        assertThat(points(GOOD + "?,2,a,yes\n!,2,a,yes\n").report().rowsAccepted())
                .isEqualTo(2);
        assertThatThrownBy(() -> points(GOOD + "1,2,a,\n?,2,a,yes\n!,2,a,yes\n"))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        directory.resolve("points.csv") + " cannot be used: 3 of 5 rows were refused, most often for"
                                + " x: expected a finite number (2 times, first in line 5 of "
                                + directory.resolve("points.csv")
                                + ": \"?\"). Fix: mend the data, or the record, the target and"
                                + " the checks that it should fit; every refused row is in "
                                + directory.resolve("data/quarantine/quarantine-2.jsonl") + ".");
        assertThat(directory.resolve("data/quarantine/quarantine-2.jsonl")).exists();
    }

    @Test
    void aRowThatTheRecordRefusesIsRefused() {
        Ingested<Choosy> ingested = Csv.files(file("c.csv", "x,good\n1,1\n2,1\n101,0\n"))
                .examples(Choosy.class, Target.isTrue("good"))
                .ingest(here());
        assertThat(inputs(ingested)).containsExactly(new Choosy(1), new Choosy(2));
        assertThat(quarantine(ingested).get(0).get("value").textValue())
                .contains("its constructor refused the values [x=101.0]");
    }

    @Test
    void aRowThatACheckRefusesIsRefused() {
        Ingested<Point> ingested = Csv.files(file("points.csv", "x,y,name,good\n" + GOOD + "900,2,a,yes\n"))
                .examples(Point.class, Target.isTrue("good"))
                .ingest(here().checks(List.of(
                        Check.column("name").notNull(), Check.column("x").between(0, 100))));
        assertRefused(ingested, "x", "expected between 0 and 100", "900");
        JsonNode entry = quarantine(ingested).get(0);
        assertThat(entry.get("file").textValue())
                .isEqualTo(directory.resolve("points.csv").toString());
        assertThat(entry.get("row").textValue()).isEqualTo("900,2,a,yes");
    }

    @Test
    void aCheckMayAskForTheLabel() {
        record X(double x) {}
        Ingested<X> ingested = Csv.files(file("p.csv", "x,price\n1,10\n2,20\n3,-1116\n"))
                .examples(X.class, Target.number("price"))
                .ingest(here().checks(List.of(Check.column("$label").between(-100, 100))));
        assertRefused(ingested, "$label", "expected between -100 and 100", "-1116");
    }

    @Test
    void aLabelWithoutLogarithmIsRefusedOnALogScale() {
        record X(double x) {}
        Ingested<X> ingested = Csv.files(file("p.csv", "x,price\n1,10\n2,20\n3,0\n"))
                .examples(X.class, Target.number("price").onLogScale())
                .ingest(here());
        assertRefused(ingested, "price", "expected a finite number above 0, because it is learned on a log scale", "0");
        assertThat(all(ingested)).extracting(row -> row.number("$label")).containsExactly(10.0, 20.0);
    }

    @Test
    void aCheckOfAnUnknownColumnIsRefusedBeforeReading() {
        Source<Point, Boolean> source =
                Csv.files(file("points.csv", "x,y,name,good\n" + GOOD)).examples(Point.class, Target.isTrue("good"));
        assertThatThrownBy(() ->
                        source.ingest(here().checks(List.of(Check.column("z").notNull()))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no column \"z\"; the columns are x, y, name, $label");
        assertThat(directory.resolve("data")).doesNotExist();
    }

    @Test
    void reasonsAreCountedMostFrequentFirstAndNoRowIsLost() {
        Ingested<Point> ingested =
                points(GOOD.repeat(5) + "?,2,a,yes\n1,2,a\n!,2,a,yes\n1,2,a,\n1,2,\n1,2\n1,?,a,yes\n");
        IngestReport report = ingested.report();
        assertThat(report.quarantined())
                .containsExactly(
                        entry("expected 4 fields", 3L),
                        entry("x: expected a finite number", 2L),
                        entry("good: expected a label", 1L),
                        entry("y: expected a whole number of at most 64 bits", 1L));
        assertThat(report.rowsRead()).isEqualTo(17);
        assertThat(report.rowsAccepted())
                .isEqualTo(10)
                .isEqualTo(ingested.dataset().rows());
        assertThat(quarantine(ingested)).hasSize(7);
        assertThat(quarantine(ingested).get(1).get("row").textValue()).isEqualTo("1,2,a");
    }

    @Test
    void quarantineCutsLongValuesAndKeepsQuotation() {
        String value = "\"" + "x".repeat(198) + "\uD83D\uDE00\uD83D\uDE00\"\"\"";
        Ingested<Point> ingested = points(GOOD + "1," + value + ",\"a,b\",yes\n");
        JsonNode entry = quarantine(ingested).get(0);
        assertThat(entry.get("value").textValue()).isEqualTo("x".repeat(198) + "\uD83D\uDE00");
        assertThat(entry.get("row").textValue()).isEqualTo("1," + value + ",\"a,b\",yes");
    }

    @Test
    void severalFilesAreReadInOrder() {
        Path one = file("1.csv", "x,y,name,good\n1,1,a,1\n");
        Path two = file("2.csv", "x,y,name,good\n");
        Path three = file("3.csv", "x,y,name,good\n3,3,c,0\n?,3,c,0\n4,3,c,0\n");
        Ingested<Point> ingested = Csv.files(one, two, three)
                .examples(Point.class, Target.isTrue("good"))
                .ingest(here());
        assertThat(inputs(ingested)).extracting(Point::x).containsExactly(1.0, 3.0, 4.0);
        assertThat(quarantine(ingested).get(0).get("file").textValue()).isEqualTo(three.toString());
        assertThat(quarantine(ingested).get(0).get("line").asInt()).isEqualTo(3);
    }

    @Test
    void filesWithOtherHeadersAreRefused() {
        Path one = file("1.csv", "x,y,name,good\n1,1,a,1\n");
        Path two = file("2.csv", "y,x,name,good\n1,1,a,1\n");
        String message = two + " cannot be used together with " + one
                + ": its columns are y, x, name, good, expected x, y, name, good. Fix: give files with the same header, in"
                + " the same order.";
        assertThatThrownBy(() -> Csv.files(one, two)
                        .examples(Point.class, Target.isTrue("good"))
                        .ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessage(message);
        assertThatThrownBy(() -> Csv.files(one, two).rows(Target.isTrue("good")).ingest(here()))
                .hasMessage(message);
    }

    @Test
    void rowsHaveTheNarrowestTypeThatHoldsAllValues() {
        Path file = file("rows.csv", """
                i,n,b,t,s,zip,empty,mixed,dates,target,id
                1,1,yes,2001-01-01T00:03,x,00123,,1,2001-01-01,10,a
                -7,2.5,No,2001-01-01 10:00:00Z,NA,10115,,x,2001-01-02,20,b
                NA,1e3,,,yes,,,2001-01-01,,30,c
                """);
        Ingested<Row> ingested =
                Csv.files(file).eventId("id").rows(Target.number("target")).ingest(here());
        assertThat(ingested.type().schema())
                .hasToString(
                        "[i:integer?, n:number?, b:boolean?, t:time?, s:text?, zip:text?, empty:number?, mixed:text?,"
                                + " dates:time?]");
        assertThat(inputs(ingested))
                .containsExactly(
                        Row.of(
                                "i",
                                1,
                                "n",
                                1.0,
                                "b",
                                true,
                                "t",
                                Instant.parse("2001-01-01T00:03:00Z"),
                                "s",
                                "x",
                                "zip",
                                "00123",
                                "empty",
                                null,
                                "mixed",
                                "1",
                                "dates",
                                Instant.parse("2001-01-01T00:00:00Z")),
                        Row.of(
                                "i",
                                -7,
                                "n",
                                2.5,
                                "b",
                                false,
                                "t",
                                Instant.parse("2001-01-01T10:00:00Z"),
                                "s",
                                "NA",
                                "zip",
                                "10115",
                                "empty",
                                null,
                                "mixed",
                                "x",
                                "dates",
                                Instant.parse("2001-01-02T00:00:00Z")),
                        Row.of(
                                "i",
                                null,
                                "n",
                                1000.0,
                                "b",
                                null,
                                "t",
                                null,
                                "s",
                                "yes",
                                "zip",
                                null,
                                "empty",
                                null,
                                "mixed",
                                "2001-01-01",
                                "dates",
                                null));
        assertThat(all(ingested)).extracting(row -> row.text("$id")).containsExactly("a", "b", "c");
    }

    @Test
    void anInfinityDoesNotTurnAColumnOfNumbersIntoText() {
        Ingested<Row> ingested = Csv.files(file("rows.csv", "x,good\n1.5,1\n2,1\ninf,0\n"))
                .rows(Target.isTrue("good"))
                .ingest(here());
        assertThat(ingested.type().schema()).hasToString("[x:number?]");
        assertRefused(ingested, "x", "expected a finite number", "inf");
    }

    @Test
    void aColumnThatIsTextBecauseOfFewValuesIsNoted() {
        Path file = file("rows.csv", "x,good\n" + "1,1\n".repeat(20) + "oops,1\n" + "2,1\n".repeat(20));
        Ingested<Row> ingested = Csv.files(file).rows(Target.isTrue("good")).ingest(here());
        assertThat(ingested.type().schema()).hasToString("[x:text?]");
        assertThat(ingested.report().notes())
                .containsExactly(
                        "column \"x\" is text, although 40 of its 41 values are numbers: the first that is not is"
                                + " \"oops\" in line 22");
    }

    @Test
    void ignoredAndNamelessColumnsAreLeftOut() {
        Path file = file("rows.csv", ",x,secret,when,good\n1,1,2,2001-01-01,1\n");
        Ingested<Row> ingested = Csv.files(file)
                .ignore("Secret", "when")
                .eventTime("when")
                .rows(Target.isTrue("good"))
                .ingest(here());
        assertThat(ingested.dataset().schema()).hasToString("[x:integer?, $label:number, $time:time]");
        assertThat(ingested.report().notes()).containsExactly("column 1 has no name and is ignored");
    }

    @Test
    void aRecordCannotNeedWhatIsIgnored() {
        Path file = file("points.csv", "x,y,name,good\n" + GOOD);
        assertThatThrownBy(() -> Csv.files(file)
                        .ignore("x")
                        .examples(Point.class, Target.isTrue("good"))
                        .ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("the column \"x\" is ignored, but record " + Point.class.getName() + " needs it");
    }

    @Test
    void rowsNeedAColumnBesideTheTarget() {
        assertThatThrownBy(() -> Csv.files(file("rows.csv", "good,id\n1,2\n"))
                        .eventId("id")
                        .rows(Target.isTrue("good"))
                        .ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("it has no column left beside the target good");
    }

    @Test
    void reservedNamesAreRefusedInRows() {
        Path file = file("rows.csv", "$label,x,good\n1,2,1\n");
        assertThatThrownBy(() -> Csv.files(file).rows(Target.isTrue("good")).ingest(here()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(
                        "its column \"$label\" has a reserved name, as all that begin with $. Fix: rename it,"
                                + " or ignore it with ignore(\"$label\").");
        assertThat(Csv.files(file)
                        .ignore("$label")
                        .rows(Target.isTrue("good"))
                        .ingest(here())
                        .report()
                        .rowsAccepted())
                .isEqualTo(1);
    }

    @Test
    void optionsAreGivenOnce() {
        assertThatThrownBy(() -> Csv.files("a.csv").eventTime("a").eventTime("b"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Csv.eventTime is already \"a\" and cannot be \"b\" too");
        assertThatThrownBy(() -> Csv.files("a.csv").eventId("a").eventId("a"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Csv.eventId is already \"a\" and cannot be \"a\" too");
        assertThatThrownBy(() -> Csv.files(new String[0]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Csv.files() needs at least one file");
    }

    @Test
    void isAValueThatTravels() throws Exception {
        Source<Point, Boolean> source = Csv.files(file("points.csv", "x,y,name,good\n" + GOOD))
                .eventId("x")
                .ignore("q")
                .ignore("r")
                .examples(Point.class, Target.isTrue("good"));
        assertThat(source.describe())
                .isEqualTo("CSV " + directory.resolve("points.csv") + ", event id x, without q, r, rows as "
                        + Point.class.getName() + ", target good is true");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(source);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(source);
        }
        assertThat(Csv.files("a").eventTime("t")).isNotEqualTo(Csv.files("a")).hasToString("CSV a, event time t");
    }

    @Test
    void progressIsTold() {
        List<Long> told = new ArrayList<>();
        Csv.files(file("points.csv", "x,y,name,good\n" + GOOD.repeat(10_000)))
                .examples(Point.class, Target.isTrue("good"))
                .ingest(here().onRowsRead(told::add));
        assertThat(told).containsExactly(8_192L, 16_384L, 20_000L);
    }

    @Test
    void readingTwiceGivesTheSameDataset() {
        Source<Row, Boolean> source =
                Csv.files(file("points.csv", "x,y,name,good\n" + GOOD)).rows(Target.isTrue("good"));
        assertThat(source.ingest(here()).dataset())
                .isEqualTo(source.ingest(here()).dataset());
    }

    @Test
    void anyBytesAreReadOrRefusedInOurWords() throws IOException {
        long seed = Long.getLong("tests.seed", System.nanoTime());
        Random random = new Random(seed);
        String alphabet = "112.,,,\"\n\n\r ayx-e:T\uFFFD\u0000";
        byte[] header = "x,y,name,good\n".getBytes(StandardCharsets.UTF_8);
        int accepted = 0;
        for (int i = 0; i < 500; i++) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            bytes.write(header);
            for (int row = random.nextInt(5); row > 0; row--) {
                bytes.write("1,2,a,yes\n".getBytes(StandardCharsets.UTF_8));
            }
            for (int n = random.nextInt(30); n > 0; n--) {
                bytes.write(random.nextInt(20) == 0 ? random.nextInt(256) : alphabet.charAt(random.nextInt(20)));
            }
            Path file = Files.write(directory.resolve("fuzz.csv"), bytes.toByteArray());
            for (Source<?, Boolean> source : List.of(
                    Csv.files(file).examples(Point.class, Target.isTrue("good")),
                    Csv.files(file).rows(Target.isTrue("good")))) {
                try {
                    Ingested<?> ingested = source.ingest(here());
                    IngestReport report = ingested.report();
                    assertThat(report.rowsAccepted())
                            .isEqualTo(ingested.dataset().rows());
                    assertThat(report.quarantined().values().stream()
                                    .mapToLong(Long::longValue)
                                    .sum())
                            .as("-Dtests.seed=" + seed)
                            .isEqualTo(report.rowsQuarantined());
                    accepted++;
                } catch (DataException expected) {
                    assertThat(expected).hasMessageContaining(file.toString()).hasMessageContaining("Fix: ");
                } catch (RuntimeException e) {
                    throw new AssertionError("-Dtests.seed=" + seed + ", try " + i, e);
                }
            }
        }
        assertThat(accepted).isPositive();
    }
}
