package dev.flywheel.core.stat.experiment;

/**
 * Two arms whose metric is freed of what a covariate known before the experiment explains: the same effect with a
 * narrower interval (Deng, Xu, Kohavi and Walker, WSDM 2013). Immutable.
 *
 * <p>The covariate must not be touched by the treatment: a visitor's value of last month, what the champion would have
 * predicted, the hour of day.
 *
 * @param theta how much of the metric a unit of the covariate explains, over both arms together
 * @param control the control, adjusted
 * @param treatment the treatment, adjusted
 */
public record Cuped(double theta, Sample control, Sample treatment) {

    /**
     * {@return the adjusted arms}
     *
     * @param control the covariate as x and the metric as y
     * @param treatment the same of the other arm
     */
    public static Cuped of(CrossMoments control, CrossMoments treatment) {
        CrossMoments all = control.merge(treatment);
        double theta = all.m2X() > 0 ? all.cXY() / all.m2X() : 0;
        return new Cuped(theta, adjusted(control, theta, all.meanX()), adjusted(treatment, theta, all.meanX()));
    }

    private static Sample adjusted(CrossMoments arm, double theta, double meanX) {
        double variance = arm.varianceY() - 2 * theta * arm.covariance() + theta * theta * arm.varianceX();
        // keeps the level of the metric, so that a relative effect is one on the metric itself
        return new Sample(arm.n(), arm.meanY() - theta * (arm.meanX() - meanX), Math.max(0, variance));
    }

    /** {@return which share of the variance of the effect is gone, 0 to 1} */
    public static double varianceReduction(CrossMoments control, CrossMoments treatment) {
        Cuped adjusted = of(control, treatment);
        double before =
                Lift.ABSOLUTE.squaredError(control.y().sample(), treatment.y().sample());
        return 1 - Lift.ABSOLUTE.squaredError(adjusted.control, adjusted.treatment) / before;
    }
}
