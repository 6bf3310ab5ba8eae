package dev.flywheel.core.stat.experiment;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Proportion;
import java.util.function.DoubleUnaryOperator;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Two success rates side by side, for a single look. Immutable.
 *
 * @param controlSuccesses of the control's units
 * @param control units of the control
 * @param treatmentSuccesses of the treatment's units
 * @param treatment units of the treatment
 */
public record TwoShares(long controlSuccesses, long control, long treatmentSuccesses, long treatment) {

    private static final double Z = NormalDistribution.of(0, 1).inverseSurvivalProbability(0.025);
    private static final int HALVINGS = 60;
    /** Ratios are looked for within a factor of e to this. */
    private static final double FARTHEST = 30;

    /** @throws IllegalArgumentException unless each arm has 0 to n successes of 1 or more units */
    public TwoShares {
        Sample.proportion(controlSuccesses, control);
        Sample.proportion(treatmentSuccesses, treatment);
    }

    /**
     * {@return the z statistic of the pooled test; positive if the treatment's rate is the higher one; NaN if all units
     * of both arms came out alike}
     */
    public double z() {
        double pooled = (double) (controlSuccesses + treatmentSuccesses) / (control + treatment);
        return difference() / Math.sqrt(pooled * (1 - pooled) * (1.0 / control + 1.0 / treatment));
    }

    /** {@return the two-sided p-value of the pooled test; 1 if all units of both arms came out alike} */
    public double p() {
        double z = z();
        return Double.isNaN(z) ? 1 : 2 * NormalDistribution.of(0, 1).survivalProbability(Math.abs(z));
    }

    /**
     * {@return treatment's rate - control's, with the 95% interval of Newcombe (Statistics in Medicine 17, 1998, method
     * 10), which keeps its coverage near 0 and 1}
     */
    public Estimate newcombe() {
        Estimate first = Proportion.wilson(controlSuccesses, control);
        Estimate second = Proportion.wilson(treatmentSuccesses, treatment);
        double difference = difference();
        return new Estimate(
                difference,
                difference - Math.hypot(second.value() - second.low(), first.high() - first.value()),
                difference + Math.hypot(second.high() - second.value(), first.value() - first.low()),
                "Newcombe");
    }

    /** {@return treatment's rate - control's, with the textbook 95% interval, which is too narrow with few units} */
    public Estimate wald() {
        return around(0, "Wald");
    }

    /**
     * {@return treatment's rate - control's, with the 95% interval of Agresti and Caffo (The American Statistician 54,
     * 2000): the textbook one after a success and a failure more in each arm}
     */
    public Estimate agrestiCaffo() {
        return around(1, "Agresti-Caffo");
    }

    private Estimate around(int more, String method) {
        double first = (controlSuccesses + (double) more) / (control + 2.0 * more);
        double second = (treatmentSuccesses + (double) more) / (treatment + 2.0 * more);
        double half = Z
                * Math.sqrt(first * (1 - first) / (control + 2.0 * more)
                        + second * (1 - second) / (treatment + 2.0 * more));
        return new Estimate(difference(), second - first - half, second - first + half, method);
    }

    /**
     * {@return treatment's rate - control's, with the 95% score interval of Miettinen and Nurminen (Statistics in
     * Medicine 4, 1985): all differences that their test does not reject}
     */
    public Estimate score() {
        double found = difference();
        DoubleUnaryOperator statistic = supposed -> {
            double low = Math.max(0, -supposed);
            double first = zero(
                    share -> slope(treatmentSuccesses, treatment, share + supposed)
                            + slope(controlSuccesses, control, share),
                    low,
                    Math.min(1, 1 - supposed));
            return standardized(found - supposed, first + supposed, first, 1);
        };
        return new Estimate(
                found,
                zero(supposed -> statistic.applyAsDouble(supposed) - Z, -1, found),
                zero(supposed -> statistic.applyAsDouble(supposed) + Z, found, 1),
                "Miettinen-Nurminen");
    }

