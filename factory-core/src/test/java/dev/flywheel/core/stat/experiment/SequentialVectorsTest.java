package dev.flywheel.core.stat.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.core.stat.NumpyRandom;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The published numbers of other libraries for sequential tests: 31 of 43 cases; the others are named below. */
class SequentialVectorsTest {

    private static final String CURVED =
            "a curved boundary whose advantage over the mixtures begins far beyond the sizes of experiments";
    private static final String QUANTILES =
            "compares quantiles, which needs every observation kept; arms are kept as sums of constant size";

    private static final Map<String, String> LEFT_OUT = Map.of(
            "poly_stitching_bound", CURVED,
            "empirical_process_lil_bound", QUANTILES,
            "double_stitching_bound", QUANTILES,
            "quantile_ab_p_value", QUANTILES,
            "formula_note", "a remark: its two formulas are those of the normal mixture, which is tested",
            "property:peeking", "a simulation: PeekingTest makes it, longer and with both kinds of sequence");

    @TestFactory
    Stream<DynamicTest> reproducesEveryCaseThatIsNotLeftOut() {
        JsonNode cases = Vectors.shared("vectors/sequential_tests.json").get("cases");
        assertThat(cases).hasSize(43);
        assertThat(cases)
                .filteredOn(c -> LEFT_OUT.containsKey(c.get("function").asText()))
                .hasSize(12);
        return Stream.iterate(0, i -> i < cases.size(), i -> i + 1)
                .filter(i -> !LEFT_OUT.containsKey(cases.get(i).get("function").asText()))
                .map(i -> DynamicTest.dynamicTest(
                        i + " " + cases.get(i).get("function").asText(), () -> check(cases.get(i))));
    }

    private static void check(JsonNode c) {
        JsonNode args = c.get("args");
        JsonNode expected = c.get("expected");
        Offset<Double> tolerance = within(c.get("abs_tol").asDouble());
        switch (c.get("function").asText()) {
            case "two_sided_normal_mixture.best_rho" ->
                assertThat(Mixture.precision(
                                args.get("v_opt").asDouble(),
                                args.get("alpha_opt").asDouble()))
                        .isCloseTo(expected.asDouble(), tolerance);
            case "normal_log_mixture",
                    "gamma_exponential_log_mixture",
                    "gamma_poisson_log_mixture",
                    "beta_binomial_log_mixture" ->
                assertThat(mixture(c)
                                .logMixture(
                                        args.get("s").asDouble(), args.get("v").asDouble()))
                        .isCloseTo(expected.asDouble(), tolerance);
            case "normal_mixture_bound",
                    "gamma_exponential_mixture_bound",
                    "gamma_poisson_mixture_bound",
                    "beta_binomial_mixture_bound" ->
                assertThat(mixture(c)
                                .bound(
                                        args.get("v").asDouble(),
                                        args.get("alpha").asDouble()))
                        .isCloseTo(expected.asDouble(), tolerance);
            case "bernoulli_confidence_interval_anytime" -> {
                Effect found = Mixture.successRate(
                        args.get("successes").asLong(),
                        args.get("trials").asLong(),
                        args.get("alpha").asDouble(),
                        args.get("t_opt").asLong());
                assertThat(found.low()).isCloseTo(expected.get(0).asDouble(), tolerance);
                assertThat(found.high()).isCloseTo(expected.get(1).asDouble(), tolerance);
            }
            case "sequential_multinomial_srm" -> sampleRatio(args, expected, tolerance);
            case "sequential_multinomial_srm_from_counts" -> {
                SampleRatio found = SampleRatio.sequential(
                        Vectors.longs(args.get("counts")),
                        Vectors.doubles(args.get("theta0")),
                        args.get("k").asDouble());
                assertThat(found.statistic())
                        .isCloseTo(expected.get("log_bayes_factor").asDouble(), tolerance);
                assertThat(found.p()).isCloseTo(expected.get("pvalue").asDouble(), tolerance);
            }
            case "anytime_valid_linear_model" -> linearModel(expected);
            case "msprt_two_stream_normal" -> {
                Msprt test = new Msprt(
                        args.get("sigma2").asDouble(), args.get("tau2").asDouble());
                long n = args.get("n_per_arm").asLong();
                double difference = args.get("mean_diff").asDouble();
                assertThat(Math.exp(test.logLikelihoodRatio(n, difference)))
                        .isCloseTo(expected.get("likelihood_ratio").asDouble(), tolerance);
                assertThat(test.p(n, difference))
                        .isCloseTo(expected.get("pvalue").asDouble(), tolerance);
            }
            default -> throw new AssertionError("no test of " + c.get("function"));
        }
    }

