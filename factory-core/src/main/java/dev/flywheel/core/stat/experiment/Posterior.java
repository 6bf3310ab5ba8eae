package dev.flywheel.core.stat.experiment;

import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * What is believed of an effect after the data: a normal distribution. Immutable. Unlike {@link AlwaysValid} it bounds
 * no rate of wrong decisions under repeated looks; it says what a decision now would cost.
 *
 * @param mean of the effect
 * @param deviation its standard deviation, above 0
 */
public record Posterior(double mean, double deviation) {

    private static final NormalDistribution NORMAL = NormalDistribution.of(0, 1);

    /** @throws IllegalArgumentException unless the mean is finite and the deviation finite and above 0 */
    public Posterior {
        if (!Double.isFinite(mean) || !(deviation > 0) || Double.isInfinite(deviation)) {
            throw new IllegalArgumentException(
                    "a posterior needs a mean and a deviation above 0, found " + mean + " and " + deviation);
        }
    }

    /**
     * {@return the posterior under a flat prior}
     *
     * @throws IllegalArgumentException if the samples say nothing: no variance, or a relative effect on 0
     */
    public static Posterior of(Sample control, Sample treatment, Lift lift) {
        return new Posterior(lift.estimate(control, treatment), Math.sqrt(lift.squaredError(control, treatment)));
    }

    /**
     * {@return the posterior if this was believed before: this as prior, joined with what the data say by precision}
     */
    public Posterior after(Posterior data) {
        double own = 1 / (deviation * deviation);
        double theirs = 1 / (data.deviation * data.deviation);
        return new Posterior((own * mean + theirs * data.mean) / (own + theirs), Math.sqrt(1 / (own + theirs)));
    }

    /** {@return the lower end of the equal-tailed interval that misses the effect with the chance {@code alpha}} */
    public double low(double alpha) {
        return mean - deviation * NORMAL.inverseSurvivalProbability(Effect.alpha(alpha) / 2);
    }

    /** {@return the upper end of that interval} */
    public double high(double alpha) {
        return mean + deviation * NORMAL.inverseSurvivalProbability(Effect.alpha(alpha) / 2);
    }

    /** {@return the chance that the effect is above 0} */
    public double chanceToWin() {
        return NORMAL.cumulativeProbability(mean / deviation);
    }

    /** {@return what keeping the control is expected to cost: the mean of the effect where it is above 0, else of 0} */
    public double riskOfControl() {
        double z = mean / deviation;
        return mean * NORMAL.cumulativeProbability(z) + deviation * NORMAL.density(z);
    }

    /** {@return what taking the treatment is expected to cost: the mean of the harm where there is one, else of 0} */
    public double riskOfTreatment() {
        return new Posterior(-mean, deviation).riskOfControl();
    }
}
