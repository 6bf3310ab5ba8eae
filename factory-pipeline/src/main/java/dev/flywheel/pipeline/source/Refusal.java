package dev.flywheel.pipeline.source;

import org.jspecify.annotations.Nullable;

/**
 * Why a row cannot be used.
 *
 * @param column the column, or null if it is the row as a whole
 * @param reason what was expected, the same text for every row refused for the same reason
 * @param value what was found
 */
record Refusal(@Nullable String column, String reason, String value) {

    /** {@return what rows are counted by} */
    String key() {
        return column == null ? reason : column + ": " + reason;
    }
}
