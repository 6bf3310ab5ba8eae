package dev.flywheel.core.stat.fairness;

import com.google.common.collect.ImmutableList;
import java.util.List;

/** A share of the rows of a group, by label and decision. */
public enum Rate {
    /** The share of all rows that is decided as positive. */
    SELECTION("selection rate", List.of(Cell.FALSE_POSITIVE, Cell.TRUE_POSITIVE), List.of(Cell.values())),
    /** The share of positive rows that is decided as positive. */
    TRUE_POSITIVE("true positive rate", List.of(Cell.TRUE_POSITIVE), Cell.POSITIVE),
    /** The share of negative rows that is decided as positive. */
    FALSE_POSITIVE("false positive rate", List.of(Cell.FALSE_POSITIVE), Cell.NEGATIVE),
    /** The share of negative rows that is decided as negative. */
    TRUE_NEGATIVE("true negative rate", List.of(Cell.TRUE_NEGATIVE), Cell.NEGATIVE),
    /** The share of positive rows that is decided as negative. */
    FALSE_NEGATIVE("false negative rate", List.of(Cell.FALSE_NEGATIVE), Cell.POSITIVE),
    /** The share of all rows that is decided rightly. */
    ACCURACY("accuracy", List.of(Cell.TRUE_NEGATIVE, Cell.TRUE_POSITIVE), List.of(Cell.values())),
    /** The share of rows decided as positive that is positive. */
    PRECISION("precision", List.of(Cell.TRUE_POSITIVE), List.of(Cell.FALSE_POSITIVE, Cell.TRUE_POSITIVE));

    /** Rows of one label and one decision. */
    enum Cell {
        TRUE_NEGATIVE,
        FALSE_NEGATIVE,
        FALSE_POSITIVE,
        TRUE_POSITIVE;

        private static final ImmutableList<Cell> POSITIVE = ImmutableList.of(FALSE_NEGATIVE, TRUE_POSITIVE);
        private static final ImmutableList<Cell> NEGATIVE = ImmutableList.of(TRUE_NEGATIVE, FALSE_POSITIVE);
    }

    private final String label;
    private final ImmutableList<Cell> hits;
    private final ImmutableList<Cell> of;

    Rate(String label, List<Cell> hits, List<Cell> of) {
        this.label = label;
        this.hits = ImmutableList.copyOf(hits);
        this.of = ImmutableList.copyOf(of);
    }

    /** {@return the name for a human reader, such as {@code true positive rate}} */
    public String label() {
        return label;
    }

    List<Cell> hits() {
        return hits;
    }

    List<Cell> of() {
        return of;
    }
}
