package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.ClassConfusion;
import dev.flywheel.core.stat.Confusion;
import dev.flywheel.core.stat.Curves;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * What the charts of a model show, small enough to keep. Immutable. The parts of the other task are empty or null.
 *
 * @param roc the receiver operating characteristic
 * @param precisionRecall precision over recall
 * @param calibration predicted against observed rate in ten groups of rows; of several classes, that of the most
 *     probable
 * @param confusion the decisions at 0.5
 * @param classes the decisions between several classes
 * @param grid predicted against actual values
 * @param residuals prediction minus outcome
 */
public record Diagnostics(
        List<Curves.Point> roc,
        List<Curves.Point> precisionRecall,
        List<Curves.Bin> calibration,
        @Nullable Confusion confusion,
        @Nullable ClassConfusion classes,
        @Nullable Grid grid,
        @Nullable Histogram residuals) {

    private static final int CALIBRATION_BINS = 10;
    private static final int RESIDUAL_BINS = 40;

    /** Copies the lists. */
    public Diagnostics {
        roc = List.copyOf(roc);
        precisionRecall = List.copyOf(precisionRecall);
        calibration = List.copyOf(calibration);
    }

    /**
     * Counts of rows by predicted and actual value, both cut into the same ranges. Immutable.
     *
     * @param low where the first range starts; rows below are counted in it
     * @param high where the last range ends; rows above are counted in it
     * @param size the number of ranges
     * @param counts the rows of each cell, of shape [actual, predicted], row-major
     */
    public record Grid(double low, double high, int size, List<Long> counts) {

        /** The number of ranges on each axis. */
        static final int SIZE = 32;

        private static final double TAIL = 0.005;

        /** Copies the list. */
        public Grid {
            counts = List.copyOf(counts);
        }

        static Grid of(double[] actual, double[] predicted) {
            double[] all = Arrays.copyOf(actual, actual.length + predicted.length);
            System.arraycopy(predicted, 0, all, actual.length, predicted.length);
            Arrays.sort(all);
            double low = Histogram.quantile(all, TAIL);
            double high = Histogram.quantile(all, 1 - TAIL);
            long[] counts = new long[SIZE * SIZE];
            for (int i = 0; i < actual.length; i++) {
                counts[cell(actual[i], low, high) * SIZE + cell(predicted[i], low, high)]++;
            }
            return new Grid(low, high, SIZE, LongStream.of(counts).boxed().toList());
        }

        private static int cell(double value, double low, double high) {
            return high == low ? 0 : (int) Math.max(0, Math.min(SIZE - 1, (value - low) / (high - low) * SIZE));
        }
    }

    /**
     * {@return the diagnostics of a model; empty if it predicts something impossible, such as NaN}
     *
     * @param labels the outcomes, of shape [rows]
     * @param scores the predictions, of shape [rows], or [rows, classes]
     * @throws IllegalArgumentException if the arrays are empty or differ in length
     */
    public static Diagnostics of(Task task, double[] labels, double[] scores) {
        if (!Evaluation.fault(task, labels, scores).isEmpty()) {
            return new Diagnostics(List.of(), List.of(), List.of(), null, null, null, null);
        }
        if (task == Task.BINARY) {
            return new Diagnostics(
                    Curves.roc(labels, scores),
                    Curves.precisionRecall(labels, scores),
                    Curves.calibration(labels, scores, CALIBRATION_BINS),
                    Confusion.of(labels, scores, 0.5),
                    null,
                    null,
                    null);
        }
        if (task == Task.MULTICLASS) {
            return new Diagnostics(
                    List.of(),
                    List.of(),
                    Curves.calibration(labels, scores, CALIBRATION_BINS),
                    null,
                    ClassConfusion.of(labels, scores),
                    null,
                    null);
        }
        double[] residuals = new double[labels.length];
        Arrays.setAll(residuals, i -> scores[i] - labels[i]);
        return new Diagnostics(
                List.of(),
                List.of(),
                List.of(),
                null,
                null,
                Grid.of(labels, scores),
                Histogram.of(residuals, RESIDUAL_BINS));
    }
}
