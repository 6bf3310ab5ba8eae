package dev.flywheel.core.stat.drift;

import dev.flywheel.core.data.ColumnType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.BetaDistribution;

/** The tests of one column, before the correction for all. */
final class ColumnTests {

    static final String NONE = "none";

    private static final int BINS = 10;
    private static final double LEAST_EXPECTED = 5;
    private static final int NAMED = 5;
    private static final ColumnDrift.Values UNCOMPARED = new ColumnDrift.Values(new TestResult(NONE, 0, 1), 1, 0, 0, 0);

    private final ColumnProfile reference;
    private final ColumnProfile window;
    private final DriftLimits limits;
    private final boolean enough;
    private final ColumnDrift.Values values;
    private final ColumnDrift.Share missing;
    private final boolean testsMissing;
    private final ColumnDrift.Share unseen;
    private final boolean testsUnseen;
    private final List<String> newCategories;
    private final List<Double> pValues = new ArrayList<>();

    ColumnTests(ColumnProfile reference, ColumnProfile window, DriftLimits limits) {
        this.reference = reference;
        this.window = window;
        this.limits = limits;
        boolean comparable = Math.min(reference.count(), window.count()) >= limits.leastRows();
        enough = Math.min(reference.rows(), window.rows()) >= limits.leastRows();
        values = comparable ? compared() : UNCOMPARED;
        // Tarone (1990): a test that could not have found anything, given both samples together, costs the others
        // nothing
        testsMissing = enough && reference.missing() + window.missing() > 0 && reference.count() + window.count() > 0;
        missing = missingShare();
        testsUnseen = comparable
                && reference.type() == ColumnType.TEXT
                && reference.texts().complete()
                && anyCouldBeUnseen();
        newCategories = testsUnseen ? newCategories() : List.of();
        unseen = testsUnseen ? unseenShare() : new ColumnDrift.Share(0, 0, 1, 1, 0);
        if (!values.test().test().equals(NONE)) {
            pValues.add(values.test().p());
        }
        if (testsMissing) {
            pValues.add(missing.p());
        }
        if (testsUnseen) {
            pValues.add(unseen.p());
        }
    }

    /** {@return the p-values of the tests that were made: values, missing rows, new categories} */
    List<Double> pValues() {
        return pValues;
    }

    /** {@return the verdict, with the corrected p-values that stand from a position on} */
    ColumnDrift judged(double[] q, int from) {
        int next = from;
        double valuesQ = values.test().test().equals(NONE) ? 1 : q[next++];
        double missingQ = testsMissing ? q[next++] : 1;
        double unseenQ = testsUnseen ? q[next] : 1;
        ColumnDrift.Values moved = new ColumnDrift.Values(
                values.test(), valuesQ, values.psi(), values.wasserstein(), values.jensenShannon());
        ColumnDrift.Share lost = corrected(missing, missingQ);
        ColumnDrift.Share fresh = corrected(unseen, unseenQ);
        List<String> findings = findings(moved, lost, fresh);
        DriftSentences words = new DriftSentences(reference, window, limits);
        String sentence = !enough ? words.tooFew() : findings.isEmpty() ? words.stable(moved) : words.all(findings);
        ColumnDrift.State state = !enough
                ? ColumnDrift.State.TOO_FEW_ROWS
                : findings.isEmpty() ? ColumnDrift.State.STABLE : ColumnDrift.State.DRIFTED;
        return new ColumnDrift(reference.name(), reference.type(), state, moved, lost, fresh, newCategories, sentence);
    }

    /** What is both significant and large enough to matter, in words. */
    private List<String> findings(ColumnDrift.Values moved, ColumnDrift.Share lost, ColumnDrift.Share fresh) {
        double rate = limits.falseDiscoveryRate();
        DriftSentences words = new DriftSentences(reference, window, limits);
        List<String> findings = new ArrayList<>();
        if (moved.q() < rate && (moved.psi() >= limits.psi() || moved.wasserstein() >= limits.wasserstein())) {
            findings.add(words.moved(moved));
        }
        if (lost.q() < rate && Math.abs(lost.effect()) >= limits.shareChange()) {
            findings.add(words.missing(lost));
        }
        if (fresh.q() < rate && fresh.effect() >= limits.shareChange()) {
            findings.add(words.unseen(fresh, newCategories));
        }
        return findings;
    }

    private ColumnDrift.Share missingShare() {
        double p = testsMissing
                ? sameShare(reference.missing(), reference.rows(), window.missing(), window.rows())
                        .p()
                : 1;
        return share(reference.missing(), reference.rows(), window.missing(), window.rows(), p);
    }

    private ColumnDrift.Share unseenShare() {
        long rows = rowsUnseen();
        return share(0, reference.count(), rows, window.count(), unseenP(rows));
    }

    private ColumnDrift.Values compared() {
        if (reference.type() == ColumnType.TIME) {
            return UNCOMPARED;
        }
        return reference.numeric() ? numbers() : texts();
    }

    private ColumnDrift.Values numbers() {
        Kll known = reference.numbers().ranks();
        Kll found = window.numbers().ranks();
        Weighted a = known.weighted();
        Weighted b = found.weighted();
        Weighted.Gap gap = a.gap(b);
        double deviation = reference.deviation();
        double distance = gap.area() == 0 ? 0 : gap.area() / deviation;
        double[] borders = a.borders(BINS);
        long[] r = a.histogram(borders);
        long[] w = b.histogram(borders);
        return new ColumnDrift.Values(
                sameNumbers(gap.largest(), known.error() + found.error()),
                1,
                excess(r, w),
                distance,
                Divergence.jensenShannon(r, w));
    }