    private static Mixture mixture(JsonNode c) {
        JsonNode args = c.get("args");
        double best = args.get("v_opt").asDouble();
        boolean oneSided = args.path("one_sided").asBoolean();
        String function = c.get("function").asText();
        if (function.startsWith("normal")) {
            return oneSided ? Mixture.normalOneSided(best) : Mixture.normal(best);
        } else if (function.startsWith("gamma_exponential")) {
            return Mixture.gammaExponential(best, args.get("c").asDouble());
        } else if (function.startsWith("gamma_poisson")) {
            return Mixture.gammaPoisson(best, args.get("c").asDouble());
        }
        double g = args.get("g").asDouble();
        double h = args.get("h").asDouble();
        return oneSided ? Mixture.betaBinomialOneSided(best, g, h) : Mixture.betaBinomial(best, g, h);
    }

    private static void sampleRatio(JsonNode args, JsonNode expected, Offset<Double> tolerance) {
        double[] shares = Vectors.doubles(args.get("theta0"));
        long[] assignments = Vectors.longs(args.get("assignments"));
        long[] counts = new long[shares.length];
        double least = 1;
        int stop = 0;
        JsonNode trace = expected.get("trace");
        int next = 0;
        for (int n = 1; n <= assignments.length; n++) {
            counts[(int) assignments[n - 1]]++;
            least = Math.min(
                    least,
                    SampleRatio.sequential(counts, shares, args.get("k").asDouble())
                            .p());
            if (stop == 0 && least <= args.get("alpha").asDouble()) {
                stop = n;
                assertThat(least).isCloseTo(expected.get("pvalue_at_stop").asDouble(), tolerance);
                assertThat(counts).containsExactly(Vectors.longs(expected.get("counts_at_stop")));
            }
            if (next < trace.size() && trace.get(next).get("n").asInt() == n) {
                assertThat(least).isCloseTo(trace.get(next).get("pvalue").asDouble(), tolerance);
                next++;
            }
        }
        assertThat(stop).isEqualTo(expected.get("first_n_with_p_le_alpha").asInt());
        assertThat(next).isEqualTo(trace.size());
    }

    private static void linearModel(JsonNode expected) {
        NumpyRandom random = new NumpyRandom(1);
        double[] x = new double[5000];
        double[] z = new double[5000];
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextGaussian();
        }
        for (int i = 0; i < z.length; i++) {
            z[i] = random.nextCoin();
        }
        // by Frisch, Waugh and Lovell: the coefficient of z from what x leaves unexplained
        CrossMoments zOfX = CrossMoments.NONE;
        CrossMoments yOfX = CrossMoments.NONE;
        CrossMoments yOfZ = CrossMoments.NONE;
        for (int n = 1; n <= x.length; n++) {
            int i = n - 1;
            double y = 1 + 0.32 * x[i] + 0.16 * z[i] + random.nextGaussian();
            zOfX = zOfX.plus(x[i], z[i]);
            yOfX = yOfX.plus(x[i], y);
            yOfZ = yOfZ.plus(z[i], y);
            double zz = zOfX.m2Y() - zOfX.cXY() * zOfX.cXY() / zOfX.m2X();
            double zy = yOfZ.cXY() - zOfX.cXY() * yOfX.cXY() / zOfX.m2X();
            double yy = yOfX.m2Y() - yOfX.cXY() * yOfX.cXY() / zOfX.m2X();
            double degrees = n - 3;
            if (degrees < 1 || zz < 1e-9) {
                continue;
            }
            double tSquared = zy * zy / zz / ((yy - zy * zy / zz) / degrees);
            double p = Math.exp(-AlwaysValid.studentLog(tSquared, degrees, 1 / (1 + zz)));
            if (p <= 0.05) {
                assertThat(n).isEqualTo(expected.get("stop_n").asInt());
                assertThat(p).isCloseTo(expected.get("pvalue").asDouble(), within(1e-5));
                assertThat(zy / zz).isCloseTo(expected.get("beta_z").asDouble(), within(1e-9));
                return;
            }
        }
        throw new AssertionError("never stopped");
    }
}
