package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.export.Parity;
import java.util.Optional;

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
        Optional<String> fault = judged.evaluation().fault();
        if (fault.isPresent()) {
            return verdict(FAIL, fault.get());
        }
        Parity parity = judged.parity();
        if (parity.rows() == 0) {
            return verdict(PASS, "the model is served as it was brought");
        }
        return verdict(
                parity.difference() <= tolerance ? PASS : FAIL,
                "the largest difference is " + Numbers.significant(parity.difference(), 2) + " on "
                        + Numbers.count(parity.rows()) + " test rows");
    }
}
