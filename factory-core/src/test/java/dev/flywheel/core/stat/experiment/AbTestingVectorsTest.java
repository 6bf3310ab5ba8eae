package dev.flywheel.core.stat.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The published numbers of other A/B testing libraries: all 22 cases. */
class AbTestingVectorsTest {

    @TestFactory
    Stream<DynamicTest> reproducesEveryCase() {
        JsonNode cases = Vectors.shared("vectors/ab_testing.json").get("cases");
        assertThat(cases).hasSize(22);
        return Stream.iterate(0, i -> i < cases.size(), i -> i + 1)
                .map(i -> DynamicTest.dynamicTest(
                        i + " " + cases.get(i).get("method").asText(), () -> check(cases.get(i))));
    }

    private static void check(JsonNode c) {
        JsonNode expected = c.get("expected");
        Offset<Double> tolerance = within(c.path("abs_tol").asDouble(0));
        switch (c.get("method").asText()) {
            case "welch_t_two_sided" -> welch(c, expected, tolerance);
            case "welch_t_one_sided" -> {
                Effect greater = Welch.effect(
                        sample(c.get("control")), sample(c.get("treatment")), lift(c), Tail.GREATER, alpha(c));
                Effect less = Welch.effect(
                        sample(c.get("control")), sample(c.get("treatment")), lift(c), Tail.LESS, alpha(c));
                oneSided(greater, less, expected, tolerance);
                assertThat(greater.p()).isCloseTo(expected.get("p_greater").asDouble(), tolerance);
                assertThat(less.p()).isCloseTo(expected.get("p_less").asDouble(), tolerance);
            }
            case "contract:negative_variance_rejected" ->
                assertThatThrownBy(() -> sample(c.get("control")))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage(
                                "no 2 numbers have the sum 1396.87 and the sum of squares 52377.9767: their variance "
                                        + "would be negative");
            case "sequential_asymptotic_confidence_sequence_two_sided" -> sequential(c, expected, tolerance);
            case "sequential_one_sided_bound" -> {
                AlwaysValid sequence = AlwaysValid.asymptotic(
                        alpha(c), c.get("config").get("tuning_n").asLong());
                Effect greater =
                        sequence.effect(sample(c.get("control")), sample(c.get("treatment")), lift(c), Tail.GREATER);
                Effect less = sequence.effect(sample(c.get("control")), sample(c.get("treatment")), lift(c), Tail.LESS);
                oneSided(greater, less, expected, tolerance);
                assertThat(sequence.rho(Tail.LESS))
                        .isCloseTo(expected.get("rho").asDouble(), tolerance);
            }
            case "property:sequential_tuning" -> tuning(c, expected, tolerance);
            case "bayes_gaussian_effect_flat_prior", "bayes_gaussian_effect_informative_prior" ->
                bayes(c, expected, tolerance);
            case "bayes_risk_closed_form" -> {
                Posterior posterior = new Posterior(
                        c.get("config").get("mu").asDouble(),
                        c.get("config").get("sigma").asDouble());
                assertThat(posterior.riskOfControl())
                        .isCloseTo(expected.get("risk").get(0).asDouble(), tolerance);
                assertThat(posterior.riskOfTreatment())
                        .isCloseTo(expected.get("risk").get(1).asDouble(), tolerance);
            }
            case "srm_chi_square" -> {
                SampleRatio found = SampleRatio.chiSquare(
                        Vectors.longs(c.get("config").get("observed")),
                        Vectors.doubles(c.get("config").get("weights")));
                assertThat(found.statistic())
                        .isCloseTo(expected.get("statistic").asDouble(), within(1e-11));
                assertThat(found.p()).isCloseTo(expected.get("pvalue").asDouble(), tolerance);
            }
            case "cuped_pooled_theta" -> cuped(c.get("config"), expected, tolerance);
            default -> throw new AssertionError("no test of " + c.get("method"));
        }
    }

    private static void welch(JsonNode c, JsonNode expected, Offset<Double> tolerance) {
        Sample control = sample(c.get("control"));
        Sample treatment = sample(c.get("treatment"));
        interval(Welch.effect(control, treatment, lift(c), Tail.TWO_SIDED, alpha(c)), expected, tolerance);
        assertThat(Welch.degreesOfFreedom(control, treatment))
                .isCloseTo(expected.get("dof").asDouble(), tolerance);
    }

    private static void sequential(JsonNode c, JsonNode expected, Offset<Double> tolerance) {
        AlwaysValid sequence =
                AlwaysValid.asymptotic(alpha(c), c.get("config").get("tuning_n").asLong());
        Effect found = sequence.effect(sample(c.get("control")), sample(c.get("treatment")), lift(c), Tail.TWO_SIDED);
        interval(found, expected, tolerance);
        assertThat(found.p()).isCloseTo(expected.get("pvalue").asDouble(), within(1e-6 * found.p()));
        assertThat(sequence.rho(Tail.TWO_SIDED)).isCloseTo(expected.get("rho").asDouble(), tolerance);
    }

