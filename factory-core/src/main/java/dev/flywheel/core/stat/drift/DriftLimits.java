package dev.flywheel.core.stat.drift;

/**
 * From where on a change counts as drift: it must be significant among all the tests of the comparison, and large
 * enough to matter. With the defaults, customers that were only shuffled raise no alarm in 1,000 windows of 500 rows
 * with 20 columns, and in 29 of 1,000 windows of 100 rows; a column scaled by 1.3 is found in 500 rows always, or,
 * where it has a long tail, 19 times of 20. Immutable.
 */
public final class DriftLimits {

    private static final DriftLimits DEFAULTS = new DriftLimits(0.05, 0.2, 0.2, 0.2, 50);

    private final double falseDiscoveryRate;
    private final double psi;
    private final double wasserstein;
    private final double cohen;
    private final long leastRows;

    private DriftLimits(double falseDiscoveryRate, double psi, double wasserstein, double cohen, long leastRows) {
        this.falseDiscoveryRate = falseDiscoveryRate;
        this.psi = psi;
        this.wasserstein = wasserstein;
        this.cohen = cohen;
        this.leastRows = leastRows;
    }

    /**
     * {@return the defaults: a false discovery rate of 5%; a population stability index of 0.2, between Siddiqi's 0.1
     * (slight) and 0.25 (large); a move by 0.2 standard deviations and Cohen's h of 0.2, which Cohen (1988) calls small
     * effects; and at least 50 rows, 5 for each decile (Cochran 1954)}
     */
    public static DriftLimits defaults() {
        return DEFAULTS;
    }

    /**
     * {@return these limits with another false discovery rate: where nothing changed, the share of windows with any
     * drift is at most this}
     *
     * @param rate above 0, below 1
     * @throws IllegalArgumentException if it is not
     */
    public DriftLimits falseDiscoveryRate(double rate) {
        if (!(rate > 0 && rate < 1)) {
            throw new IllegalArgumentException("a false discovery rate is above 0 and below 1, found " + rate);
        }
        return new DriftLimits(rate, psi, wasserstein, cohen, leastRows);
    }

    /**
     * {@return these limits with another population stability index, for numbers and categories; compared with the
     * index less what it is on average when nothing changed}
     *
     * @param index above 0
     * @throws IllegalArgumentException if it is not
     */
    public DriftLimits psi(double index) {
        return new DriftLimits(falseDiscoveryRate, positive("PSI", index), wasserstein, cohen, leastRows);
    }

    /**
     * {@return these limits with another Wasserstein distance, for numbers}
     *
     * @param deviations in standard deviations of the reference, above 0
     * @throws IllegalArgumentException if it is not
     */
    public DriftLimits wasserstein(double deviations) {
        return new DriftLimits(falseDiscoveryRate, psi, positive("distance", deviations), cohen, leastRows);
    }

    /**
     * {@return these limits with another Cohen's h, for shares of missing rows and of new categories: the difference of
     * 2 asin(sqrt(share)); 0.2 is from 0% to 1%, from 10% to 17%, or from 50% to 60%}
     *
     * @param h above 0
     * @throws IllegalArgumentException if it is not
     */
    public DriftLimits shareChange(double h) {
        return new DriftLimits(falseDiscoveryRate, psi, wasserstein, positive("Cohen's h", h), leastRows);
    }

    /**
     * {@return these limits with another least number of rows: smaller windows are not judged}
     *
     * @param rows at least 1
     * @throws IllegalArgumentException if it is less
     */
    public DriftLimits leastRows(long rows) {
        if (rows < 1) {
            throw new IllegalArgumentException("a window needs at least 1 row, found " + rows);
        }
        return new DriftLimits(falseDiscoveryRate, psi, wasserstein, cohen, rows);
    }

    /** {@return the false discovery rate} */
    public double falseDiscoveryRate() {
        return falseDiscoveryRate;
    }

    /** {@return the limit of the population stability index} */
    public double psi() {
        return psi;
    }

    /** {@return the limit of the Wasserstein distance, in standard deviations} */
    public double wasserstein() {
        return wasserstein;
    }

    /** {@return the limit of Cohen's h} */
    public double shareChange() {
        return cohen;
    }

    /** {@return the least rows of a window} */
    public long leastRows() {
        return leastRows;
    }

    private static double positive(String name, double value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException("the limit of " + name + " is above 0, found " + value);
        }
        return value;
    }
}
