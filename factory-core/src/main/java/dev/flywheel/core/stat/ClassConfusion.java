package dev.flywheel.core.stat;

import java.util.List;
import java.util.stream.LongStream;

/**
 * How often rows of each class are decided as each class. Immutable. A share whose denominator is 0 is NaN.
 *
 * @param classes the number of classes
 * @param counts the rows of each cell, of shape [actual, decided], row-major
 */
public record ClassConfusion(int classes, List<Long> counts) {

    /**
     * Copies the list.
     *
     * @throws IllegalArgumentException if there is not one count for each pair of classes
     */
    public ClassConfusion {
        counts = List.copyOf(counts);
        if (classes < 1 || counts.size() != classes * classes) {
            throw new IllegalArgumentException(
                    classes + " classes need a count for each pair of them, found " + counts.size() + " counts");
        }
    }

    /**
     * {@return the counts when every row is decided as its most probable class}
     *
     * @param labels the numbers of the classes from 0 on, of shape [rows]
     * @param scores the probabilities, of shape [rows, classes], row-major
     * @throws IllegalArgumentException if a value is not as {@link Metric#ACCURACY} of several classes needs it
     */
    public static ClassConfusion of(double[] labels, double[] scores) {
        Inputs.checkClasses(labels, scores);
        int classes = Decisions.width(labels, scores);
        long[] counts = new long[classes * classes];
        for (int row = 0; row < labels.length; row++) {
            int label = (int) labels[row];
            counts[label * classes + Decisions.of(scores, row, classes)]++;
        }
        return new ClassConfusion(classes, LongStream.of(counts).boxed().toList());
    }

    /** {@return the rows of one class that are decided as another} */
    public long count(int actual, int decided) {
        return counts.get(actual * classes + decided);
    }

    /** {@return the share of rows decided as a class that are of it} */
    public double precision(int of) {
        long decided = LongStream.range(0, classes).map(i -> count((int) i, of)).sum();
        return (double) count(of, of) / decided;
    }

    /** {@return the share of rows of a class that are decided as it} */
    public double recall(int of) {
        long rows = LongStream.range(0, classes).map(i -> count(of, (int) i)).sum();
        return (double) count(of, of) / rows;
    }
}
