package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.explain.Perturbation;
import dev.flywheel.pipeline.explain.Robustness;

/** A rule about what is lost of a metric where rows are disturbed. Immutable. */
record RobustRule(Metric metric, Perturbation perturbation, double bound) implements Rule {

    private static final long serialVersionUID = 1L;

    @Override
    public Gate.Kind kind() {
        return Gate.Kind.ROBUSTNESS;
    }

    @Override
    public String describe() {
        return metric.label() + " loses at most " + Numbers.plain(bound) + " by " + perturbation.describe();
    }

    @Override
    public Verdict judge(Judged judged) {
        Robustness robustness = judged.robustness(metric, perturbation);
        Estimate loss = robustness.loss();
        if (!robustness.available()) {
            return verdict(INCONCLUSIVE, "the loss is " + loss.method());
        }
        return verdict(
                MetricRule.atMost(loss.low(), loss.high(), bound),
                "from " + Numbers.metric(metric, robustness.before()) + " to "
                        + Numbers.metric(metric, robustness.after()) + ", a loss of "
                        + Numbers.signed(metric, loss.value()) + " (95% " + Numbers.signed(metric, loss.low()) + " to "
                        + Numbers.signed(metric, loss.high()) + ", " + loss.method() + ") on "
                        + Numbers.count(robustness.rows()) + " rows");
    }
}
