package dev.flywheel.core.stat;

import dev.flywheel.core.model.Estimate;
import java.util.ArrayList;
import java.util.List;

/**
 * The curves of a model of probabilities, thinned for drawing. Labels are 0 or 1; both arrays of shape [rows].
 * Thread-safe.
 */
public final class Curves {

    private static final int MOST_POINTS = 200;

    private Curves() {}

    /**
     * A point of a curve.
     *
     * @param x the false positive rate, or the recall
     * @param y the true positive rate, or the precision
     * @param threshold the lowest score that is decided as positive here; infinite where none is
     */
    public record Point(double x, double y, double threshold) {}

    /**
     * A group of rows with similar scores.
     *
     * @param low the lowest score
     * @param high the highest score
     * @param rows the number of rows
     * @param predicted the mean score
     * @param observed the share of positive rows, with Wilson's interval
     */
    public record Bin(double low, double high, long rows, double predicted, Estimate observed) {}

    /**
     * {@return the receiver operating characteristic from (0, 0) to (1, 1), at most 200 points; empty if there is only
     * one class}
     *
     * @throws IllegalArgumentException if the arrays are empty, differ in length, or hold a label other than 0 or 1
     */
    public static List<Point> roc(double[] labels, double[] scores) {
        Inputs.checkBinary(labels, scores);
        int positives = Inputs.positives(labels);
        int negatives = labels.length - positives;
        if (positives == 0 || negatives == 0) {
            return List.of();
        }
        List<Point> points = new ArrayList<>();
        points.add(new Point(0, 0, Double.POSITIVE_INFINITY));
        walk(
                labels,
                scores,
                (hits, rows, threshold) -> points.add(
                        new Point((double) (rows - hits) / negatives, (double) hits / positives, threshold)));
        return thinned(points, 2, point -> point.x() + point.y());
    }

    /**
     * {@return precision over recall, in order of recall, at most 200 points; empty if no row is positive}
     *
     * @throws IllegalArgumentException if the arrays are empty, differ in length, or hold a label other than 0 or 1
     */
    public static List<Point> precisionRecall(double[] labels, double[] scores) {
        Inputs.checkBinary(labels, scores);
        int positives = Inputs.positives(labels);
        if (positives == 0) {
            return List.of();
        }
        List<Point> points = new ArrayList<>();
        walk(
                labels,
                scores,
                (hits, rows, threshold) ->
                        points.add(new Point((double) hits / positives, (double) hits / rows, threshold)));
        return thinned(points, 1, Point::x);
    }

    /**
     * {@return the predicted against the observed rate in groups of equal size, from the lowest to the highest score;
     * rows of one score stay in one group, so there may be fewer groups than {@code bins}} Of several classes, scores
     * of shape [rows, classes], it is the probability of the most probable class against the share of rows that are of
     * it.
     *
     * @param bins the number of groups, at least 1
     * @throws IllegalArgumentException if the arrays are empty, differ in length, or hold a label other than 0 or 1
     */
    public static List<Bin> calibration(double[] labels, double[] scores, int bins) {
        if (Inputs.several(labels, scores)) {
            Inputs.checkClasses(labels, scores);
            return calibration(Decisions.right(labels, scores), Decisions.confidence(labels, scores), bins);
        }
        Inputs.checkBinary(labels, scores);
        if (bins < 1) {
            throw new IllegalArgumentException("a calibration curve needs at least 1 bin, found " + bins);
        }
        int[] order = Ranking.ascending(scores);
        List<Bin> result = new ArrayList<>();
        int start = 0;
        for (int bin = 1; bin <= bins; bin++) {
            int end = (int) ((long) order.length * bin / bins);
            while (end > 0 && end < order.length && scores[order[end]] == scores[order[end - 1]]) {
                end++;
            }
            if (end > start) {
                result.add(bin(labels, scores, order, start, end));
                start = end;
            }
        }
        return List.copyOf(result);
    }

    private static Bin bin(double[] labels, double[] scores, int[] order, int start, int end) {
        long positives = 0;
        double sum = 0;
        for (int i = start; i < end; i++) {
            positives += (long) labels[order[i]];
            sum += scores[order[i]];
        }
        int rows = end - start;
        return new Bin(
                scores[order[start]], scores[order[end - 1]], rows, sum / rows, Proportion.wilson(positives, rows));
    }

    private interface Step {
        void at(int hits, int rows, double threshold);
    }

    private interface Position {
        double of(Point point);
    }

    /** Visits each distinct score from the highest on, with the rows and positives at or above it. */
    private static void walk(double[] labels, double[] scores, Step step) {
        int[] order = Ranking.ascending(scores);
        int hits = 0;
        for (int i = order.length - 1; i >= 0; ) {
            double score = scores[order[i]];
            while (i >= 0 && scores[order[i]] == score) {
                hits += (int) labels[order[i--]];
            }
            step.at(hits, order.length - 1 - i, score);
        }
    }

    /** Keeps the ends and about one point for each of 198 even steps of a position that grows from 0 to length. */
    private static List<Point> thinned(List<Point> points, double length, Position position) {
        if (points.size() <= MOST_POINTS) {
            return List.copyOf(points);
        }
        List<Point> kept = new ArrayList<>();
        kept.add(points.get(0));
        int last = 0;
        for (Point point : points.subList(1, points.size() - 1)) {
            int step = (int) (position.of(point) / length * (MOST_POINTS - 2));
            if (step > last) {
                kept.add(point);
                last = step;
            }
        }
        kept.add(points.get(points.size() - 1));
        return List.copyOf(kept);
    }
}
