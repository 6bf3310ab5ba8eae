package dev.flywheel.core.model;

/**
 * What a gate says of a candidate.
 *
 * @param gate the rule, as text that a reader understands without the code
 * @param outcome the decision
 * @param evidence the numbers behind it
 */
public record Verdict(String gate, Outcome outcome, String evidence) {

    /** A gate's decision. Only a candidate whose every gate says PASS is promoted. */
    public enum Outcome {
        /** The rule holds. */
        PASS,
        /** The rule is broken. */
        FAIL,
        /** The data cannot tell. */
        INCONCLUSIVE
    }
}
