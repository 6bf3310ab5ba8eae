package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import java.io.Serializable;
import java.util.Objects;

/**
 * A rule that a candidate must meet to be promoted. Immutable.
 *
 * <p>Rules about a value ({@link #atLeast}, {@link #atMost}) go by the point estimate, the bound included. Rules about
 * the champion go by the 95% confidence interval of the difference on the same rows, so that they know when the rows
 * are too few to tell, and then say INCONCLUSIVE: collect more. They are two-sided intervals, so a model that is in
 * truth exactly at the margin passes one time in forty. A metric that cannot be computed never passes. While there is
 * no champion, rules about it pass.
 */
public final class Gate implements Serializable {

    private static final long serialVersionUID = 1L;

    private enum Rule {
        AT_LEAST,
        AT_MOST,
        NOT_WORSE,
        BETTER
    }

    private final Rule rule;
    private final Metric metric;
    private final double bound;

    private Gate(Rule rule, Metric metric, double bound) {
        this.rule = rule;
        this.metric = Objects.requireNonNull(metric, "metric");
        this.bound = bound;
    }

    /**
     * {@return the rule that a metric's value is {@code bound} or more}
     *
     * @throws IllegalArgumentException if the bound is not finite
     */
    public static Gate atLeast(Metric metric, double bound) {
        return new Gate(Rule.AT_LEAST, metric, finite("atLeast", bound));
    }

    /**
     * {@return the rule that a metric's value is {@code bound} or less}
     *
     * @throws IllegalArgumentException if the bound is not finite
     */
    public static Gate atMost(Metric metric, double bound) {
        return new Gate(Rule.AT_MOST, metric, finite("atMost", bound));
    }

    /**
     * {@return the rule that the candidate is proven to be less than {@code margin} worse than the champion
     * (non-inferiority)} With d the candidate's advantage (positive = better, whatever the metric's direction): PASS if
     * the interval of d lies above {@code -margin}, FAIL if it lies at or below, INCONCLUSIVE if it straddles. A margin
     * of 0 asks for a proven improvement, as {@link #betterThanChampion} does; a margin is what a fresher model may
     * cost.
     *
     * @param margin in the metric's unit, 0 or more
     * @throws IllegalArgumentException if the margin is negative or not finite
     */
    public static Gate notWorseThanChampion(Metric metric, double margin) {
        if (finite("notWorseThanChampion", margin) < 0) {
            throw new IllegalArgumentException("gate notWorseThanChampion(" + metric
                    + ") needs a margin of 0 or more, found " + Numbers.plain(margin));
        }
        return new Gate(Rule.NOT_WORSE, metric, margin);
    }

    /**
     * {@return the rule that the candidate is proven to be better than the champion: PASS if the interval of its
     * advantage lies above 0, FAIL if it lies below, INCONCLUSIVE otherwise}
     */
    public static Gate betterThanChampion(Metric metric) {
        return new Gate(Rule.BETTER, metric, 0);
    }

    /** {@return the metric that it looks at; it must be one of the model's task} */
    public Metric metric() {
        return metric;
    }

    /** {@return the rule as text, equal for equal gates} */
    public String describe() {
        return switch (rule) {
            case AT_LEAST -> metric.label() + " at least " + Numbers.plain(bound);
            case AT_MOST -> metric.label() + " at most " + Numbers.plain(bound);
            case NOT_WORSE -> metric.label() + " not worse than the champion's by " + Numbers.plain(bound) + " or more";
            case BETTER -> metric.label() + " better than the champion's";
        };
    }

    /** {@return what this rule says of a candidate, with the numbers} */
    public Verdict judge(Evaluation evaluation) {
        if (!metric.judges(evaluation.task())) {
            return verdict(
                    FAIL, metric.label() + " was not computed: it does not fit a model of task " + evaluation.task());
        }
        return switch (rule) {
            case AT_LEAST, AT_MOST -> judgeValue(evaluation.candidateEstimate(metric));
            case NOT_WORSE, BETTER -> judgeDifference(evaluation);
        };
    }

    /** The rule of the champion gates. Comparisons with NaN are false, so an unknown interval decides nothing. */
    static Verdict.Outcome decide(double low, double high, double bound) {
        if (low > bound) {
            return PASS;
        }
        return high <= bound ? FAIL : INCONCLUSIVE;
    }

    private Verdict judgeValue(Estimate estimate) {
        double value = estimate.value();
        if (Double.isNaN(value)) {
            return verdict(FAIL, metric.label() + " is " + estimate.method());
        }
        boolean holds = rule == Rule.AT_LEAST ? value >= bound : value <= bound;
        return verdict(
                holds ? PASS : FAIL,
                metric.label() + " is " + Numbers.metric(metric, value) + " (95% " + interval(estimate) + ")");
    }

    private Verdict judgeDifference(Evaluation evaluation) {
        if (!evaluation.hasChampion()) {
            return verdict(PASS, "there is no champion to compare with");
        }
        Estimate candidate = evaluation.candidateEstimate(metric);
        if (Double.isNaN(candidate.value())) {
            return verdict(FAIL, metric.label() + " is " + candidate.method());
        }
        Estimate difference = evaluation.difference(metric).orElseThrow();
        if (Double.isNaN(difference.value())) {
            return verdict(INCONCLUSIVE, "the champion's " + metric.label() + " is " + difference.method());
        }
        double first = metric.oriented(difference.low());
        double second = metric.oriented(difference.high());
        Estimate advantage = new Estimate(
                metric.oriented(difference.value()),
                Math.min(first, second),
                Math.max(first, second),
                difference.method());
        return verdict(decide(advantage.low(), advantage.high(), -bound), evidence(evaluation, candidate, advantage));
    }

    private String evidence(Evaluation evaluation, Estimate candidate, Estimate advantage) {
        String text = "candidate " + Numbers.metric(metric, candidate.value()) + ", champion "
                + Numbers.metric(metric, evaluation.championEstimate(metric).value()) + ", advantage "
                + Numbers.signed(metric, advantage.value()) + " (95% " + Numbers.signed(metric, advantage.low())
                + " to "
                + Numbers.signed(metric, advantage.high()) + ", " + advantage.method() + ") on "
                + Numbers.count(evaluation.rows()) + " rows";
        if (metric != Metric.ACCURACY) {
            return text;
        }
        return text
                + evaluation
                        .disagreements()
                        .map(test -> "; only the candidate right on " + Numbers.count(test.onlyFirst())
                                + ", only the champion on " + Numbers.count(test.onlySecond()) + ", McNemar p "
                                + (test.exactP() < 1e-4 ? "below 0.0001" : Numbers.significant(test.exactP(), 2)))
                        .orElse("");
    }

    private String interval(Estimate estimate) {
        return Numbers.metric(metric, estimate.low()) + " to " + Numbers.metric(metric, estimate.high()) + ", "
                + estimate.method();
    }

    private Verdict verdict(Verdict.Outcome outcome, String evidence) {
        return new Verdict(describe(), outcome, evidence);
    }

    private static double finite(String gate, double bound) {
        if (!Double.isFinite(bound)) {
            throw new IllegalArgumentException("gate " + gate + " needs a finite bound, found " + bound);
        }
        return bound;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Gate that
                && rule == that.rule
                && metric == that.metric
                && Double.compare(bound, that.bound) == 0;
    }

    @Override
    public int hashCode() {
        return Objects.hash(rule, metric, bound);
    }

    @Override
    public String toString() {
        return describe();
    }
}
