package dev.flywheel.pipeline.check;

import org.jspecify.annotations.Nullable;

/**
 * Why a check refuses a row. Immutable.
 *
 * @param column the column whose value is refused; null for a check of the whole row
 * @param expected what was expected, as "between 0 and 12000"
 * @param found the value that was found; for a check of the whole row, the row
 */
public record Violation(@Nullable String column, String expected, String found) {

    /** {@return the violation as a sentence} */
    @Override
    public String toString() {
        return (column == null ? "row " : "column \"" + column + "\" is ") + found + ", expected " + expected;
    }
}
