package dev.flywheel.core.stat.drift;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.RowReader;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a column's values look like, in constant memory: how many, how many missing; of NUMBER, INTEGER and TIME (in
 * microseconds since 1970) mean, variance, extremes and quantiles; of TEXT and BOOLEAN the categories. Numbers take at
 * most 45 KB, categories at most 1,024 texts of 64 characters (250 KB, and that only where a column is full of long
 * texts). A number that is NaN or infinite counts as missing. Not thread-safe; one for each thread, then {@code merge}.
 *
 * <p>Quantiles come from a KLL sketch (Karnin, Lang and Liberty 2016): exact up to 1,024 values, then with a rank error
 * below 0.27% (99% confidence). Mean and variance are Welford's, merged after Chan et al. Categories are exact up to
 * 512 different texts; beyond, the most frequent 256 are held with counts that are short by at most rows / 257 (Misra
 * and Gries 1982), and the number of different texts is estimated by HyperLogLog with a standard error of 1.6%.
 */
public final class ColumnProfile {

    private final Column column;
    private final @Nullable Numbers numbers;
    private final @Nullable Categories categories;
    private long missing;

    /** The two summaries of a column of numbers. */
    record Numbers(Moments moments, Kll ranks) {
        void add(double value) {
            moments.add(value);
            ranks.add(value);
        }

        void merge(Numbers other) {
            moments.merge(other.moments);
            ranks.merge(other.ranks);
        }
    }

    ColumnProfile(Column column, @Nullable Numbers numbers, @Nullable Categories categories, long missing) {
        this.column = column;
        this.numbers = numbers;
        this.categories = categories;
        this.missing = missing;
    }

    static ColumnProfile of(Column column) {
        boolean categorical = column.type() == ColumnType.TEXT || column.type() == ColumnType.BOOLEAN;
        return categorical
                ? new ColumnProfile(column, null, new Categories(), 0)
                : new ColumnProfile(column, new Numbers(new Moments(), new Kll()), null, 0);
    }

    /** {@return an empty profile that counts the categories of this one exactly} */
    ColumnProfile fresh() {
        return categories == null ? of(column) : new ColumnProfile(column, null, categories.fresh(), 0);
    }

    void add(RowReader row, int position) {
        if (row.missing(position)) {
            missing++;
            return;
        }
        switch (column.type()) {
            case NUMBER -> add(row.number(position));
            case INTEGER -> add((double) row.integer(position));
            case TIME -> add((double) row.time(position));
            case BOOLEAN -> texts().add(row.bool(position) ? "true" : "false");
            case TEXT -> texts().add(row.text(position));
            case VECTOR -> throw new IllegalStateException("a profile has a vector's summaries in its place");
        }
    }

    void add(double value) {
        // one comparison finds NaN and both infinities
        if (!(Math.abs(value) <= Double.MAX_VALUE)) {
            missing++;
        } else if (numbers != null) {
            numbers.add(value);
        } else {
            texts().add(Long.toString((long) value));
        }
    }

    void merge(ColumnProfile other) {
        missing += other.missing;
        if (numbers != null) {
            numbers.merge(other.numbers());
        } else {
            texts().merge(other.texts());
        }
    }

    /** {@return the column's name} */
    public String name() {
        return column.name();
    }

    /** {@return the kind of its values} */
    public ColumnType type() {
        return column.type();
    }

    /** {@return the rows that have a value} */
    public long count() {
        return numbers != null ? numbers.moments.count : texts().total();
    }

    /** {@return the rows without a value} */
    public long missing() {
        return missing;
    }

    /** {@return the rows added, with a value and without} */
    public long rows() {
        return count() + missing;
    }

    /** {@return the share of the rows without a value, 0 to 1; NaN without rows} */
    public double missingShare() {
        return (double) missing / rows();
    }

    /**
     * {@return the mean; NaN without values}
     *
     * @throws IllegalStateException if the column holds categories
     */
    public double mean() {
        return numbers().moments.count == 0 ? Double.NaN : numbers().moments.mean;
    }

    /**
     * {@return the standard deviation of the rows there are (divided by n); NaN without values}
     *
     * @throws IllegalStateException if the column holds categories
     */
    public double deviation() {
        return Math.sqrt(numbers().moments.variance());
    }

    /**
     * {@return the least value, exact; NaN without values}
     *
     * @throws IllegalStateException if the column holds categories
     */
    public double min() {
        return numbers().moments.count == 0 ? Double.NaN : numbers().moments.min;
    }

    /**
     * {@return the greatest value, exact; NaN without values}
     *
     * @throws IllegalStateException if the column holds categories
     */
    public double max() {
        return numbers().moments.count == 0 ? Double.NaN : numbers().moments.max;
    }

    /**
     * {@return a quantile; NaN without values}
     *
     * @param p the share of rows below it, 0 to 1
     * @throws IllegalArgumentException if p is not a share
     * @throws IllegalStateException if the column holds categories
     */
    public double quantile(double p) {
        if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException("a quantile needs a share from 0 to 1, found " + p);
        }
        if (numbers().moments.count == 0) {
            return Double.NaN;
        }
        return p == 0 ? min() : p == 1 ? max() : numbers().ranks.weighted().quantile(p);
    }

    /**
     * {@return the categories that are held, the most frequent first, with their counts}
     *
     * @throws IllegalStateException if the column holds numbers
     */
    public Map<String, Long> categories() {
        Map<String, Long> sorted = new LinkedHashMap<>();
        texts().counts().entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .forEach(e -> sorted.put(e.getKey(), e.getValue()));
        return sorted;
    }

    /**
     * {@return how many categories there were: exact where all are held, else estimated}
     *
     * @throws IllegalStateException if the column holds numbers
     */
    public long distinct() {
        return texts().distinct();
    }

    Column column() {
        return column;
    }

    Numbers numbers() {
        if (numbers == null) {
            throw new IllegalStateException("column \"" + name() + "\" holds categories, not numbers");
        }
        return numbers;
    }

    Categories texts() {
        if (categories == null) {
            throw new IllegalStateException("column \"" + name() + "\" holds numbers, not categories");
        }
        return categories;
    }

    boolean numeric() {
        return numbers != null;
    }

    @Override
    public String toString() {
        return "ColumnProfile[" + column.name() + ", " + count() + " values, " + missing + " missing]";
    }
}
