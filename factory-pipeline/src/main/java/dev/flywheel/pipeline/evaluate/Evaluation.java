package dev.flywheel.pipeline.evaluate;

import com.google.common.base.Suppliers;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.McNemar;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.core.stat.Threshold;
import dev.flywheel.core.stat.fairness.Fairness;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A candidate's predictions on the test rows beside the outcomes and, where there is one, beside the champion's
 * predictions on the same rows. This is what a {@link Gate} judges. Immutable.
 *
 * <p>A model that predicts something impossible (NaN, infinity, a probability outside 0 to 1, probabilities of classes
 * that do not sum to 1) is no error here: its metrics are undefined, which no gate passes.
 */
public final class Evaluation {

    private static final int MOST_WEAK = 5;

    private final Task task;
    private final double[] labels;
    private final double[] scores;
    private final double @Nullable [] champion;
    private final String unscored;
    private final Supplier<Map<Metric, Estimate>> metrics;

    private Evaluation(
            Task task,
            double[] labels,
            double[] scores,
            double @Nullable [] champion,
            String unscored,
            Supplier<Map<Metric, Estimate>> metrics) {
        this.task = task;
        this.labels = labels;
        this.scores = scores;
        this.champion = champion;
        this.unscored = unscored;
        this.metrics = metrics;
    }

    /**
     * {@return the evaluation of a candidate}
     *
     * @param labels the outcomes, of shape [rows]: 0 or 1 for {@link Task#BINARY}, the number of the class for
     *     {@link Task#MULTICLASS}
     * @param scores the candidate's predictions, of shape [rows]; for {@link Task#MULTICLASS} [rows, classes],
     *     row-major
     * @throws IllegalArgumentException if there is no row, the lengths differ, or a label is not as the task needs it
     */
    public static Evaluation of(Task task, double[] labels, double[] scores) {
        requireLength(task, labels, scores);
        Evaluation evaluation = of(task, labels.clone(), scores.clone(), null);
        Estimate unused = evaluation.candidateEstimate(Metric.of(task).get(0)); // refuses wrong labels at once
        return evaluation;
    }

    private static Evaluation of(Task task, double[] labels, double[] scores, double @Nullable [] champion) {
        return new Evaluation(
                task, labels, scores, champion, "", Suppliers.memoize(() -> metrics(task, labels, scores)));
    }

    /**
     * {@return this evaluation beside the champion's predictions}
     *
     * @param championScores the champion's predictions on the same rows, of the same shape
     * @throws IllegalArgumentException if their number differs from that of the candidate's
     */
    public Evaluation against(double[] championScores) {
        if (championScores.length != scores.length) {
            throw new IllegalArgumentException("candidate and champion predict the same rows, found " + scores.length
                    + " and " + championScores.length + " predictions");
        }
        return new Evaluation(task, labels, scores, championScores.clone(), "", metrics);
    }

    /**
     * {@return this evaluation where there is a champion of which it is not known what it predicts: gates about it are
     * INCONCLUSIVE}
     *
     * @param why as a clause without a full stop, for the evidence
     */
    public Evaluation withUnscoredChampion(String why) {
        return new Evaluation(task, labels, scores, null, Objects.requireNonNull(why, "why"), metrics);
    }

    /** {@return what the model predicts} */
    public Task task() {
        return task;
    }

    /** {@return the number of test rows} */
    public int rows() {
        return labels.length;
    }

    /** {@return the candidate's metrics, the most telling first} */
    public Map<Metric, Estimate> metrics() {
        return metrics.get();
    }

    /** {@return the champion's metrics on the same rows; empty if there is no champion} */
    public Map<Metric, Estimate> championMetrics() {
        return champion == null ? Map.of() : metrics(task, labels, champion);
    }

    /**
     * {@return candidate minus champion, paired by row; empty if there is no champion}
     *
     * @throws IllegalArgumentException if the metric is not one of the task
     */
    public Optional<Estimate> difference(Metric metric) {
        requireTask(metric);
        if (champion == null) {
            return Optional.empty();
        }
        String fault = fault(task, labels, scores) + fault(task, labels, champion);
        return Optional.of(fault.isEmpty() ? Metrics.difference(metric, labels, scores, champion) : undefined(fault));
    }

    /**
     * {@return how much better the candidate is than the champion, paired by row and positive where it is better,
     * whatever the metric's direction; empty if there is no champion}
     *
     * @throws IllegalArgumentException if the metric is not one of the task
     */
    public Optional<Estimate> advantage(Metric metric) {
        return difference(metric).map(difference -> {
            double first = metric.oriented(difference.low());
            double second = metric.oriented(difference.high());
            return new Estimate(
                    metric.oriented(difference.value()),
                    Math.min(first, second),
                    Math.max(first, second),
                    difference.method());
        });
    }

    /** {@return the candidate's estimate of one metric} */
    Estimate candidateEstimate(Metric metric) {
        requireTask(metric);
        return estimate(task, metric, labels, scores);
    }

    /** {@return what the candidate's charts show} */
    public Diagnostics diagnostics() {
        return Diagnostics.of(task, labels, scores);
    }

    /** {@return what the champion's charts show; empty if there is no champion} */
    public Optional<Diagnostics> championDiagnostics() {
        return champion == null ? Optional.empty() : Optional.of(Diagnostics.of(task, labels, champion));
    }

