package dev.flywheel.pipeline.evaluate;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.source.Source;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Signs that a test is easier than the future will be: test rows that were trained on, a column that gives the label
 * away, a test older than what was learned from. Thread-safe.
 */
public final class Leakage {

    /** A column whose ROC AUC or R squared alone is this good is suspicious. */
    private static final double SUSPICIOUS = 0.99;

    /** With fewer rows of a class, or fewer rows at all, a column may look so by chance. */
    private static final int FEWEST = 10;

    private static final int BINS = 50;

    private Leakage() {}

    /**
     * {@return each sign that there is, as a sentence without a full stop}
     *
     * @param train the training rows: inputs, the label, and where there is one the event time
     * @param test the test rows, of the same schema
     */
    public static List<String> find(Dataset train, Dataset test, Task task) {
        List<String> found = new ArrayList<>();
        List<Column> inputs = test.schema().columns().stream()
                .filter(column -> !column.name().startsWith("$"))
                .toList();
        twins(train, test, inputs, found);
        if (tellsColumns(test, task)) {
            double[] learned = numbers(train, Source.LABEL);
            double[] labels = numbers(test, Source.LABEL);
            for (Column column : inputs) {
                giveaway(train, test, column, learned, labels, task, found);
            }
        }
        return found;
    }

    /**
     * {@return whether a column that gives the label away would be found: not for several classes, and not where test
     * rows, or those of one label, are fewer than 10}
     */
    public static boolean tellsColumns(Dataset test, Task task) {
        return task != Task.MULTICLASS && enough(numbers(test, Source.LABEL), task);
    }

    /** Among rows of few columns twins are no surprise, so that those within the training rows are told beside. */
    private static void twins(Dataset train, Dataset test, List<Column> inputs, List<String> found) {
        long[] known = hashes(train, inputs);
        Arrays.sort(known);
        long seen = Arrays.stream(hashes(test, inputs))
                .filter(hash -> Arrays.binarySearch(known, hash) >= 0)
                .count();
        if (seen > 0) {
            long repeated = IntStream.range(0, known.length)
                    .filter(i ->
                            (i > 0 && known[i] == known[i - 1]) || (i + 1 < known.length && known[i] == known[i + 1]))
                    .count();
            found.add(String.format(
                    Locale.ROOT,
                    "%,d of %,d test rows (%.1f%%) have the same inputs as a training row; within the training rows"
                            + " %.1f%% are alike",
                    seen,
                    test.rows(),
                    100.0 * seen / test.rows(),
                    100.0 * repeated / known.length));
        }
        if (test.schema().contains(Source.TIME) && train.rows() > 0) {
            double newest = Arrays.stream(numbers(train, Source.TIME)).max().orElseThrow();
            long older = Arrays.stream(numbers(test, Source.TIME))
                    .filter(time -> time < newest)
                    .count();
            if (older > 0) {
                found.add(String.format(
                        Locale.ROOT,
                        "%,d of %,d test rows are older than the newest training row, so that the test is no forecast",
                        older,
                        test.rows()));
            }
        }
    }

