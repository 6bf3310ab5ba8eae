package dev.flywheel.core.stat.fairness;

/** A share of the rows of a group, by label and decision. */
public enum Rate {
    /** The share of all rows that is decided as positive. */
    SELECTION("selection rate", 0b1100, 0b1111),
    /** The share of positive rows that is decided as positive. */
    TRUE_POSITIVE("true positive rate", 0b1000, 0b1010),
    /** The share of negative rows that is decided as positive. */
    FALSE_POSITIVE("false positive rate", 0b0100, 0b0101),
    /** The share of negative rows that is decided as negative. */
    TRUE_NEGATIVE("true negative rate", 0b0001, 0b0101),
    /** The share of positive rows that is decided as negative. */
    FALSE_NEGATIVE("false negative rate", 0b0010, 0b1010),
    /** The share of all rows that is decided rightly. */
    ACCURACY("accuracy", 0b1001, 0b1111),
    /** The share of rows decided as positive that is positive. */
    PRECISION("precision", 0b1000, 0b1100);

    private final String label;
    private final int hits;
    private final int of;

    /** From the left: true positives, false positives, false negatives, true negatives. */
    Rate(String label, int hits, int of) {
        this.label = label;
        this.hits = hits;
        this.of = of;
    }

    /** {@return the name for a human reader, such as {@code true positive rate}} */
    public String label() {
        return label;
    }

    /** Which cells count: bit {@code 2 * decision + label} each. */
    int hits() {
        return hits;
    }

    /** Which cells they are a share of. */
    int of() {
        return of;
    }
}