    /**
     * {@return the candidate on parts of the test rows: at most five that were found to be weak among all values of the
     * columns and pairs of them, then those of {@link Slices#of}}
     */
    public List<Slices.Slice> slices(Dataset test, List<String> columns, int maxSlices) {
        List<Slices.Slice> cut = Slices.of(test, labels, scores, task, columns, maxSlices);
        return cut.isEmpty()
                ? cut
                : Stream.concat(
                                Slices.weak(test, labels, scores, task, columns).stream()
                                        .limit(MOST_WEAK),
                                cut.stream())
                        .toList();
    }

    /** {@return candidate and champion on some of the rows; its metrics are made one by one, when a gate asks} */
    Evaluation part(int[] rows) {
        double[] reference = champion == null ? null : take(champion, rows);
        return of(task, take(labels, rows), take(scores, rows), reference);
    }

    private double[] take(double[] values, int[] rows) {
        int width = values.length / labels.length;
        return Arrays.stream(rows)
                .flatMap(row -> IntStream.range(row * width, (row + 1) * width))
                .mapToDouble(at -> values[at])
                .toArray();
    }

    /** {@return the champion's estimate of one metric} */
    Estimate championEstimate(Metric metric) {
        requireTask(metric);
        return estimate(task, metric, labels, Objects.requireNonNull(champion));
    }

    /** {@return which of candidate and champion decides each row rightly; empty if that cannot be told} */
    Optional<McNemar> disagreements() {
        return champion == null
                        || !fault(task, labels, scores).isEmpty()
                        || !fault(task, labels, champion).isEmpty()
                ? Optional.empty()
                : Optional.of(McNemar.of(labels, scores, champion));
    }

    /** {@return what is impossible in the candidate's predictions; empty if nothing is} */
    public Optional<String> fault() {
        return Optional.of(fault(task, labels, scores)).filter(fault -> !fault.isEmpty());
    }

    /**
     * {@return how the candidate decides at 0.5 for each value or range of a column; empty if it predicted something
     * impossible}
     *
     * @param test the test rows
     * @throws IllegalArgumentException if there is no such column, or the task is not {@link Task#BINARY}
     */
    public Optional<Fairness> fairness(Dataset test, String column) {
        return fault(task, labels, scores).isEmpty()
                ? Optional.of(Fairness.of(
                        labels, scores, 0.5, Grouping.of(test, column).names(rows())))
                : Optional.empty();
    }

    /**
     * {@return the probability from which on decisions cost least on the test rows; empty if the candidate predicted
     * something impossible}
     *
     * @throws IllegalArgumentException if the task is not {@link Task#BINARY}
     */
    public Optional<Threshold> threshold(Threshold.Costs costs) {
        if (task != Task.BINARY) {
            throw new IllegalArgumentException("a " + task + " model has no threshold");
        }
        return fault().isPresent() ? Optional.empty() : Optional.of(Threshold.of(labels, scores, costs));
    }

    boolean hasChampion() {
        return champion != null;
    }

    /** {@return why it is not known what the champion predicts; empty if it is, or if there is none} */
    String unscored() {
        return unscored;
    }

    private void requireTask(Metric metric) {
        if (!metric.judges(task)) {
            throw new IllegalArgumentException(
                    metric + " does not judge a model of task " + task + ", these do: " + Metric.of(task));
        }
    }

    private static Map<Metric, Estimate> metrics(Task task, double[] labels, double[] scores) {
        Map<Metric, Estimate> metrics = new LinkedHashMap<>();
        for (Metric metric : Metric.of(task)) {
            metrics.put(metric, estimate(task, metric, labels, scores));
        }
        return Collections.unmodifiableMap(metrics);
    }

    private static Estimate estimate(Task task, Metric metric, double[] labels, double[] scores) {
        String fault = fault(task, labels, scores);
        return fault.isEmpty() ? Metrics.estimate(metric, labels, scores) : undefined(fault);
    }

    /** {@return what is impossible in a model's predictions; empty if nothing is} */
    static String fault(Task task, double[] labels, double[] scores) {
        int width = task == Task.MULTICLASS ? scores.length / labels.length : 1;
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            boolean probability = scores[i] >= 0 && scores[i] <= 1;
            boolean possible = Double.isFinite(scores[i]) && (task == Task.REGRESSION || probability);
            if (!possible) {
                return "the model predicted " + scores[i] + " for row " + i / width;
            }
            sum = i % width == 0 ? scores[i] : sum + scores[i];
            if (width > 1 && i % width == width - 1 && Math.abs(sum - 1) > Metrics.PROBABILITY_SUM) {
                return "the model predicted probabilities for row " + i / width + " that sum to " + sum;
            }
        }
        return "";
    }

    private static Estimate undefined(String reason) {
        return new Estimate(Double.NaN, Double.NaN, Double.NaN, "undefined: " + reason);
    }

    private static void requireLength(Task task, double[] labels, double[] scores) {
        boolean several = task == Task.MULTICLASS;
        if (several && (labels.length == 0 || scores.length % labels.length != 0 || scores.length <= labels.length)) {
            throw new IllegalArgumentException(
                    "each row needs a label and the probabilities of 2 classes or more, found " + labels.length
                            + " labels and " + scores.length + " probabilities");
        }
        if (!several && labels.length != scores.length) {
            throw new IllegalArgumentException("each row needs a label and a prediction, found " + labels.length
                    + " labels and " + scores.length + " predictions");
        }
    }
}
