package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.export.Parity;

/** The rule that the exported graph says what the training engine says. Immutable. */
record ParityRule(double tolerance) implements Rule {

    private static final long serialVersionUID = 1L;

    @Override
    public Gate.Kind kind() {
        return Gate.Kind.PARITY;
    }

    @Override
    public String describe() {
        return "exported graph within " + Numbers.plain(tolerance) + " of the training engine";
    }

    @Override
    public Verdict judge(Judged judged) {
        Parity parity = judged.parity();
        return verdict(
                parity.difference() <= tolerance ? PASS : FAIL,
                "the largest difference is " + Numbers.significant(parity.difference(), 2) + " on "
                        + Numbers.count(parity.rows()) + " test rows");
    }
}
