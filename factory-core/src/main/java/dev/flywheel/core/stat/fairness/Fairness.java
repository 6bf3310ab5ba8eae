package dev.flywheel.core.stat.fairness;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Confusion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * How far apart a binary model decides for the groups of some rows. Immutable.
 *
 * <p>A group is judged by a rate only if that is a share of at least {@link #FEWEST_ROWS} of its rows: of the true
 * positive rate, so many positive ones. With fewer, Wilson's interval is wider than a third of all that is possible,
 * and the most extreme of several such groups is extreme by chance. Groups with fewer are named by {@link #tooFew}, and
 * count in {@link #overall}.
 *
 * <p>Distances are those of the two groups farthest apart. Their 95% intervals hold for the farthest of all pairs, not
 * only for a pair chosen beforehand: each pair's interval is at the confidence that makes all of them hold together
 * (Bonferroni), and is made of both groups' Wilson intervals (differences: Newcombe, Statistics in Medicine 17, 1998;
 * ratios: Donner and Zou, Statistical Methods in Medical Research 21, 2012).
 */
public final class Fairness {

    /** Of how many rows a rate must be a share, so that a group is judged by it. */
    public static final int FEWEST_ROWS = 30;

    private static final String SEPARATOR = " & ";

    private final Group overall;
    private final List<Group> groups;
    private final int fewest;

    private Fairness(Group overall, List<Group> groups, int fewest) {
        this.overall = overall;
        this.groups = groups;
        this.fewest = fewest;
    }

    /**
     * {@return how a model decides for each group}
     *
     * @param labels 0 or 1, of shape [rows]
     * @param scores of shape [rows]
     * @param threshold the score from which on a row is decided as positive
     * @param groups the group of each row, of shape [rows]; see {@link #intersection}
     * @throws IllegalArgumentException if the arrays are empty or differ in length, a score is not finite, or a label
     *     is not 0 or 1
     */
    public static Fairness of(double[] labels, double[] scores, double threshold, String[] groups) {
        double[] ones = new double[labels.length];
        Arrays.fill(ones, 1);
        return of(labels, scores, threshold, groups, ones);
    }

    /**
     * {@return how a model decides for each group, where rows count by weight}
     *
     * @param weights 0 or more, of shape [rows]
     * @throws IllegalArgumentException as without weights, or if a weight is negative or not finite
     */
    public static Fairness of(double[] labels, double[] scores, double threshold, String[] groups, double[] weights) {
        Confusion.of(labels, scores, threshold); // refuses what is no binary model
        if (groups.length != labels.length || weights.length != labels.length) {
            throw new IllegalArgumentException("each of " + labels.length + " rows needs a group and a weight, found "
                    + groups.length + " groups and " + weights.length + " weights");
        }
        Map<String, List<Integer>> members = new TreeMap<>();
        for (int row = 0; row < groups.length; row++) {
            if (!(weights[row] >= 0 && weights[row] < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException(
                        "the weight of row " + row + " is " + weights[row] + ", expected 0 or more");
            }
            members.computeIfAbsent(groups[row], unused -> new ArrayList<>()).add(row);
        }
        List<Group> found = new ArrayList<>();
        members.forEach((name, rows) -> {
            int[] at = rows.stream().mapToInt(row -> row).toArray();
            found.add(new Group(name, pick(labels, at), pick(scores, at), threshold, pick(weights, at)));
        });
        Group all = new Group("all", labels.clone(), scores.clone(), threshold, weights);
        return new Fairness(all, List.copyOf(found), FEWEST_ROWS);
    }

    /**
     * {@return the groups of rows that have all attributes in common, named like {@code woman & over 60}}
     *
     * @param attributes one or more, each of shape [rows]
     * @throws IllegalArgumentException if there is none, or they differ in length
     */
    public static String[] intersection(String[]... attributes) {
        if (attributes.length == 0
                || Arrays.stream(attributes)
                                .mapToInt(values -> values.length)
                                .distinct()
                                .count()
                        > 1) {
            throw new IllegalArgumentException("an intersection needs attributes of the same rows, found lengths "
                    + Arrays.toString(Arrays.stream(attributes)
                            .mapToInt(values -> values.length)
                            .toArray()));
        }
        return IntStream.range(0, attributes[0].length)
                .mapToObj(row -> String.join(
                        SEPARATOR,
                        Arrays.stream(attributes).map(values -> values[row]).toList()))
                .toArray(String[]::new);
    }

    /** With another number of rows than {@link #FEWEST_ROWS}. */
    Fairness atLeast(int rows) {
        return new Fairness(overall, groups, rows);
    }

    /** {@return all rows together, those of small groups included} */
    public Group overall() {
        return overall;
    }

    /** {@return every group, small ones included, by name} */
    public List<Group> groups() {
        return groups;
    }

    /** {@return the names of the groups that have too few rows to be judged by a criterion} */
    public List<String> tooFew(Criterion criterion) {
        return groups.stream()
                .filter(group -> criterion.rates().stream().anyMatch(rate -> group.rows(rate) < fewest))
                .map(Group::name)
                .toList();
    }

    /**
     * {@return the largest difference between two groups in any rate of the criterion, 0 to 1: 0 is fair} It is NaN,
     * and its method says so, if no two groups can be judged by a rate.
     */
    public Estimate difference(Criterion criterion) {
        return farthest(criterion, Between.DIFFERENCE);
    }

    /**
     * {@return the smallest ratio between two groups in any rate of the criterion, 0 to 1: 1 is fair, and below 0.8 a
     * selection rate has disparate impact by the four-fifths rule (EEOC 1978)} It is NaN as the difference is.
     */
    public Estimate ratio(Criterion criterion) {
        return farthest(criterion, Between.RATIO);
    }

    /** The largest difference of a group to all rows. */
    double differenceToOverall(Criterion criterion) {
        return criterion.rates().stream()
                .flatMapToDouble(rate -> judged(rate).stream()
                        .mapToDouble(group -> Math.abs(
                                group.rate(rate).value() - overall.rate(rate).value())))
                .max()
                .orElse(Double.NaN);
    }

    /** The smallest ratio of a group to all rows, or of all rows to a group. */
    double ratioToOverall(Criterion criterion) {
        return criterion.rates().stream()
                .flatMapToDouble(rate -> judged(rate).stream().mapToDouble(group -> {
                    double ratio = group.rate(rate).value() / overall.rate(rate).value();
                    return Math.min(ratio, 1 / ratio);
                }))
                .min()
                .orElse(Double.NaN);
    }

    private List<Group> judged(Rate rate) {
        return groups.stream().filter(group -> group.rows(rate) >= fewest).toList();
    }

    private Estimate farthest(Criterion criterion, Between between) {
        Map<Rate, List<Group>> judged = new LinkedHashMap<>();
        long pairs = 0;
        for (Rate rate : criterion.rates()) {
            List<Group> able = judged(rate);
            if (able.size() < 2) {
                return new Estimate(
                        Double.NaN,
                        Double.NaN,
                        Double.NaN,
                        "undefined: fewer than two groups have " + fewest + " rows for the " + rate.label());
            }
            judged.put(rate, able);
            pairs += (long) able.size() * (able.size() - 1) / 2;
        }
        double confidence = 1 - 0.05 / pairs;
        Estimate farthest = null;
        for (Map.Entry<Rate, List<Group>> entry : judged.entrySet()) {
            List<Estimate> rates = entry.getValue().stream()
                    .map(group -> group.rate(entry.getKey(), confidence))
                    .toList();
            for (int i = 1; i < rates.size(); i++) {
                for (int j = 0; j < i; j++) {
                    Estimate pair = between.of(rates.get(i), rates.get(j));
                    farthest = farthest == null ? pair : between.farther(farthest, pair);
                }
            }
        }
        return Objects.requireNonNull(farthest);
    }

    private static double[] pick(double[] values, int[] rows) {
        return Arrays.stream(rows).mapToDouble(row -> values[row]).toArray();
    }
}
