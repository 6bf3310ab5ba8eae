package dev.flywheel.pipeline.train;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.model.Task;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Training rows in two parts: to learn from, and to judge by. Immutable.
 *
 * @param how which ones are held back, in words
 */
record Holdout(FeatureMatrix learned, FeatureMatrix held, String how) {

    private static final double SHARE = 0.2;

    /** Where the rows of both parts are. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Cut(int[] learned, int[] held, String how) {

        /** @throws TrainingException if the rows to judge by are of one class */
        Holdout of(FeatureMatrix matrix, Task task, String who) {
            Holdout holdout = new Holdout(matrix.select(learned), matrix.select(held), how);
            if (task != Task.REGRESSION) {
                requireBoth(holdout.held.labels(), how, who);
            }
            return holdout;
        }
    }

    /**
     * A fifth is held back. Of a mix of classes, both parts get each. The features have learned from all rows.
     *
     * @param who who judges by the rows that are held back, for messages
     */
    static Holdout of(FeatureMatrix matrix, Task task, long seed, String who) {
        return cut(matrix, task, seed, who).of(matrix, task, who);
    }

    /**
     * What a search judges its trials by: a fifth, or the test rows of folds. The features have learned from no row
     * that is held back.
     */
    static List<Holdout> apart(FeatureMatrix matrix, Task task, long seed, @Nullable Folds folds) {
        String who = "a search";
        List<Cut> cuts = folds == null ? List.of(cut(matrix, task, seed, who)) : cuts(matrix, folds);
        return cuts.stream()
                .map(cut -> cut.of(matrix.refitted(cut.learned), task, who))
                .toList();
    }

    private static List<Cut> cuts(FeatureMatrix matrix, Folds folds) {
        if (!matrix.hasTimes()) {
            throw new TrainingException(
                    "a search cannot cut folds: " + folds.describe(),
                    "the source tells no event time",
                    "name its column with eventTime(...), or search without folds");
        }
        return folds.of(matrix.times()).stream()
                .map(fold -> new Cut(fold.train(), fold.test(), "in folds: " + folds.describe()))
                .toList();
    }

    private static Cut cut(FeatureMatrix matrix, Task task, long seed, String who) {
        BitSet held = matrix.hasTimes() ? newest(matrix.times()) : new BitSet();
        String how = "the newest by event time";
        if (held.isEmpty() || held.cardinality() == matrix.rows()) {
            held = random(task == Task.REGRESSION ? new double[matrix.rows()] : matrix.labels(), seed);
            how = "at random";
        }
        int[] to = held.stream().toArray();
        BitSet chosen = held;
        int[] from = IntStream.range(0, matrix.rows())
                .filter(row -> !chosen.get(row))
                .toArray();
        if (from.length == 0 || to.length == 0) {
            throw new TrainingException(
                    who + " cannot hold rows back",
                    "there are " + matrix.rows() + " training rows",
                    "train on more rows, or without " + who);
        }
        return new Cut(from, to, how);
    }

    private static void requireBoth(double[] labels, String how, String who) {
        if (Arrays.stream(labels).distinct().count() < 2) {
            throw new TrainingException(
                    who + " has nothing to judge by",
                    "the " + labels.length + " rows that it holds back, " + how + ", are all of class "
                            + Settings.plain(labels[0]),
                    "train on a longer stretch of data, or without " + who);
        }
    }

    /** Rows of the same time stay together. */
    private static BitSet newest(long[] times) {
        long[] sorted = times.clone();
        Arrays.sort(sorted);
        BitSet newest = new BitSet();
        if (sorted.length > 0) {
            long from = sorted[(int) Math.min(sorted.length - 1L, Math.round(sorted.length * (1 - SHARE)))];
            IntStream.range(0, times.length).filter(row -> times[row] >= from).forEach(newest::set);
        }
        return newest;
    }

    /** The same share of rows of each label class; a class of several rows is in both parts. */
    private static BitSet random(double[] classes, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        BitSet held = new BitSet();
        for (double label : Arrays.stream(classes).distinct().sorted().toArray()) {
            int[] rows = IntStream.range(0, classes.length)
                    .filter(row -> classes[row] == label)
                    .toArray();
            int count = (int) Math.min(rows.length - 1L, Math.max(1, Math.round(rows.length * SHARE)));
            for (int chosen = 0; chosen < count; chosen++) {
                int place = chosen + random.nextInt(rows.length - chosen);
                held.set(rows[place]);
                rows[place] = rows[chosen];
            }
        }
        return held;
    }
}
