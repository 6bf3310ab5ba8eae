package dev.flywheel.core.stat.drift;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.data.Vectors;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What many rows look like, column by column, in constant memory: a {@link ColumnProfile} for each column, two for one
 * of vectors (see {@link #summaries}), one for the predictions if there were any, the number of rows and the time they
 * span. At most 45 KB for each column of numbers or times and 250 KB for each of texts; a window of 1,000 rows takes 8
 * KB a column. Not thread-safe: each thread fills its own, and {@link #merge} puts them together; counts, missing rows
 * and categories are the same in whichever order they are merged, quantiles keep the sketch's error bound.
 *
 * <p>A reference is a {@code Profile.of(schema)} filled with the rows that a model was trained on; the window to
 * compare with it is a {@link #window()} of the reference, which counts the reference's categories exactly.
 */
public final class Profile {

    /** The name of the column that holds predictions. */
    static final String PREDICTION = "$prediction";

    private static final String TIME = "$time";
    private static final float[] NONE = {};
    private static final Column PREDICTIONS = new Column(PREDICTION, ColumnType.NUMBER, true);
    private static final Column CLASSES = new Column(PREDICTION, ColumnType.TEXT, true);

    private final Schema schema;
    private final List<ColumnProfile> columns;
    private final ColumnProfile prediction;
    private long rows;
    private long earliest = Long.MAX_VALUE;
    private long latest = Long.MIN_VALUE;
    private @Nullable Schema fits;

    private Profile(Schema schema, List<ColumnProfile> columns, ColumnProfile prediction) {
        this.schema = schema;
        this.columns = List.copyOf(columns);
        this.prediction = prediction;
    }

    Profile(List<ColumnProfile> columns, ColumnProfile prediction, long rows, long earliest, long latest) {
        this(Schema.of(columns.stream().map(ColumnProfile::column).toList()), columns, prediction);
        this.rows = rows;
        this.earliest = earliest;
        this.latest = latest;
    }

    /** {@return an empty profile of rows with these columns} */
    public static Profile of(Schema schema) {
        return of(schema, PREDICTIONS);
    }

    /** {@return an empty profile of rows with these columns, for which classes are predicted: each is a category} */
    public static Profile ofClasses(Schema schema) {
        return of(schema, CLASSES);
    }

    private static Profile of(Schema schema, Column prediction) {
        Schema profiled = profiled(schema);
        return new Profile(
                profiled, profiled.columns().stream().map(ColumnProfile::of).toList(), ColumnProfile.of(prediction));
    }

    /** {@return an empty profile of the same kind of rows and predictions} */
    public Profile empty() {
        return of(schema, prediction.column());
    }

    /**
     * {@return the columns that profiles of such rows have: those of the rows, a vector's replaced by its summaries}
     *
     * @param rows the columns of the rows
     */
    public static Schema profiled(Schema rows) {
        List<Column> columns = new ArrayList<>();
        for (Column column : rows.columns()) {
            if (column.type() == ColumnType.VECTOR) {
                summaries(column.name()).forEach(name -> columns.add(new Column(name, ColumnType.NUMBER, true)));
            } else {
                columns.add(column);
            }
        }
        return Schema.of(columns);
    }

    /**
     * {@return the names of the two columns of numbers that stand for one of vectors}: the mean of each row's numbers,
     * and their standard deviation. An image that is darker or blurred shows there.
     */
    public static List<String> summaries(String vector) {
        return List.of("mean(" + vector + ")", "deviation(" + vector + ")");
    }

    /** {@return an empty profile, to be filled and compared with this one} */
    public Profile window() {
        return new Profile(schema, columns.stream().map(ColumnProfile::fresh).toList(), prediction.fresh());
    }

    /**
     * Adds a row.
     *
     * @param row a row whose first columns have the names and types of this profile's, or are vectors where it has
     *     their summaries
     * @throws IllegalArgumentException if they have not
     */
    public void add(RowReader row) {
        check(row.schema());
        rows++;
        int at = 0;
        for (int i = 0; at < columns.size(); i++) {
            if (row.schema().column(i).type() == ColumnType.VECTOR) {
                // a vector that is missing is NaN twice, which counts as missing
                float[] vector = row.missing(i) ? NONE : row.vector(i);
                columns.get(at++).add(Vectors.mean(vector));
                columns.get(at++).add(Vectors.deviation(vector));
            } else {
                columns.get(at++).add(row, i);
            }
        }
    }

    /**
     * Adds a row and what was predicted for it; NaN for a prediction that is missing.
     *
     * @param row a row whose first columns have the names and types of this profile's
     * @throws IllegalArgumentException if they have not
     */
    public void add(RowReader row, double predicted) {
        add(row);
        prediction.add(predicted);
    }

    /**
     * Adds a row, what was predicted for it, and when.
     *
     * @param row a row whose first columns have the names and types of this profile's
     * @param time when, in microseconds since 1970
     * @throws IllegalArgumentException if they have not
     */
    public void add(RowReader row, double predicted, long time) {
        add(row, predicted);
        span(time, time);
    }

    /** Adds a prediction without its row; NaN for one that is missing. */
    public void addPrediction(double predicted) {
        prediction.add(predicted);
    }

    /**
     * Adds all rows of a batch; where it has a column {@code $time}, the profile spans these times.
     *
     * @throws IllegalArgumentException if its first columns have not the names and types of this profile's
     */
    public void add(Batch batch) {
        Schema found = batch.schema();
        int time = found.contains(TIME) && found.column(found.indexOf(TIME)).type() == ColumnType.TIME
                ? found.indexOf(TIME)
                : -1;
        for (int i = 0; i < batch.rows(); i++) {
            add(batch.row(i));
            if (time >= 0 && !batch.missing(time, i)) {
                span(batch.time(time, i), batch.time(time, i));
            }
        }
    }

    /**
     * Adds all rows of another profile, which stays as it is.
     *
     * @throws IllegalArgumentException if it has other columns, or is this one
     */
    public void merge(Profile other) {
        if (other == this) {
            throw new IllegalArgumentException("a profile cannot be merged with itself: its rows would count twice");
        }
        if (!holdsAs(other.schema)) {
            throw new IllegalArgumentException("profiles of " + schema + " and " + other.schema + " cannot be merged");
        }
        for (int i = 0; i < columns.size(); i++) {
            columns.get(i).merge(other.columns.get(i));
        }
        prediction.merge(other.prediction);
        rows += other.rows;
        if (other.earliest <= other.latest) {
            span(other.earliest, other.latest);
        }
    }

    /** {@return the columns} */
    public Schema schema() {
        return schema;
    }

    /** {@return the rows added} */
    public long rows() {
        return rows;
    }

    /** {@return the earliest time of a row, null if none was told} */
    public @Nullable Instant earliest() {
        return earliest > latest ? null : instant(earliest);
    }

    /** {@return the latest time of a row, null if none was told} */
    public @Nullable Instant latest() {
        return earliest > latest ? null : instant(latest);
    }

    /** {@return the profiles of the columns, in the schema's order} */
    public List<ColumnProfile> columns() {
        return columns;
    }

    /**
     * {@return the profile of a column}
     *
     * @throws IllegalArgumentException if there is no such column; the message lists those that exist
     */
    public ColumnProfile column(String name) {
        return columns.get(schema.indexOf(name));
    }

    /** {@return the profile of the predictions, empty if none was added} */
    public ColumnProfile prediction() {
        return prediction;
    }

    /** {@return the profile as JSON in UTF-8, whole: {@link #fromJson} makes an equal one that can be added to} */
    public byte[] toJson() {
        return ProfileFile.write(this);
    }

    /**
     * {@return the profile that the JSON holds}
     *
     * @param json what {@link #toJson} made
     * @param source where it comes from, for the message: a file
     * @throws dev.flywheel.core.StoreException if the JSON is damaged or of a newer format
     */
    public static Profile fromJson(byte[] json, String source) {
        return ProfileFile.read(json, source);
    }

    long earliestMicros() {
        return earliest;
    }

    long latestMicros() {
        return latest;
    }

    private void span(long from, long to) {
        earliest = Math.min(earliest, from);
        latest = Math.max(latest, to);
    }

    // the same object again needs no second look, and an equal one takes it
    @SuppressWarnings("ReferenceEquality")
    private void check(Schema found) {
        if (found == fits) {
            return;
        }
        if (!startsAs(found)) {
            throw new IllegalArgumentException("a profile of " + schema + " cannot take rows of " + found);
        }
        fits = found;
    }

    private boolean startsAs(Schema rows) {
        Schema found = profiled(rows);
        boolean same = found.size() >= schema.size();
        for (int i = 0; same && i < schema.size(); i++) {
            Column column = schema.column(i);
            same = column.name().equals(found.column(i).name())
                    && column.type() == found.column(i).type();
        }
        return same;
    }

    /** {@return whether the names and types of all columns are these} */
    boolean holdsAs(Schema found) {
        return found.size() == schema.size() && startsAs(found);
    }

    private static Instant instant(long micros) {
        return Instant.ofEpochSecond(Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1_000L);
    }

    @Override
    public String toString() {
        return "Profile[" + schema + ", " + rows + " rows]";
    }
}
