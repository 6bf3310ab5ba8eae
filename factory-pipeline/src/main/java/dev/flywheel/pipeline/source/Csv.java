package dev.flywheel.pipeline.source;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.Row;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Examples in CSV files: RFC 4180 with commas and a header, UTF-8, plain or gzip (told by content). Immutable.
 *
 * <pre>{@code
 * Csv.files("flights.csv").eventTime("departure").examples(Flight.class, Target.atLeast("delay", 15))
 * }</pre>
 *
 * <p>Columns are found by name, ignoring case, underscores, hyphens and spaces: a component {@code depTime} finds the
 * column {@code dep_time}. Several files are read one after the other and must have the same header. An empty line is
 * skipped. White space around a value is ignored, except in text.
 *
 * <table>
 * <caption>What becomes of imperfect input. A refused row goes to quarantine with its file, line, column, value and
 * reason.</caption>
 * <tr><th>found</th><th>outcome</th></tr>
 * <tr><td>no such file, a damaged gzip file</td><td>{@link dev.flywheel.core.DataException}</td></tr>
 * <tr><td>an empty file; headers and no row in all files</td><td>DataException</td></tr>
 * <tr><td>a column missing that is asked for, fitting several names, or named twice</td><td>DataException</td></tr>
 * <tr><td>files with different headers</td><td>DataException</td></tr>
 * <tr><td>a quotation mark that is not closed, or followed by something else than a comma; a field beyond the 16 Mi
 * characters that the parser holds</td><td>DataException that names the line</td></tr>
 * <tr><td>more than half of the rows refused</td><td>DataException with the most frequent reason</td></tr>
 * <tr><td>a column that is not asked for</td><td>not used, noted in the report</td></tr>
 * <tr><td>an empty cell; in columns other than text also blank, {@code NA}, {@code N/A}, {@code NaN} or {@code null}
 * in any case</td><td>missing</td></tr>
 * <tr><td>missing in a primitive component, the target, the event time or the event id</td><td>row refused</td></tr>
 * <tr><td>a cell that is not of its column's type, an infinity, a whole number beyond its type, a number beyond the
 * 3.4e38 that a float holds</td><td>row refused</td></tr>
 * <tr><td>a whole number written with a fraction of zeros, as {@code 3.0}</td><td>accepted as 3</td></tr>
 * <tr><td>a time without a zone</td><td>taken as UTC</td></tr>
 * <tr><td>more or fewer fields than the header</td><td>row refused</td></tr>
 * <tr><td>bytes that are not UTF-8, or the replacement character U+FFFD itself</td><td>row refused</td></tr>
 * <tr><td>a field of more than 1,048,576 characters</td><td>row refused</td></tr>
 * <tr><td>an event id that was accepted before</td><td>row refused, the first stays</td></tr>
 * <tr><td>a row that a check or the record's constructor refuses</td><td>row refused</td></tr>
 * <tr><td>one value only in the target</td><td>accepted: found when a model is trained</td></tr>
 * </table>
 */
public final class Csv implements Serializable {

    private static final long serialVersionUID = 1L;

    /** As text, because a Path cannot be serialized. */
    private final List<String> files;

    private final @Nullable String eventTime;
    private final @Nullable String eventId;
    private final List<String> ignored;

    private Csv(List<String> files, @Nullable String eventTime, @Nullable String eventId, List<String> ignored) {
        this.files = List.copyOf(files);
        this.eventTime = eventTime;
        this.eventId = eventId;
        this.ignored = List.copyOf(ignored);
        if (files.isEmpty()) {
            throw new IllegalArgumentException("Csv.files() needs at least one file");
        }
    }

    /** {@return examples in files} Nothing is opened before they are ingested. */
    public static Csv files(Path... files) {
        return new Csv(Arrays.stream(files).map(Path::toString).toList(), null, null, List.of());
    }

    /** {@return examples in files, by path} Nothing is opened before they are ingested. */
    public static Csv files(String... files) {
        return files(Arrays.stream(files).map(Path::of).toArray(Path[]::new));
    }

    /**
     * {@return this with the column that tells when the event happened}; it may be part of the input too
     *
     * @throws IllegalStateException at the second call
     */
    public Csv eventTime(String column) {
        requireUnset("eventTime", eventTime, column);
        return new Csv(files, column, eventId, ignored);
    }

    /**
     * {@return this with the column that identifies the event}, so that none is learned from twice; it may be part of a
     * record too, and is not part of {@link #rows}
     *
     * @throws IllegalStateException at the second call
     */
    public Csv eventId(String column) {
        requireUnset("eventId", eventId, column);
        return new Csv(files, eventTime, column, ignored);
    }

    /**
     * {@return this without some columns as inputs}, in addition to those ignored before; they may still be the target,
     * the event time or the event id
     */
    public Csv ignore(String... columns) {
        List<String> more = new ArrayList<>(ignored);
        more.addAll(List.of(columns));
        return new Csv(files, eventTime, eventId, more);
    }

    /**
     * {@return the examples, whose inputs are records}; every accepted row can be read as one
     *
     * @throws IllegalArgumentException if the record cannot be columns, see {@link RecordType#of}, or has a vector
     */
    public <I, L> Source<I, L> examples(Class<I> record, Target<L> target) {
        RecordType<I> type = RecordType.of(record);
        for (Column column : type.schema().columns()) {
            if (column.type() == ColumnType.VECTOR) {
                throw new IllegalArgumentException("record " + record.getName() + " has a component \"" + column.name()
                        + "\" of type float[], which no cell of a CSV file holds: read the files yourself and give"
                        + " the records to Rows.of");
            }
        }
        return new CsvSource<>(this, type, Objects.requireNonNull(target, "target"));
    }

    /**
     * {@return the examples, whose inputs are rows of all columns but the target, the event id and those ignored} The
     * type of a column is the narrowest that holds all its values in all files, which are read twice for that: INTEGER,
     * NUMBER, BOOLEAN (true, false, yes, no), TIME, otherwise TEXT. Numbers with leading zeros are TEXT, a column
     * without any value is NUMBER, and every column is nullable.
     */
    public <L> Source<Row, L> rows(Target<L> target) {
        return new CsvSource<>(this, null, Objects.requireNonNull(target, "target"));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Csv that
                && files.equals(that.files)
                && Objects.equals(eventTime, that.eventTime)
                && Objects.equals(eventId, that.eventId)
                && ignored.equals(that.ignored);
    }

    @Override
    public int hashCode() {
        return Objects.hash(files, eventTime, eventId, ignored);
    }

    /** {@return the files and options in words} */
    @Override
    public String toString() {
        return describe();
    }

    String describe() {
        return "CSV " + String.join(", ", files)
                + (eventTime == null ? "" : ", event time " + eventTime)
                + (eventId == null ? "" : ", event id " + eventId)
                + (ignored.isEmpty() ? "" : ", without " + String.join(", ", ignored));
    }

    List<String> files() {
        return files;
    }

    @Nullable
    String eventTimeColumn() {
        return eventTime;
    }

    @Nullable
    String eventIdColumn() {
        return eventId;
    }

    List<String> ignored() {
        return ignored;
    }

    private static void requireUnset(String option, @Nullable String first, String second) {
        Objects.requireNonNull(second, "column");
        if (first != null) {
            throw new IllegalStateException(
                    "Csv." + option + " is already \"" + first + "\" and cannot be \"" + second + "\" too");
        }
    }
}
