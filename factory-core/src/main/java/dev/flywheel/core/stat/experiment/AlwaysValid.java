package dev.flywheel.core.stat.experiment;

/**
 * Confidence sequences: intervals that hold at every sample size at once with the confidence asked for, so that an
 * experiment may be looked at after each observation and stopped at any. Immutable.
 *
 * <p>They mix over effects with a normal weight whose width is tuned so that the interval is narrowest around a sample
 * size one thinks of before; it holds at all others, too.
 */
public final class AlwaysValid {

    private enum Kind {
        ASYMPTOTIC("asymptotic confidence sequence"),
        STUDENTIZED("always-valid t");

        final String method;

        Kind(String method) {
            this.method = method;
        }
    }

    private final Kind kind;
    private final double alpha;
    private final double tuning;

    private AlwaysValid(Kind kind, double alpha, double tuning) {
        this.kind = kind;
        this.alpha = Effect.alpha(alpha);
        this.tuning = tuning;
        if (!(tuning > 0)) {
            throw new IllegalArgumentException("a confidence sequence is tuned for 1 or more units, found " + tuning);
        }
    }

    /**
     * {@return the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of
     * Statistics 52, 2024; arXiv:2103.06476, equations 9, 134, 155 and 161)} It takes the variance for known, so it is
     * too sure of itself with few units: do not look before some hundreds of them in each arm.
     *
     * @param alpha the chance that any of the intervals misses the truth, 0 to 1
     * @param tuning the number of units, of both arms together, at which it is narrowest
     */
    public static AlwaysValid asymptotic(double alpha, long tuning) {
        return new AlwaysValid(Kind.ASYMPTOTIC, alpha, tuning);
    }

    /**
     * {@return the same mixture over Student's t instead of the normal (Lai, Annals of Statistics 4, 1976; Lindon, Ham,
     * Tingley and Bojinov, "Anytime-Valid Linear Models", 2022), with Welch's degrees of freedom} The variance is not
     * taken for known, so it holds from the first few units on where their distribution is near normal; with many units
     * it is the asymptotic one. One-sided bounds are those of the two-sided interval.
     *
     * @param alpha the chance that any of the intervals misses the truth, 0 to 1
     * @param tuning the number of units, of both arms together, at which it is narrowest
     */
    public static AlwaysValid studentized(double alpha, long tuning) {
        return new AlwaysValid(Kind.STUDENTIZED, alpha, tuning);
    }

    /** {@return the width of the mixture for a bound: rho of equation 161} */
    public double rho(Tail tail) {
        double level = tail == Tail.TWO_SIDED || kind == Kind.STUDENTIZED ? alpha : Math.min(0.5, 2 * alpha);
        double log = -2 * Math.log(level);
        return Math.sqrt((log + Math.log(log + 1)) / tuning);
    }

    /**
     * {@return the effect of the treatment, as it may be looked at now and at any other time} The p-value is always
     * valid, too: it may be compared with alpha whenever one likes.
     */
    public Effect effect(Sample control, Sample treatment, Lift lift, Tail tail) {
        double estimate = lift.estimate(control, treatment);
        double error = Math.sqrt(lift.squaredError(control, treatment));
        if (!Double.isFinite(estimate) || !(error > 0)) {
            return Effect.unknown(estimate, kind.method);
        }
        double rho = rho(tail);
        double growth = (control.n() + treatment.n()) * rho * rho + 1;
        double t = estimate / error;
        double radius;
        double p;
        if (kind == Kind.STUDENTIZED) {
            double degrees = Lift.degrees(control, treatment);
            radius = studentRadius(growth, degrees);
            p = Math.exp(-studentLog(t * t, degrees, 1 / growth));
        } else if (tail == Tail.TWO_SIDED) {
            radius = Math.sqrt(2 * growth / (growth - 1) * Math.log(Math.sqrt(growth) / alpha));
            p = Math.sqrt(growth) * Math.exp(-t * t * (growth - 1) / (2 * growth));
        } else {
            radius = Math.sqrt(2 * growth / (growth - 1) * Math.log1p(Math.sqrt(growth) / (2 * alpha)));
            double towards = tail == Tail.GREATER ? t : -t;
            p = towards > 0 ? Math.sqrt(growth) / (2 * Math.expm1(t * t * (growth - 1) / (2 * growth))) : 1;
        }
        return Effect.around(estimate, error, radius * error, tail, Math.min(1, p), kind.method);
    }

    /**
     * {@return the logarithm of the evidence against a coefficient of zero in a linear model: the t mixture above, for
     * any regression}
     *
     * @param tSquared the squared t statistic of the coefficient
     * @param degrees the residual degrees of freedom of the model with the coefficient
     * @param shrinkage phi / (phi + z'z), with z the regressor less what the others explain of it and phi the precision
     *     of the mixture; 0 to 1
     */
    public static double studentLog(double tSquared, double degrees, double shrinkage) {
        double ratio = tSquared / degrees;
        return 0.5 * Math.log(shrinkage) + (degrees + 1) / 2 * (Math.log1p(ratio) - Math.log1p(ratio * shrinkage));
    }

    /** Where {@link #studentLog} reaches -ln alpha; infinite while so few units cannot prove anything. */
    private double studentRadius(double growth, double degrees) {
        double level = 2 / (degrees + 1) * (0.5 * Math.log(growth) - Math.log(alpha));
        double left = 1 - Math.exp(level) / growth;
        return left > 0 ? Math.sqrt(degrees * Math.expm1(level) / left) : Double.POSITIVE_INFINITY;
    }
}
