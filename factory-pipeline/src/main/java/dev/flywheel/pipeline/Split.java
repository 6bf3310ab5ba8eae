package dev.flywheel.pipeline;

import com.google.common.math.LongMath;
import dev.flywheel.core.DataException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import java.io.Serializable;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Which examples are held back from training to test the candidates on. Immutable. */
public final class Split implements Serializable {

    private static final long serialVersionUID = 1L;

    private static final double VALIDATION = 0.2;

    private enum Kind {
        NEWEST_SHARE,
        NEWEST_TIME,
        RANDOM,
        EVERY_NTH,
        WHERE
    }

    private final Kind kind;
    private final double share;
    private final @Nullable Duration time;
    private final String column;
    private final String value;

    private Split(Kind kind, double share, @Nullable Duration time) {
        this(kind, share, time, "", "");
    }

    private Split(Kind kind, double share, @Nullable Duration time, String column, String value) {
        this.kind = kind;
        this.share = share;
        this.time = time;
        this.column = column;
        this.value = value;
    }

    /**
     * {@return the newest examples by event time: what a model that predicts the future must be tested on. The default,
     * with 0.2, where the source has an event time} Examples of the same time stay together, so there may be more of
     * them.
     *
     * @param share the share of examples, above 0 and below 1
     */
    public static Split newest(double share) {
        return new Split(Kind.NEWEST_SHARE, share("newest", share), null);
    }

    /**
     * {@return the examples of the last stretch of event time}
     *
     * @param time how far back from the newest example, above zero
     */
    public static Split newest(Duration time) {
        if (Objects.requireNonNull(time, "time").isNegative() || time.isZero()) {
            throw new IllegalArgumentException("Split.newest is invalid: found " + time + ", expected above zero");
        }
        return new Split(Kind.NEWEST_TIME, 0, time);
    }

    /**
     * {@return a random choice, the same for the same rows and the same pipeline seed. The default, with 0.2, where the
     * source has no event time}
     *
     * @param share the share of examples, above 0 and below 1
     */
    public static Split random(double share) {
        return new Split(Kind.RANDOM, share("random", share), null);
    }

    /**
     * {@return every n-th example: row i, counted from 0, is a test row when i mod n = n - 1}
     *
     * @param n at least 2
     */
    public static Split everyNth(int n) {
        if (n < 2) {
            throw new IllegalArgumentException("Split.everyNth is invalid: found " + n + ", expected at least 2");
        }
        return new Split(Kind.EVERY_NTH, n, null);
    }

    /**
     * {@return the examples whose text in a column is this: for data that comes with its own test examples} Leave the
     * column out of the features.
     */
    public static Split where(String column, String value) {
        return new Split(
                Kind.WHERE, 0, null, Objects.requireNonNull(column, "column"), Objects.requireNonNull(value, "value"));
    }

    /** {@return the split of examples with or without event times, where none was chosen} */
    static Split byDefault(boolean timed) {
        return timed ? newest(0.2) : random(0.2);
    }

    String describe() {
        return switch (kind) {
            case NEWEST_SHARE -> "newest " + share;
            case NEWEST_TIME -> "newest " + time;
            case RANDOM -> "random " + share;
            case EVERY_NTH -> "one in every " + (int) share;
            case WHERE -> "where " + column + " is \"" + value + "\"";
        };
    }

    /**
     * {@return the rows to test on}
     *
     * @throws DataException if no row is left to test or to train on, or if the examples have no event time to go by
     */
    BitSet testRows(Dataset examples, long seed) {
        int rows = Math.toIntExact(examples.rows());
        BitSet test = heldRows(examples, seed);
        if (test.isEmpty() || test.cardinality() == rows) {
            throw impossible(
                    rows,
                    test.isEmpty() ? "no example is left to test on" : "no example is left to train on",
                    "bring more examples or choose another split");
        }
        return test;
    }

