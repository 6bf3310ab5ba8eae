package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A rule about a metric's value, or about its difference from the champion's. Immutable. */
record MetricRule(Sort sort, Metric metric, double bound) implements Rule {

    private static final long serialVersionUID = 1L;

    enum Sort {
        AT_LEAST,
        AT_MOST,
        NOT_WORSE,
        BETTER,
        BETTER_BY
    }

    @Override
    public Gate.Kind kind() {
        return againstChampion() ? Gate.Kind.CHAMPION : Gate.Kind.BOUND;
    }

    @Override
    public String describe() {
        return switch (sort) {
            case AT_LEAST -> metric.label() + " at least " + Numbers.plain(bound);
            case AT_MOST -> metric.label() + " at most " + Numbers.plain(bound);
            case NOT_WORSE -> metric.label() + " not worse than the champion's by " + Numbers.plain(bound) + " or more";
            case BETTER -> metric.label() + " better than the champion's";
            case BETTER_BY -> metric.label() + " better than the champion's by " + Numbers.plain(bound) + " or more";
        };
    }

    @Override
    public Verdict judge(Judged judged) {
        Evaluation evaluation = judged.evaluation();
        Verdict known = beforehand(evaluation, this);
        if (known != null) {
            return known;
        }
        return againstChampion() ? judgeDifference(evaluation) : judgeValue(evaluation.candidateEstimate(metric));
    }

    /** {@return what a rule that goes by this one says without measuring anything; null if there is something to} */
    @Nullable
    Verdict beforehand(Evaluation evaluation, Rule rule) {
        if (!metric.judges(evaluation.task())) {
            return rule.verdict(
                    FAIL, metric.label() + " was not computed: it does not fit a model of task " + evaluation.task());
        }
        Optional<String> fault = evaluation.fault();
        if (fault.isPresent()) {
            return rule.verdict(FAIL, metric.label() + " is undefined: " + fault.get());
        }
        if (!againstChampion() || evaluation.hasChampion()) {
            return null;
        }
        return evaluation.unscored().isEmpty()
                ? rule.verdict(PASS, "there is no champion to compare with")
                : rule.verdict(INCONCLUSIVE, evaluation.unscored());
    }

    boolean againstChampion() {
        return sort != Sort.AT_LEAST && sort != Sort.AT_MOST;
    }

    /** {@return what it goes by: the metric's value, or the advantage over the champion, positive where better} */
    Estimate measured(Evaluation evaluation) {
        if (!againstChampion()) {
            return evaluation.candidateEstimate(metric);
        }
        return evaluation.advantage(metric).orElseThrow();
    }

    /** {@return what an interval proves} Comparisons with NaN are false, so an unknown interval proves nothing. */
    Verdict.Outcome decide(double low, double high) {
        return switch (sort) {
            case AT_LEAST, BETTER_BY -> low >= bound ? PASS : high < bound ? FAIL : INCONCLUSIVE;
            case AT_MOST -> atMost(low, high, bound);
            case NOT_WORSE, BETTER -> low > -bound ? PASS : high < -bound ? FAIL : INCONCLUSIVE;
        };
    }

    /** {@return what an interval proves of a value that may be {@code bound} at most} */
    static Verdict.Outcome atMost(double low, double high, double bound) {
        return high <= bound ? PASS : low > bound ? FAIL : INCONCLUSIVE;
    }

    /** {@return an estimate in words} */
    String words(Estimate estimate) {
        return againstChampion()
                ? Numbers.signed(metric, estimate.value()) + " (95% " + Numbers.signed(metric, estimate.low()) + " to "
                        + Numbers.signed(metric, estimate.high()) + ", " + estimate.method() + ")"
                : Numbers.metric(metric, estimate.value()) + " (95% " + Numbers.metric(metric, estimate.low()) + " to "
                        + Numbers.metric(metric, estimate.high()) + ", " + estimate.method() + ")";
    }

    private Verdict judgeValue(Estimate estimate) {
        if (Double.isNaN(estimate.value())) {
            return verdict(FAIL, metric.label() + " is " + estimate.method());
        }
        return verdict(decide(estimate.low(), estimate.high()), metric.label() + " is " + words(estimate));
    }

    private Verdict judgeDifference(Evaluation evaluation) {
        Estimate candidate = evaluation.candidateEstimate(metric);
        if (Double.isNaN(candidate.value())) {
            return verdict(FAIL, metric.label() + " is " + candidate.method());
        }
        Estimate advantage = measured(evaluation);
        if (Double.isNaN(advantage.value())) {
            return verdict(INCONCLUSIVE, "the champion's " + metric.label() + " is " + advantage.method());
        }
        return verdict(decide(advantage.low(), advantage.high()), evidence(evaluation, candidate, advantage));
    }

    private String evidence(Evaluation evaluation, Estimate candidate, Estimate advantage) {
        String text = "candidate " + Numbers.metric(metric, candidate.value()) + ", champion "
                + Numbers.metric(metric, evaluation.championEstimate(metric).value()) + ", advantage "
                + words(advantage) + " on " + Numbers.count(evaluation.rows()) + " rows";
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
}