    /**
     * Kolmogorov-Smirnov sees any change of shape, Welch a change of the mean that lies in a long tail. The smaller
     * p-value counts, doubled because there were two.
     */
    private TestResult sameNumbers(double distance, double error) {
        double n = reference.count();
        double m = window.count();
        long effective = Math.max(1, Math.round(n * m / (n + m)));
        double shape = Kolmogorov.survival(effective, Math.max(0, distance - error));
        TestResult mean =
                TwoSample.welch(reference.numbers().moments(), window.numbers().moments());
        return shape <= mean.p()
                ? new TestResult("Kolmogorov-Smirnov", distance, Math.min(1, 2 * shape))
                : new TestResult(mean.test(), mean.statistic(), Math.min(1, 2 * mean.p()));
    }

    /** Categories of fewer than 5 expected rows, and all that is new, are one bin: the last. */
    private ColumnDrift.Values texts() {
        double scale = (double) window.count() / reference.count();
        List<Map.Entry<String, Long>> frequent = reference.categories().entrySet().stream()
                .filter(e -> e.getValue() * scale >= LEAST_EXPECTED)
                .toList();
        long[] r = new long[frequent.size() + 1];
        long[] w = new long[frequent.size() + 1];
        r[frequent.size()] = reference.count();
        w[frequent.size()] = window.count();
        for (int i = 0; i < frequent.size(); i++) {
            r[i] = frequent.get(i).getValue();
            w[i] = window.texts().count(frequent.get(i).getKey());
            r[frequent.size()] -= r[i];
            w[frequent.size()] -= w[i];
        }
        if (frequent.isEmpty() || (frequent.size() == 1 && r[1] + w[1] == 0)) {
            return UNCOMPARED;
        }
        boolean pool = frequent.size() > 1 && r[frequent.size()] * scale < LEAST_EXPECTED;
        TestResult test = sameShares(pool ? pooled(r) : r, pool ? pooled(w) : w);
        return new ColumnDrift.Values(test, 1, excess(r, w), 0, Divergence.jensenShannon(r, w));
    }

    private static TestResult sameShares(long[] r, long[] w) {
        return r.length == 2 ? sameShare(r[0], r[0] + r[1], w[0], w[0] + w[1]) : CategoryTests.chiSquare(r, w);
    }

    /** Exact where the normal distribution is not good enough. */
    private static TestResult sameShare(long r, long n, long w, long m) {
        double all = (double) n + m;
        double share = ((double) r + w) / all;
        double least = Math.min(share, 1 - share) * (double) Math.min(n, m);
        return least < LEAST_EXPECTED && all <= Integer.MAX_VALUE
                ? CategoryTests.fisherExact(r, n - r, w, m - w)
                : CategoryTests.proportions(r, n, w, m);
    }

    /** The rest with the rarest of the frequent ones, where the rest alone is too little for a chi-square test. */
    private static long[] pooled(long[] counts) {
        long[] pooled = Arrays.copyOf(counts, counts.length - 1);
        pooled[pooled.length - 1] += counts[pooled.length];
        return pooled;
    }

    private static double excess(long[] r, long[] w) {
        long n = Arrays.stream(r).sum();
        long m = Arrays.stream(w).sum();
        int bins =
                (int) IntStream.range(0, r.length).filter(i -> r[i] + w[i] > 0).count();
        return Math.max(0, Divergence.psi(r, w) - Divergence.expectedPsi(bins, n, m));
    }

    private static ColumnDrift.Share share(long reference, long n, long window, long m, double p) {
        double r = n == 0 ? 0 : (double) reference / n;
        double w = m == 0 ? 0 : (double) window / m;
        return new ColumnDrift.Share(r, w, p, 1, 2 * Math.asin(Math.sqrt(w)) - 2 * Math.asin(Math.sqrt(r)));
    }

    private static ColumnDrift.Share corrected(ColumnDrift.Share share, double q) {
        return new ColumnDrift.Share(share.reference(), share.window(), share.p(), q, share.effect());
    }

    /** Whether both samples together hold a category that could lie in the window as a whole. */
    private boolean anyCouldBeUnseen() {
        Map<String, Long> known = reference.texts().counts();
        boolean rare = known.entrySet().stream()
                .anyMatch(e -> e.getValue() + window.texts().count(e.getKey()) <= window.count());
        return rare || rowsUnseen() > 0;
    }

    private long rowsUnseen() {
        long known = reference.texts().counts().keySet().stream()
                .mapToLong(text -> window.texts().count(text))
                .sum();
        return window.count() - known;
    }

    private List<String> newCategories() {
        Map<String, Long> known = reference.texts().counts();
        return window.texts().counts().entrySet().stream()
                .filter(e -> !known.containsKey(e.getKey()))
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(NAMED)
                .map(Map.Entry::getKey)
                .toList();
    }

    /**
     * How many rows of unseen categories are to be expected is known from how many categories the reference holds once
     * (Good 1953): with a flat prior their rate is Gamma(f1 + 1, n), so their number in m rows is negative binomial.
     * With f1 = 0 this is the probability that all rows of a category happen to fall into the window, (m / (n +
     * m))^rows.
     */
    private double unseenP(long rows) {
        if (rows == 0) {
            return 1;
        }
        double once = reference.texts().counts().values().stream()
                .filter(count -> count == 1)
                .count();
        double n = reference.count();
        double m = window.count();
        return BetaDistribution.of((double) rows, once + 1).cumulativeProbability(m / (n + m));
    }
}
