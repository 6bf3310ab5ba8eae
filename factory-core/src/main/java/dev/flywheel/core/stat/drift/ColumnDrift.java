package dev.flywheel.core.stat.drift;

import dev.flywheel.core.data.ColumnType;
import java.util.List;

/**
 * How a column's values in a window differ from the reference. Immutable.
 *
 * @param column the column's name; {@code $prediction} for the predictions
 * @param type the kind of its values
 * @param state the verdict
 * @param values how the values moved
 * @param missing how the share of missing rows moved
 * @param unseen the share of rows with categories that the reference lacks, 0 where the reference could not hold all
 * @param newCategories such categories, the most frequent first, at most 5
 * @param sentence the verdict and its numbers as a plain sentence
 */
public record ColumnDrift(
        String column,
        ColumnType type,
        State state,
        Values values,
        Share missing,
        Share unseen,
        List<String> newCategories,
        String sentence) {

    /** Copies the list. */
    public ColumnDrift {
        newCategories = List.copyOf(newCategories);
    }

    /** The verdict on a column. */
    public enum State {
        /** No change that is both significant and large enough to matter. */
        STABLE,
        /** A change that is both. */
        DRIFTED,
        /** Too few rows to tell. */
        TOO_FEW_ROWS
    }

    /**
     * How the values moved. Where they cannot be tested (times, texts that hardly repeat, no values) the test is
     * "none", p and q are 1 and the effects 0.
     *
     * @param test Kolmogorov-Smirnov or Welch for numbers, whichever sees more; chi-square, two proportions or Fisher's
     *     exact for categories
     * @param q the p-value corrected for the number of tests in the comparison
     * @param psi the population stability index, less what it is on average when nothing changed, at least 0
     * @param wasserstein Wasserstein's distance in standard deviations of the reference, infinite where the reference
     *     never changes and the window does; 0 for categories
     * @param jensenShannon the Jensen-Shannon distance in base 2, 0 to 1
     */
    public record Values(TestResult test, double q, double psi, double wasserstein, double jensenShannon) {}

    /**
     * How a share of the rows moved.
     *
     * @param reference the share in the reference, 0 to 1
     * @param window the share in the window, 0 to 1
     * @param p the p-value, 1 if it was not tested
     * @param q the p-value corrected for the number of tests in the comparison
     * @param effect Cohen's h (1988), 2 asin(sqrt(window)) - 2 asin(sqrt(reference))
     */
    public record Share(double reference, double window, double p, double q, double effect) {}
}
