package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import dev.flywheel.core.model.Verdict;

/** A rule about the size of the artifact. Immutable. */
record SizeRule(long bytes) implements Rule {

    private static final long serialVersionUID = 1L;

    @Override
    public Gate.Kind kind() {
        return Gate.Kind.SIZE;
    }

    @Override
    public String describe() {
        return "size at most " + Numbers.count(bytes) + " bytes";
    }

    @Override
    public Verdict judge(Judged judged) {
        return verdict(
                judged.bytes() <= bytes ? PASS : FAIL, "the artifact has " + Numbers.count(judged.bytes()) + " bytes");
    }
}
