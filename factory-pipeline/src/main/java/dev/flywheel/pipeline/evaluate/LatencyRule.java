package dev.flywheel.pipeline.evaluate;

import static dev.flywheel.core.model.Verdict.Outcome.FAIL;
import static dev.flywheel.core.model.Verdict.Outcome.INCONCLUSIVE;
import static dev.flywheel.core.model.Verdict.Outcome.PASS;

import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Proportion;
import java.time.Duration;
import java.util.Arrays;

/**
 * A rule about a quantile of the time that a prediction takes. The quantile's interval is that between two order
 * statistics (Conover, Practical Nonparametric Statistics, 1999, section 3.2), which is the exact interval of the share
 * of predictions beyond the bound. Immutable.
 */
record LatencyRule(double quantile, Duration bound) implements Rule {

    private static final long serialVersionUID = 1L;

    private static final double CONFIDENCE = 0.95;
    private static final int FEWEST = 1_000;
    /** Predictions beyond the quantile that are measured on average: enough to tell twice too slow from right. */
    private static final int BEYOND = 30;

    @Override
    public Gate.Kind kind() {
        return Gate.Kind.LATENCY;
    }

    @Override
    public String describe() {
        return name() + " of a prediction at most " + time(bound.toNanos());
    }

    @Override
    public Verdict judge(Judged judged) {
        int predictions = (int) Math.min(100_000, Math.max(FEWEST, Math.ceil(BEYOND / (1 - quantile))));
        long[] nanos = judged.latencies(predictions).clone();
        Arrays.sort(nanos);
        int n = nanos.length;
        long over = Arrays.stream(nanos).filter(time -> time > bound.toNanos()).count();
        String end = over(n, false) < 0 ? "more" : time(nanos[n - 1 - over(n, false)]);
        return verdict(
                decide(over, n, 1 - quantile),
                name() + " is " + time(nanos[(int) Math.ceil(quantile * n) - 1]) + " (one-sided 95% each, "
                        + time(nanos[Math.max(0, n - over(n, true))]) + " to " + end + ", order statistics) on "
                        + Numbers.count(n) + " predictions, " + Numbers.count(over) + " over the bound");
    }

    /** {@return what so many predictions beyond the bound prove of the share that may be} */
    static Verdict.Outcome decide(long over, long predictions, double share) {
        if (Proportion.upperBound(over, predictions, CONFIDENCE) <= share) {
            return PASS;
        }
        return 1 - Proportion.upperBound(predictions - over, predictions, CONFIDENCE) > share ? FAIL : INCONCLUSIVE;
    }

    /** {@return the most predictions over a bound that prove it kept, or the fewest that prove it broken; else -1} */
    private int over(int predictions, boolean broken) {
        double share = 1 - quantile;
        int most = -1;
        for (int over = 0; over <= predictions; over++) {
            Verdict.Outcome outcome = decide(over, predictions, share);
            if (broken && outcome == FAIL) {
                return over;
            }
            if (!broken && outcome != PASS) {
                return most;
            }
            most = over;
        }
        return predictions;
    }

    private String name() {
        return "p" + Numbers.plain(Math.rint(quantile * 1e4) / 100);
    }

    private static String time(long nanos) {
        return nanos < 1e6
                ? Numbers.fixed(nanos / 1e3, 0) + " \u00b5s"
                : nanos < 1e9 ? Numbers.fixed(nanos / 1e6, 1) + " ms" : Numbers.duration(nanos / 1e9);
    }
}
