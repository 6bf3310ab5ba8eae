package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.core.stat.fairness.Fairness;
import java.util.List;
import java.util.Optional;

/** A rule about the largest difference of a rate between groups. Immutable. */
record FairRule(Criterion criterion, String column, double bound) implements Rule {

    private static final long serialVersionUID = 1L;

    @Override
    public Gate.Kind kind() {
        return Gate.Kind.FAIRNESS;
    }

    @Override
    public String describe() {
        return "difference in " + criterion.label() + " between groups of " + column + " at most "
                + Numbers.plain(bound);
    }

    @Override
    public Verdict judge(Judged judged) {
        Evaluation evaluation = judged.evaluation();
        if (evaluation.task() != Task.BINARY) {
            return verdict(FAIL, "it was not computed: it does not fit a model of task " + evaluation.task());
        }
        if (!judged.test().schema().contains(column)) {
            return verdict(FAIL, "the test rows have no column " + column);
        }
        Optional<Fairness> fairness = evaluation.fairness(judged.test(), column);
        if (fairness.isEmpty()) {
            return verdict(FAIL, "the model predicted what is no probability");
        }
        Estimate difference = fairness.get().difference(criterion);
        String tooFew = tooFew(fairness.get().tooFew(criterion));
        return Double.isNaN(difference.value())
                ? verdict(INCONCLUSIVE, "the difference is " + difference.method() + tooFew)
                : verdict(
                        MetricRule.atMost(difference.low(), difference.high(), bound),
                        "the largest difference is " + Numbers.fixed(difference.value(), 4) + " (95% "
                                + Numbers.fixed(difference.low(), 4) + " to " + Numbers.fixed(difference.high(), 4)
                                + ", " + difference.method() + ")" + tooFew);
    }

    private static String tooFew(List<String> groups) {
        return groups.isEmpty() ? "" : "; too small to tell: " + String.join(", ", groups);
    }
}