    private static void tuning(JsonNode c, JsonNode expected, Offset<Double> tolerance) {
        List<Double> widths = new ArrayList<>();
        for (JsonNode tuned : c.get("config").get("tunings")) {
            Effect found = AlwaysValid.asymptotic(alpha(c), tuned.asLong())
                    .effect(sample(c.get("control")), sample(c.get("treatment")), Lift.RELATIVE, Tail.TWO_SIDED);
            JsonNode ci = expected.get("ci_by_tuning").get(tuned.asText());
            assertThat(found.low()).isCloseTo(ci.get(0).asDouble(), tolerance);
            assertThat(found.high()).isCloseTo(ci.get(1).asDouble(), tolerance);
            widths.add(found.high() - found.low());
        }
        // tuned for 10, for the 6461 there are, and for 10000
        assertThat(Collections.min(widths)).isEqualTo(widths.get(1));
        assertThat(Collections.max(widths)).isEqualTo(widths.get(0));
    }

    private static void bayes(JsonNode c, JsonNode expected, Offset<Double> tolerance) {
        Posterior found = Posterior.of(sample(c.get("control")), sample(c.get("treatment")), lift(c));
        JsonNode config = c.get("config");
        if (config.has("prior_mean")) {
            found = new Posterior(
                            config.get("prior_mean").asDouble(),
                            Math.sqrt(config.get("prior_variance").asDouble()))
                    .after(found);
        }
        assertThat(found.mean()).isCloseTo(expected.get("mean").asDouble(), tolerance);
        assertThat(found.deviation()).isCloseTo(expected.get("std").asDouble(), tolerance);
        assertThat(found.low(0.05)).isCloseTo(expected.get("ci").get(0).asDouble(), tolerance);
        assertThat(found.high(0.05)).isCloseTo(expected.get("ci").get(1).asDouble(), tolerance);
        assertThat(found.chanceToWin()).isCloseTo(expected.get("chance_to_win").asDouble(), tolerance);
        JsonNode risk = expected.get("risk_control_treatment");
        assertThat(found.riskOfControl()).isCloseTo(risk.get(0).asDouble(), tolerance);
        assertThat(found.riskOfTreatment()).isCloseTo(risk.get(1).asDouble(), tolerance);
    }

    private static void cuped(JsonNode data, JsonNode expected, Offset<Double> tolerance) {
        CrossMoments[] arms = {CrossMoments.NONE, CrossMoments.NONE};
        for (int i = 0; i < data.get("x").size(); i++) {
            int arm = data.get("group").get(i).asInt();
            arms[arm] = arms[arm].plus(
                    data.get("x").get(i).asDouble(), data.get("y").get(i).asDouble());
        }
        Effect raw = Welch.effect(arms[0].y().sample(), arms[1].y().sample(), Lift.ABSOLUTE, Tail.TWO_SIDED, 0.05);
        Cuped cuped = Cuped.of(arms[0], arms[1]);
        Effect adjusted = Welch.effect(cuped.control(), cuped.treatment(), Lift.ABSOLUTE, Tail.TWO_SIDED, 0.05);
        assertThat(cuped.theta()).isCloseTo(expected.get("theta").asDouble(), tolerance);
        assertThat(raw.estimate()).isCloseTo(expected.get("raw_diff").asDouble(), tolerance);
        assertThat(raw.standardError()).isCloseTo(expected.get("raw_se").asDouble(), tolerance);
        assertThat(adjusted.estimate()).isCloseTo(expected.get("cuped_diff").asDouble(), tolerance);
        assertThat(adjusted.standardError()).isCloseTo(expected.get("cuped_se").asDouble(), tolerance);
        assertThat(Cuped.varianceReduction(arms[0], arms[1]))
                .isCloseTo(expected.get("variance_reduction").asDouble(), tolerance);
    }

    private static void interval(Effect found, JsonNode expected, Offset<Double> tolerance) {
        assertThat(found.estimate()).isCloseTo(expected.get("estimate").asDouble(), tolerance);
        assertThat(found.low()).isCloseTo(expected.get("ci").get(0).asDouble(), tolerance);
        assertThat(found.high()).isCloseTo(expected.get("ci").get(1).asDouble(), tolerance);
        assertThat(found.standardError()).isCloseTo(expected.get("std_error").asDouble(), tolerance);
        assertThat(found.p()).isCloseTo(expected.get("pvalue").asDouble(), tolerance);
    }

    private static void oneSided(Effect greater, Effect less, JsonNode expected, Offset<Double> tolerance) {
        if (expected.has("estimate")) {
            assertThat(greater.estimate()).isCloseTo(expected.get("estimate").asDouble(), tolerance);
        }
        assertThat(greater.low()).isCloseTo(expected.get("lower_greater").asDouble(), tolerance);
        assertThat(greater.high()).isInfinite().isPositive();
        assertThat(less.high()).isCloseTo(expected.get("upper_less").asDouble(), tolerance);
        assertThat(less.low()).isInfinite().isNegative();
    }

    private static Sample sample(JsonNode arm) {
        if (arm.path("kind").asText().equals("proportion")) {
            return Sample.proportion(arm.get("sum").asLong(), arm.get("n").asLong());
        }
        return Moments.ofSums(
                        arm.get("n").asLong(),
                        arm.get("sum").asDouble(),
                        arm.get("sum_squares").asDouble())
                .sample();
    }

    private static Lift lift(JsonNode c) {
        return Lift.valueOf(c.get("config").get("difference").asText().toUpperCase(Locale.ROOT));
    }

    private static double alpha(JsonNode c) {
        return c.get("config").get("alpha").asDouble();
    }
}
