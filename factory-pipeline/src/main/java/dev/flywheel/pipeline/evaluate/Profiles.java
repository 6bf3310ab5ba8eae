package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the columns of a dataset hold: missing values, ranges, quantiles, frequent values. Thread-safe. */
public final class Profiles {

    private Profiles() {}

    /**
     * One column. Immutable. Exactly one of {@code text}, {@code numeric} and {@code times} is there, none if every
     * value is missing or they are not to be told.
     *
     * @param name the column's name
     * @param type the column's type
     * @param rows the number of rows
     * @param missing the number of rows without a value
     * @param text for TEXT and BOOLEAN columns
     * @param numeric for NUMBER and INTEGER columns, and for VECTOR columns of the mean of each row's numbers
     * @param times for TIME columns
     */
    public record ColumnProfile(
            String name,
            ColumnType type,
            long rows,
            long missing,
            @Nullable Text text,
            @Nullable Numeric numeric,
            @Nullable Times times) {

        /** {@return the share of rows without a value, from 0 to 1; 0 if there are no rows} */
        public double missingShare() {
            return rows == 0 ? 0 : (double) missing / rows;
        }

        /** {@return the same without what it tells of values} */
        public ColumnProfile withoutValues() {
            return new ColumnProfile(name, type, rows, missing, null, null, null);
        }
    }

    /**
     * Values of a TEXT or BOOLEAN column. Immutable.
     *
     * @param distinct the number of different values
     * @param precision whether that number and the counts are exact
     * @param top the most frequent values, the most frequent first, at most 8, each cut after 120 characters
     */
    public record Text(long distinct, Precision precision, List<TopValue> top) {

        /** Copies the list. */
        public Text {
            top = List.copyOf(top);
        }
    }

    /** How far a count can be trusted. */
    public enum Precision {
        /** Every value was counted. */
        EXACT,
        /** There were too many different values to count each. */
        ESTIMATED
    }

    /**
     * A value and how often it occurs. Immutable.
     *
     * @param value the value
     * @param rows the number of rows that hold it
     */
    public record TopValue(String value, long rows) {}

    /**
     * Values of a NUMBER or INTEGER column, or the means of the vectors of a VECTOR column. Immutable.
     *
     * @param min the lowest value
     * @param mean the mean
     * @param deviation the standard deviation of the sample; 0 for a single value
     * @param max the highest value
     * @param quantiles the 5%, 25%, 50%, 75% and 95% quantiles; of a sample where there are more than 8,192 values
     * @param histogram the distribution, of the same sample
     */
    public record Numeric(
            double min, double mean, double deviation, double max, List<Double> quantiles, Histogram histogram) {

        /** Copies the list. */
        public Numeric {
            quantiles = List.copyOf(quantiles);
        }
    }

    /**
     * Values of a TIME column. Immutable.
     *
     * @param first the earliest instant
     * @param last the latest instant
     * @param histogram the distribution over epoch seconds; of a sample where there are more than 8,192 values
     */
    public record Times(Instant first, Instant last, Histogram histogram) {}

    /**
     * {@return the profile of each column, in order} Reads the dataset once. Memory does not grow with the rows: at
     * most 8,192 numbers or some 20,000 different texts a column are held, and beyond that the numbers are estimates.
     */
    public static List<ColumnProfile> of(Dataset dataset) {
        Schema schema = dataset.schema();
        List<Tally> tallies = new ArrayList<>();
        for (Column column : schema.columns()) {
            tallies.add(Tally.of(column));
        }
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int column = 0; column < schema.size(); column++) {
                    tallies.get(column).add(batch, column);
                }
            }
        }
        return tallies.stream().map(Tally::profile).toList();
    }

    /** The running sums of one column. */
    abstract static class Tally {

        private final Column column;
        private long rows;
        private long missing;

        Tally(Column column) {
            this.column = column;
        }

        static Tally of(Column column) {
            return switch (column.type()) {
                case NUMBER, INTEGER, TIME, VECTOR -> new NumberTally(column);
                case TEXT, BOOLEAN -> new TextTally(column);
            };
        }

        final void add(Batch batch, int index) {
            for (int row = 0; row < batch.rows(); row++) {
                rows++;
                if (batch.missing(index, row)) {
                    missing++;
                } else {
                    add(batch, index, row);
                }
            }
        }

        abstract void add(Batch batch, int index, int row);

        abstract ColumnProfile profile(Shell shell);

        final ColumnProfile profile() {
            return rows == missing
                    ? new ColumnProfile(column.name(), column.type(), rows, missing, null, null, null)
                    : profile(new Shell(column, rows, missing));
        }
    }

    /** The part of a profile that all types share. */
    record Shell(Column column, long rows, long missing) {

        ColumnProfile with(@Nullable Text text, @Nullable Numeric numeric, @Nullable Times times) {
            return new ColumnProfile(column.name(), column.type(), rows, missing, text, numeric, times);
        }
    }
}
