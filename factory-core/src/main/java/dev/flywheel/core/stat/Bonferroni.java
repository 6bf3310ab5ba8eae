package dev.flywheel.core.stat;

import org.apache.commons.statistics.distribution.NormalDistribution;

/** Confidence intervals that hold together (Dunn, Journal of the American Statistical Association 56, 1961). */
public final class Bonferroni {

    private static final double TAIL = 0.025;

    private Bonferroni() {}

    /**
     * {@return how many times as wide some normal 95% intervals must be to hold all at once with 95%}
     *
     * @param intervals how many there are; below 2, the answer is 1
     */
    public static double stretch(int intervals) {
        return intervals < 2
                ? 1
                : NormalDistribution.of(0, 1).inverseSurvivalProbability(TAIL / intervals) / Proportion.Z;
    }
}