    /**
     * {@return treatment's rate / control's, with the 95% score interval of Miettinen and Nurminen (1985), which needs
     * no success in either arm; infinite or NaN where the control has none}
     */
    public Estimate ratio() {
        double found = share(treatmentSuccesses, treatment);
        double ratio = found / share(controlSuccesses, control);
        DoubleUnaryOperator statistic = log -> {
            double supposed = Math.exp(log);
            double all = (control + (double) treatment) * supposed;
            double linear = treatment * supposed + treatmentSuccesses + control + controlSuccesses * supposed;
            double successes = controlSuccesses + (double) treatmentSuccesses;
            double root = Math.sqrt(Math.max(0, linear * linear - 4 * all * successes));
            double first = 2 * successes / (linear + root);
            return standardized(
                    found - supposed * share(controlSuccesses, control),
                    Math.min(1, supposed * first),
                    first,
                    supposed);
        };
        double log = Math.log(ratio);
        double low = treatmentSuccesses == 0
                ? 0
                : Math.exp(zero(at -> statistic.applyAsDouble(at) - Z, -FARTHEST, Math.min(log, FARTHEST)));
        double high = controlSuccesses == 0
                ? Double.POSITIVE_INFINITY
                : Math.exp(zero(at -> statistic.applyAsDouble(at) + Z, Math.max(log, -FARTHEST), FARTHEST));
        return new Estimate(ratio, low, high, "Miettinen-Nurminen");
    }

    /**
     * {@return treatment's rate / control's, with the 95% interval of Katz et al. (Biometrics 34, 1978), normal on the
     * logarithm; without an interval where an arm has no success}
     */
    public Estimate logRatio() {
        return onLogs(0, "Katz log");
    }

    /**
     * {@return treatment's rate / control's, with the interval of {@link #logRatio} after half a success more in each
     * arm (Walter, Biometrika 62, 1975)}
     */
    public Estimate adjustedLogRatio() {
        return onLogs(0.5, "adjusted log");
    }

    private Estimate onLogs(double more, String method) {
        double log = Math.log((treatmentSuccesses + more) / (treatment + more))
                - Math.log((controlSuccesses + more) / (control + more));
        double half = Z
                * Math.sqrt(1 / (treatmentSuccesses + more)
                        - 1 / (treatment + more)
                        + 1 / (controlSuccesses + more)
                        - 1 / (control + more));
        double ratio = share(treatmentSuccesses, treatment) / share(controlSuccesses, control);
        return new Estimate(ratio, Math.exp(log - half), Math.exp(log + half), method);
    }

    /** {@return treatment's odds / control's, with the 95% interval of Woolf (Annals of Human Genetics 19, 1955)} */
    public Estimate oddsRatio() {
        double failures = treatment - (double) treatmentSuccesses;
        double others = control - (double) controlSuccesses;
        double log = Math.log(treatmentSuccesses / failures) - Math.log(controlSuccesses / others);
        double half = Z * Math.sqrt(1.0 / treatmentSuccesses + 1 / failures + 1.0 / controlSuccesses + 1 / others);
        return new Estimate(Math.exp(log), Math.exp(log - half), Math.exp(log + half), "logit");
    }

    /**
     * {@return the chance that the treatment's rate is the higher one, if all rates of both were as likely before: of
     * the beta posteriors (Miller, "Formulas for Bayesian A/B Testing", 2015)} Takes a step for each success of the
     * treatment.
     */
    public double chanceToWin() {
        double controlA = controlSuccesses + 1.0;
        double controlB = control - controlSuccesses + 1.0;
        double b = treatment - treatmentSuccesses + 1.0;
        double constant = Special.logBeta(controlA, controlB);
        double sum = 0;
        for (long i = 0; i <= treatmentSuccesses; i++) {
            sum += Math.exp(Special.logBeta(controlA + i, controlB + b)
                    - Math.log(b + i)
                    - Special.logBeta(1.0 + i, b)
                    - constant);
        }
        return sum;
    }

    /** The statistic of Miettinen and Nurminen, with the shares that fit best under what is supposed. */
    private double standardized(double off, double second, double first, double factor) {
        double all = control + (double) treatment;
        double variance = second * (1 - second) / treatment + factor * factor * first * (1 - first) / control;
        // 0 / 0 where what is supposed is what was found, at the border
        return off == 0 ? 0 : off / Math.sqrt(Math.max(0, variance) * all / (all - 1));
    }

    /** The derivative of the log likelihood of a share. */
    private static double slope(long successes, long n, double share) {
        double gained = successes == 0 ? 0 : successes / share;
        return gained - (successes == n ? 0 : (n - successes) / (1 - share));
    }

    /** Where a function that falls crosses 0. */
    private static double zero(DoubleUnaryOperator falls, double from, double to) {
        double low = from;
        double high = to;
        for (int i = 0; i < HALVINGS; i++) {
            double middle = (low + high) / 2;
            if (falls.applyAsDouble(middle) > 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    private static double share(long successes, long n) {
        return (double) successes / n;
    }

    private double difference() {
        return share(treatmentSuccesses, treatment) - share(controlSuccesses, control);
    }
}
