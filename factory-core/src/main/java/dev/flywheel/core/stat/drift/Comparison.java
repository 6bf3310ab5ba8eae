package dev.flywheel.core.stat.drift;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What changed between a reference and a window, column by column. Immutable.
 *
 * <p>For each column up to three hypotheses are tested: that the values come from the same distribution
 * (Kolmogorov-Smirnov and Welch for NUMBER and INTEGER, the smaller p-value doubled; Pearson's chi-square for TEXT and
 * BOOLEAN, of two categories the test of two shares, with categories of fewer than 5 expected rows put together; TIME
 * moves on by nature and is not tested), that the share of missing rows is the same (Fisher's exact test, or the normal
 * one where all expected counts reach 5), and that the reference's categories are all there are. Tests that could not
 * have found anything are left out (Tarone 1990); all p-values together are corrected after Benjamini and Hochberg
 * (1995). A column has drifted if a test is significant <em>and</em> its effect reaches the {@link DriftLimits}: with
 * many rows everything is significant, with few every effect is large by chance.
 *
 * <p>Statistics are computed from the profiles alone. Where a sketch is no longer exact (above 1,024 values) its rank
 * error, 0.27% with 99% confidence, is taken off the Kolmogorov-Smirnov statistic before its p-value is computed, so
 * that the sketch raises no alarm of its own; the shares of the deciles behind PSI and Jensen-Shannon are off by at
 * most twice that.
 *
 * @param referenceRows the rows of the reference
 * @param windowRows the rows of the window
 * @param columns the columns in the schema's order, then {@code $prediction} if both have predictions
 */
public record Comparison(long referenceRows, long windowRows, List<ColumnDrift> columns) {

    /** Copies the list. */
    public Comparison {
        columns = List.copyOf(columns);
    }

    /**
     * {@return the comparison with the default limits}
     *
     * @throws IllegalArgumentException if the profiles have other columns
     */
    public static Comparison of(Profile reference, Profile window) {
        return of(reference, window, DriftLimits.defaults());
    }

    /**
     * {@return the comparison of a window with a reference}
     *
     * @param reference a profile of the rows that a model knows
     * @param window a profile of other rows, best made by {@link Profile#window()} of the reference
     * @param limits from where on a change counts
     * @throws IllegalArgumentException if the profiles have other columns
     */
    public static Comparison of(Profile reference, Profile window, DriftLimits limits) {
        Objects.requireNonNull(limits, "limits");
        if (!reference.holdsAs(window.schema())) {
            throw new IllegalArgumentException(
                    "profiles of " + reference.schema() + " and " + window.schema() + " cannot be compared");
        }
        List<ColumnTests> tested = new ArrayList<>();
        for (int i = 0; i < reference.columns().size(); i++) {
            tested.add(
                    new ColumnTests(reference.columns().get(i), window.columns().get(i), limits));
        }
        if (reference.prediction().count() > 0 && window.prediction().count() > 0) {
            tested.add(new ColumnTests(reference.prediction(), window.prediction(), limits));
        }
        double[] q = FalseDiscovery.benjaminiHochberg(tested.stream()
                .flatMapToDouble(t -> t.pValues().stream().mapToDouble(p -> p))
                .toArray());
        List<ColumnDrift> columns = new ArrayList<>();
        int from = 0;
        for (ColumnTests tests : tested) {
            columns.add(tests.judged(q, from));
            from += tests.pValues().size();
        }
        return new Comparison(reference.rows(), window.rows(), columns);
    }

    /** {@return whether any column has drifted} */
    public boolean hasDrift() {
        return columns.stream().anyMatch(c -> c.state() == ColumnDrift.State.DRIFTED);
    }

    /** {@return the columns that have drifted} */
    public List<ColumnDrift> drifted() {
        return columns.stream()
                .filter(c -> c.state() == ColumnDrift.State.DRIFTED)
                .toList();
    }

    /**
     * {@return the comparison of a column}
     *
     * @throws IllegalArgumentException if there is no such column
     */
    public ColumnDrift column(String name) {
        return columns.stream()
                .filter(c -> c.column().equals(name))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("no column \"" + name + "\" was compared; compared were "
                                + columns.stream().map(ColumnDrift::column).toList()));
    }
}