    private BitSet heldRows(Dataset examples, long seed) {
        int rows = Math.toIntExact(examples.rows());
        BitSet test = new BitSet(rows);
        switch (kind) {
            case RANDOM -> {
                for (int row = 0; row < rows; row++) {
                    if ((mix(seed + row * 0x9E3779B97F4A7C15L) >>> 11) * 0x1.0p-53 < share) {
                        test.set(row);
                    }
                }
            }
            case EVERY_NTH -> {
                int n = (int) share;
                for (int row = n - 1; row < rows; row += n) {
                    test.set(row);
                }
            }
            case NEWEST_SHARE, NEWEST_TIME -> newest(times(examples), test);
            case WHERE -> where(examples, test);
        }
        return test;
    }

    private void where(Dataset examples, BitSet test) {
        Schema schema = examples.schema();
        if (!schema.contains(column) || schema.column(schema.indexOf(column)).type() != ColumnType.TEXT) {
            throw impossible(
                    examples.rows(),
                    "they have no column \"" + column + "\" of texts, only " + schema,
                    "name a column of the source that holds texts, or choose another split");
        }
        int place = schema.indexOf(column);
        int row = 0;
        try (Scan scan = examples.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int i = 0; i < batch.rows(); i++, row++) {
                    test.set(
                            row,
                            !batch.missing(place, i) && batch.text(place, i).equals(value));
                }
            }
        }
    }

    /**
     * {@return the training rows to compare candidates on: a fifth of them, the newest where the test rows are, else
     * chosen at random; none if they, or what is left, would be of one class where there are more}
     *
     * @param classes the classes of the rows
     */
    BitSet validationRows(Dataset train, double[] classes, long seed) {
        boolean timed = kind == Kind.NEWEST_SHARE || kind == Kind.NEWEST_TIME;
        // Rows keep their place up to the first test row, and those that drew no test would draw no validation.
        long other = ~seed;
        for (Split split : timed ? List.of(newest(VALIDATION), random(VALIDATION)) : List.of(random(VALIDATION))) {
            BitSet rows = split.heldRows(train, other);
            long fewest = Math.min(classes(classes, rows, true), classes(classes, rows, false));
            if (fewest >= Math.min(2, Arrays.stream(classes).distinct().count())) {
                return rows;
            }
        }
        return new BitSet();
    }

    private static long classes(double[] classes, BitSet rows, boolean held) {
        return IntStream.range(0, classes.length)
                .filter(row -> rows.get(row) == held)
                .mapToDouble(row -> classes[row])
                .distinct()
                .count();
    }

    private long[] times(Dataset examples) {
        if (!Examples.hasTimes(examples)) {
            throw impossible(
                    examples.rows(),
                    "the source tells no event time",
                    "name its column with eventTime(...), or choose another split");
        }
        return Examples.times(examples);
    }

    private DataException impossible(long rows, String why, String fix) {
        return new DataException("split \"" + describe() + "\" of " + rows + " examples", why, fix);
    }

    private void newest(long[] times, BitSet test) {
        long from;
        if (kind == Kind.NEWEST_TIME) {
            long newest = Arrays.stream(times).max().orElse(Long.MIN_VALUE);
            from = LongMath.saturatedSubtract(newest, TimeUnit.MICROSECONDS.convert(Objects.requireNonNull(time))) + 1;
        } else {
            long[] sorted = times.clone();
            Arrays.sort(sorted);
            from = sorted.length == 0
                    ? 0
                    : sorted[(int) Math.min(sorted.length - 1L, Math.round(sorted.length * (1 - share)))];
        }
        for (int row = 0; row < times.length; row++) {
            if (times[row] >= from) {
                test.set(row);
            }
        }
    }

    /**
     * The finalizer of SplitMix64 (Steele, Lea, Flood, 2014): a row's draw depends on its position and the seed alone.
     */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    private static double share(String factory, double share) {
        if (!(share > 0 && share < 1)) {
            throw new IllegalArgumentException(
                    "Split." + factory + " is invalid: found " + share + ", expected above 0 and below 1");
        }
        return share;
    }
}
