package dev.flywheel.core.stat.experiment;

import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.GammaDistribution;

/** Special functions. */
final class Special {

    private static final double HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
    private static final double[] STIRLING = {
        1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156
    };
    private static final double STIRLING_FROM = 15;

    private Special() {}

    /** {@return ln Gamma(x) for x above 0, by Stirling's series (Abramowitz and Stegun, 6.1.40)} */
    static double logGamma(double x) {
        double shifted = x;
        double product = 1;
        while (shifted < STIRLING_FROM) {
            product *= shifted;
            shifted++;
        }
        double inverse = 1 / shifted;
        double power = inverse;
        double series = 0;
        for (double term : STIRLING) {
            series += term * power;
            power *= inverse * inverse;
        }
        return (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + series - Math.log(product);
    }

    static double logBeta(double a, double b) {
        return logGamma(a) + logGamma(b) - logGamma(a + b);
    }

    /** {@return the regularized incomplete beta function} */
    static double beta(double x, double a, double b) {
        return BetaDistribution.of(a, b).cumulativeProbability(x);
    }

    /** {@return the regularized lower incomplete gamma function} */
    static double lowerGamma(double a, double x) {
        return GammaDistribution.of(a, 1).cumulativeProbability(x);
    }

    /** {@return the regularized upper incomplete gamma function} */
    static double upperGamma(double a, double x) {
        return GammaDistribution.of(a, 1).survivalProbability(x);
    }
}