    private static long[] hashes(Dataset rows, List<Column> inputs) {
        int[] columns = inputs.stream()
                .mapToInt(column -> rows.schema().indexOf(column.name()))
                .toArray();
        long[] hashes = new long[Math.toIntExact(rows.rows())];
        int at = 0;
        try (Scan scan = rows.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    Hasher hasher = Hashing.murmur3_128().newHasher();
                    for (int column : columns) {
                        put(hasher, batch, column, row);
                    }
                    hashes[at++] = hasher.hash().asLong();
                }
            }
        }
        return hashes;
    }

    private static void put(Hasher hasher, Batch batch, int column, int row) {
        boolean missing = batch.missing(column, row);
        hasher.putBoolean(missing);
        if (missing) {
            return;
        }
        switch (batch.schema().column(column).type()) {
            case NUMBER -> hasher.putDouble(batch.number(column, row));
            case INTEGER -> hasher.putLong(batch.integer(column, row));
            case BOOLEAN -> hasher.putBoolean(batch.bool(column, row));
            case TEXT -> {
                byte[] text = batch.text(column, row).getBytes(StandardCharsets.UTF_8);
                hasher.putInt(text.length).putBytes(text);
            }
            case TIME -> hasher.putLong(batch.time(column, row));
            case VECTOR -> {
                for (float value : batch.vector(column, row)) {
                    hasher.putFloat(value);
                }
            }
        }
    }

    private static boolean enough(double[] labels, Task task) {
        if (task == Task.REGRESSION) {
            return labels.length >= FEWEST && Arrays.stream(labels).distinct().count() > 1;
        }
        long positives = Arrays.stream(labels).filter(label -> label == 1).count();
        return Math.min(positives, labels.length - positives) >= FEWEST;
    }

    /** By the mean label of each value, or each range of values, in the training rows; and by the number as it is. */
    private static void giveaway(
            Dataset train,
            Dataset test,
            Column column,
            double[] learned,
            double[] labels,
            Task task,
            List<String> found) {
        double best = Double.NEGATIVE_INFINITY;
        if (column.type() == ColumnType.TEXT || column.type() == ColumnType.BOOLEAN) {
            best = strength(labels, means(texts(train, column), texts(test, column), learned), task);
        } else {
            double[] from = numbers(train, column.name());
            double[] to = numbers(test, column.name());
            double[] bounds = bounds(from);
            best = strength(labels, means(ranges(from, bounds), ranges(to, bounds), learned), task);
            if (Arrays.stream(from).noneMatch(Double::isNaN)
                    && Arrays.stream(to).noneMatch(Double::isNaN)) {
                best = Math.max(best, strength(labels, line(from, learned, to), task));
            }
        }
        if (best >= SUSPICIOUS) {
            found.add(String.format(
                    Locale.ROOT,
                    "column \"%s\" alone predicts the label of the test rows with a %s of %.4f: is it known before the"
                            + " outcome?",
                    column.name(),
                    metric(task).label(),
                    best));
        }
    }

    private static Metric metric(Task task) {
        return task == Task.BINARY ? Metric.ROC_AUC : Metric.R2;
    }

    private static double strength(double[] labels, double[] predictions, Task task) {
        if (task == Task.BINARY) {
            return Metrics.estimate(Metric.ROC_AUC, labels, predictions).value();
        }
        double mean = Arrays.stream(labels).average().orElseThrow();
        double left = 0;
        double all = 0;
        for (int i = 0; i < labels.length; i++) {
            left += (labels[i] - predictions[i]) * (labels[i] - predictions[i]);
            all += (labels[i] - mean) * (labels[i] - mean);
        }
        return 1 - left / all;
    }

    private static double[] means(Object[] from, Object[] to, double[] learned) {
        Map<Object, double[]> sums = new HashMap<>();
        for (int row = 0; row < from.length; row++) {
            double[] sum = sums.computeIfAbsent(from[row], unused -> new double[2]);
            sum[0] += learned[row];
            sum[1]++;
        }
        double[] all = {Arrays.stream(learned).sum(), learned.length};
        return Arrays.stream(to)
                .map(value -> sums.getOrDefault(value, all))
                .mapToDouble(sum -> sum[0] / sum[1])
                .toArray();
    }

    private static double[] bounds(double[] values) {
        double[] sorted = Arrays.stream(values)
                .filter(value -> !Double.isNaN(value))
                .sorted()
                .toArray();
        return sorted.length == 0
                ? sorted
                : IntStream.range(1, BINS)
                        .mapToDouble(bin -> sorted[(int) ((long) sorted.length * bin / BINS)])
                        .toArray();
    }

    private static Integer[] ranges(double[] values, double[] bounds) {
        return Arrays.stream(values)
                .mapToObj(value -> {
                    int at = Arrays.binarySearch(bounds, value);
                    return Double.isNaN(value) ? Integer.valueOf(-1) : Integer.valueOf(at < 0 ? -1 - at : at + 1);
                })
                .toArray(Integer[]::new);
    }

    /** Least squares of the label on the number. */
    private static double[] line(double[] from, double[] learned, double[] to) {
        double meanX = Arrays.stream(from).average().orElseThrow();
        double meanY = Arrays.stream(learned).average().orElseThrow();
        double xx = 0;
        double xy = 0;
        for (int i = 0; i < from.length; i++) {
            xx += (from[i] - meanX) * (from[i] - meanX);
            xy += (from[i] - meanX) * (learned[i] - meanY);
        }
        double slope = xx == 0 ? 0 : xy / xx;
        return Arrays.stream(to).map(x -> meanY + slope * (x - meanX)).toArray();
    }

    private static String[] texts(Dataset rows, Column column) {
        return Grouping.texts(rows, rows.schema().indexOf(column.name()), column.type());
    }

    private static double[] numbers(Dataset rows, String column) {
        return Grouping.numbers(rows, rows.schema().indexOf(column));
    }
}
