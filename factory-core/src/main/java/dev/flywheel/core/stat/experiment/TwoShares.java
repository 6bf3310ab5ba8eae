package dev.flywheel.core.stat.experiment;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.stat.Proportion;
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

    private double difference() {
        return (double) treatmentSuccesses / treatment - (double) controlSuccesses / control;
    }
}
