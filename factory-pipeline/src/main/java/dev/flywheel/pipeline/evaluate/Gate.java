package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.pipeline.explain.Perturbation;
import java.io.Serializable;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * A rule that a candidate must meet to be promoted, proven on the test rows. Immutable.
 *
 * <p>A gate goes by a confidence interval, not by the point in it: PASS if the whole interval is on the right side of
 * the bound, FAIL if the whole of it is on the wrong side, INCONCLUSIVE if the bound lies within, which says: collect
 * more. The intervals are two-sided 95% ones, so that a candidate that is in truth exactly at the bound passes one time
 * in forty; where there are few rows, or few of a class, the intervals are somewhat narrow: of ten rows it is one time
 * in twenty-five, of five one in seventeen. A metric that cannot be computed fails; one without an interval is
 * INCONCLUSIVE. While there is no champion, rules about it pass; where there is one that cannot be scored, they are
 * INCONCLUSIVE. A model that predicts something impossible for any test row fails every rule about a metric, and
 * {@link #parity}.
 *
 * <p>A candidate must pass all its gates. More gates thus never make a wrong promotion more likely, and need no
 * correction (an intersection-union test: Berger, Technometrics 24, 1982).
 */
public final class Gate implements Serializable {

    private static final long serialVersionUID = 2L;

    /** What sort of rule a gate is. */
    public enum Kind {
        /** A bound on a metric. */
        BOUND,
        /** A comparison with the champion. */
        CHAMPION,
        /** A rule that holds on each slice. */
        SLICES,
        /** A bound on a difference between groups. */
        FAIRNESS,
        /** A bound on what disturbed rows cost. */
        ROBUSTNESS,
        /** A bound on the time of a prediction. */
        LATENCY,
        /** A bound on the size of the artifact. */
        SIZE,
        /** The exported graph against the training engine. */
        PARITY
    }

    private final Rule rule;

    private Gate(Rule rule) {
        this.rule = rule;
    }

    private Gate(MetricRule.Sort sort, Metric metric, double bound) {
        this(new MetricRule(sort, Objects.requireNonNull(metric, "metric"), bound));
    }

    /**
     * {@return the rule that a metric is proven to be {@code bound} or more: PASS if its interval begins there or
     * above, FAIL if it ends below}
     *
     * @throws IllegalArgumentException if the bound is not finite
     */
    public static Gate atLeast(Metric metric, double bound) {
        return new Gate(MetricRule.Sort.AT_LEAST, metric, finite("atLeast", bound));
    }

    /**
     * {@return the rule that a metric is proven to be {@code bound} or less: PASS if its interval ends there or below,
     * FAIL if it begins above}
     *
     * @throws IllegalArgumentException if the bound is not finite
     */
    public static Gate atMost(Metric metric, double bound) {
        return new Gate(MetricRule.Sort.AT_MOST, metric, finite("atMost", bound));
    }

    /**
     * {@return the rule that the candidate is proven to be less than {@code margin} worse than the champion
     * (non-inferiority)} With d the candidate's advantage on the same rows (positive = better, whatever the metric's
     * direction): PASS if the interval of d lies above {@code -margin}, FAIL if it lies below, INCONCLUSIVE if it
     * straddles. A margin of 0 asks for a proven improvement, as {@link #betterThanChampion} does; a margin is what a
     * fresher model may cost.
     *
     * @param margin in the metric's unit, 0 or more
     * @throws IllegalArgumentException if the margin is negative or not finite
     */
    public static Gate notWorseThanChampion(Metric metric, double margin) {
        if (finite("notWorseThanChampion", margin) < 0) {
            throw new IllegalArgumentException("gate notWorseThanChampion(" + metric
                    + ") needs a margin of 0 or more, found " + Numbers.plain(margin));
        }
        return new Gate(MetricRule.Sort.NOT_WORSE, metric, margin);
    }

    /**
     * {@return the rule that the candidate is proven to be better than the champion: PASS if the interval of its
     * advantage lies above 0, FAIL if it lies below, INCONCLUSIVE otherwise}
     */
    public static Gate betterThanChampion(Metric metric) {
        return new Gate(MetricRule.Sort.BETTER, metric, 0);
    }

    /**
     * {@return the rule that the candidate is proven to be better than the champion by {@code gain} or more: PASS if
     * the interval of its advantage begins there or above, FAIL if it ends below, INCONCLUSIVE otherwise}
     *
     * @param gain in the metric's unit, positive whatever the metric's direction
     * @throws IllegalArgumentException if the gain is not finite
     */
    public static Gate betterThanChampion(Metric metric, double gain) {
        return new Gate(MetricRule.Sort.BETTER_BY, metric, finite("betterThanChampion", gain));
    }

    /**
     * {@return the rule that a model's decisions at 0.5 are proven to differ between groups by {@code bound} or less,
     * in each rate of a criterion} The interval is that of the two groups farthest apart, and accounts for the number
     * of pairs. Groups of fewer than 30 rows decide nothing and are named in the evidence. For a true-or-false target;
     * a column that the examples do not have fails, and so does a model of another target.
     *
     * @param criterion such as equal opportunity
     * @param column the name of a column of the input, whether it is a feature or not
     * @param bound a difference of shares, from 0 to 1
     * @throws IllegalArgumentException if the bound is not from 0 to 1
     */
    public static Gate fair(Criterion criterion, String column, double bound) {
        if (!(bound >= 0 && bound <= 1)) {
            throw new IllegalArgumentException("gate fair needs a bound from 0 to 1, found " + bound);
        }
        return new Gate(new FairRule(
                Objects.requireNonNull(criterion, "criterion"), Objects.requireNonNull(column, "column"), bound));
    }

    /**
     * {@return the rule that disturbed rows are proven to cost {@code loss} of a metric or less} INCONCLUSIVE where the
     * model takes no column that could be disturbed in this way, or no cell of the test rows would change.
     *
     * @param loss in the metric's unit, 0 or more
     * @throws IllegalArgumentException if the loss is negative or not finite
     */
    public static Gate robust(Metric metric, Perturbation perturbation, double loss) {
        if (finite("robust", loss) < 0) {
            throw new IllegalArgumentException(
                    "gate robust(" + metric + ") needs a loss of 0 or more, found " + Numbers.plain(loss));
        }
        return new Gate(new RobustRule(
                Objects.requireNonNull(metric, "metric"), Objects.requireNonNull(perturbation, "perturbation"), loss));
    }

    /**
     * {@return the rule that a quantile of the time of single predictions is proven to be {@code bound} or less} It is
     * measured on an endpoint that serves the candidate with the pipeline's own codec, on the machine and at the time
     * of the run, after a warm-up, and judged by the one-sided 95% limits of the quantile between order statistics.
     *
     * @param quantile such as 0.99; at least 0.5 and at most 0.999
     * @throws IllegalArgumentException if the quantile is not in this range, or the bound is not above zero
     */
    public static Gate latencyAtMost(double quantile, Duration bound) {
        if (!(quantile >= 0.5 && quantile <= 0.999)) {
            throw new IllegalArgumentException(
                    "gate latencyAtMost needs a quantile from 0.5 to 0.999, found " + quantile);
        }
        if (bound.isNegative() || bound.isZero()) {
            throw new IllegalArgumentException("gate latencyAtMost needs a bound above zero, found " + bound);
        }
        return new Gate(new LatencyRule(quantile, bound));
    }

    /**
     * {@return the rule that all files of the artifact are {@code bytes} or less together}
     *
     * @throws IllegalArgumentException if the bound is not above zero
     */
    public static Gate sizeAtMost(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("gate sizeAtMost needs a bound above zero, found " + bytes);
        }
        return new Gate(new SizeRule(bytes));
    }

    /**
     * {@return the rule that the exported graph predicts on the test rows what the training engine does, within
     * {@linkplain dev.flywheel.pipeline.export.Parity#difference a difference} of 0.0001} Every candidate must pass it,
     * whether a pipeline names it or not.
     */
    public static Gate parity() {
        return new Gate(new ParityRule(1e-4));
    }

    /**
     * {@return this rule on each slice of the test rows by a column: for each value of texts, booleans and integers of
     * few values, for each quarter of other numbers and of times} PASS if the interval of each slice proves it; FAIL if
     * the interval of one proves the contrary at a level that accounts for the number of slices (Bonferroni: many
     * slices fail no more often by chance than one). A slice of fewer than 50 rows, or on which the metric cannot be
     * computed, decides nothing and is named in the evidence; if there is no other, it is INCONCLUSIVE. A column that
     * the examples do not have fails.
     *
     * @param column the name of a column of the input, whether it is a feature or not
     * @throws IllegalStateException if this is no rule about a metric of all test rows
     */
    public Gate onEachSlice(String column) {
        if (!(rule instanceof MetricRule metricRule)) {
            throw new IllegalStateException("gate \"" + describe() + "\" is no rule that slices could hold");
        }
        return new Gate(new SliceRule(metricRule, Objects.requireNonNull(column, "column")));
    }

    /** {@return what sort of rule it is} */
    public Kind kind() {
        return rule.kind();
    }

    /** {@return the metric that it looks at, which must be one of the model's task; empty if it looks at none} */
    public Optional<Metric> metric() {
        return Optional.ofNullable(rule.metric());
    }

    /** {@return the column by whose values it looks at parts of the test rows; empty if it looks at all together} */
    public Optional<String> column() {
        return Optional.ofNullable(rule.column());
    }

    /** {@return the rule as text, equal for equal gates} */
    public String describe() {
        return rule.describe();
    }

    /**
     * {@return what this rule says of a candidate, with the numbers}
     *
     * @throws UnsupportedOperationException if it needs what {@code judged} does not know
     */
    public Verdict judge(Judged judged) {
        return rule.judge(judged);
    }

    /** {@return what this rule says of a candidate of which only the evaluation is at hand} */
    public Verdict judge(Evaluation evaluation) {
        return judge(() -> evaluation);
    }

    private static double finite(String gate, double bound) {
        if (!Double.isFinite(bound)) {
            throw new IllegalArgumentException("gate " + gate + " needs a finite bound, found " + bound);
        }
        return bound;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Gate that && rule.equals(that.rule);
    }

    @Override
    public int hashCode() {
        return rule.hashCode();
    }

    @Override
    public String toString() {
        return describe();
    }
}
