package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The rows of a dataset by the value or the range in which a column falls. */
final class Grouping {

    private static final String MISSING = "(missing)";
    private static final String OTHERS = "(others)";
    // Each further value counts as one of the others: none of them can be frequent by the time this many were met.
    private static final int MOST_VALUES = 10_000;
    private static final int MOST_CATEGORIES = 10;
    private static final int RANGES = 4;

    /** Rows that belong together. */
    static final class Group {

        private final String value;
        private final int[] rows;

        Group(String value, int[] rows) {
            this.value = value;
            this.rows = rows;
        }

        String value() {
            return value;
        }

        /** {@return the positions of the rows; not to be changed} */
        int[] rows() {
            return rows;
        }
    }

    private final List<Group> groups;

    private Grouping(List<Group> groups) {
        this.groups = groups;
    }

    static Grouping of(Dataset dataset, String column) {
        int index = dataset.schema().indexOf(column);
        ColumnType type = dataset.schema().column(index).type();
        return switch (type) {
            case TEXT, BOOLEAN -> byValue(texts(dataset, index, type));
            case NUMBER, INTEGER, TIME, VECTOR -> byNumber(numbers(dataset, index), type);
        };
    }

    /** {@return all groups} */
    List<Group> all() {
        return groups;
    }

    /** {@return the group of each row} */
    String[] names(int rows) {
        String[] names = new String[rows];
        for (Group group : groups) {
            for (int row : group.rows()) {
                names[row] = group.value();
            }
        }
        return names;
    }

    /** {@return the groups of at least so many rows; none if one group holds them all} */
    List<Group> atLeast(int rows) {
        return groups.size() < 2
                ? List.of()
                : groups.stream()
                        .filter(group ->
                                group.rows().length >= rows && !group.value().equals(OTHERS))
                        .toList();
    }

    private static Grouping byValue(String[] values) {
        Map<String, List<Integer>> rows = new HashMap<>();
        for (int row = 0; row < values.length; row++) {
            String key = rows.size() < MOST_VALUES || rows.containsKey(values[row]) ? values[row] : OTHERS;
            rows.computeIfAbsent(key, unused -> new ArrayList<>()).add(row);
        }
        return new Grouping(rows.entrySet().stream()
                .map(entry -> new Group(
                        entry.getKey(),
                        entry.getValue().stream().mapToInt(row -> row).toArray()))
                .sorted(Comparator.comparingInt((Group group) -> -group.rows().length)
                        .thenComparing(Group::value))
                .toList());
    }

    private static Grouping byNumber(double[] values, ColumnType type) {
        double[] sorted = Arrays.stream(values)
                .filter(value -> !Double.isNaN(value))
                .sorted()
                .toArray();
        double[] distinct = Arrays.stream(sorted).distinct().toArray();
        if (type == ColumnType.INTEGER && distinct.length <= MOST_CATEGORIES) {
            return byValue(Arrays.stream(values)
                    .mapToObj(value -> Double.isNaN(value) ? MISSING : Long.toString((long) value))
                    .toArray(String[]::new));
        }
        List<Group> groups = new ArrayList<>();
        double from = Double.NEGATIVE_INFINITY;
        for (int range = 1; range <= RANGES && sorted.length > 0; range++) {
            double last = range == RANGES ? sorted[sorted.length - 1] : sorted[sorted.length * range / RANGES];
            double after = from;
            int[] rows = IntStream.range(0, values.length)
                    .filter(row -> values[row] > after && values[row] <= last)
                    .toArray();
            if (rows.length > 0) {
                double first = Arrays.stream(rows)
                        .mapToDouble(row -> values[row])
                        .min()
                        .orElseThrow();
                groups.add(new Group(range(first, last, type), rows));
                from = last;
            }
        }
        addMissing(values, groups);
        return new Grouping(groups);
    }

    private static void addMissing(double[] values, List<Group> groups) {
        int[] rows = IntStream.range(0, values.length)
                .filter(row -> Double.isNaN(values[row]))
                .toArray();
        if (rows.length > 0) {
            groups.add(new Group(MISSING, rows));
        }
    }

    private static String range(double first, double last, ColumnType type) {
        if (type != ColumnType.TIME) {
            String range = Numbers.brief(first) + " to " + Numbers.brief(last);
            return type == ColumnType.VECTOR ? range + " on average" : range;
        }
        Instant from = Instant.ofEpochSecond((long) first);
        Instant to = Instant.ofEpochSecond((long) last);
        if (ChronoUnit.DAYS.between(from, to) < 2) {
            return from + " to " + to;
        }
        return from.toString().substring(0, 10) + " to " + to.toString().substring(0, 10);
    }

    /** The texts or booleans of a column. */
    static String[] texts(Dataset dataset, int column, ColumnType type) {
        String[] values = new String[Math.toIntExact(dataset.rows())];
        int at = 0;
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    values[at++] = batch.missing(column, row)
                            ? MISSING
                            : type == ColumnType.TEXT
                                    ? batch.text(column, row)
                                    : String.valueOf(batch.bool(column, row));
                }
            }
        }
        return values;
    }

    /** NaN where it is missing; times in seconds since the epoch. */
    static double[] numbers(Dataset dataset, int column) {
        double[] values = new double[Math.toIntExact(dataset.rows())];
        int at = 0;
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    values[at++] = batch.missing(column, row) ? Double.NaN : NumberTally.value(batch, column, row);
                }
            }
        }
        return values;
    }
}
