package dev.flywheel.pipeline.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every case of the reference sequences of Ray Tune and Optuna. */
class HyperparameterVectorsTest {

    private static final int CASES = 26;

    @TestFactory
    Stream<DynamicTest> allCases() throws IOException {
        JsonNode cases = new JsonMapper().readTree(Files.readAllBytes(find())).get("cases");
        assertThat(cases).hasSize(CASES);
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode one : cases) {
            String name = tests.size() + 1 + " " + one.get("kind").asText() + " "
                    + one.path("name").asText(one.path("input").asText());
            tests.add(DynamicTest.dynamicTest(name, () -> check(one)));
        }
        return tests.stream();
    }

    private static Path find() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path file = at.resolve("shared/vectors/hyperparameter_search.json");
            if (Files.exists(file)) {
                return file;
            }
        }
        Assumptions.abort("needs shared/vectors/hyperparameter_search.json beside the checkout");
        throw new AssertionError("unreachable");
    }

    private static void check(JsonNode one) {
        switch (one.get("kind").asText()) {
            case "hyperband_brackets" -> brackets(one);
            case "hyperband_brackets_meta" -> ends(one);
            case "successive_halving_rung_sizes" -> sizes(one);
            case "asha" -> stopping(one, HyperparameterVectorsTest::asha);
            case "median_stopping" -> stopping(one, HyperparameterVectorsTest::median);
            case "optuna_sha" -> halving(one);
            case "optuna_percentile" -> percentile(one);
            case "optuna_percentile_value" -> percentileValue(one);
            case "wilcoxon_pruner" -> wilcoxon(one);
            case "contract" ->
                assertThatIllegalArgumentException()
                        .isThrownBy(broken(one.get("input").asText()));
            default -> throw new AssertionError("unknown kind in " + one);
        }
    }

    private static void brackets(JsonNode one) {
        List<List<Hyperband.Rung>> expected = new ArrayList<>();
        for (JsonNode bracket : one.get("expected")) {
            List<Hyperband.Rung> rungs = new ArrayList<>();
            bracket.forEach(rung -> rungs.add(rung(rung)));
            expected.add(rungs);
        }
        assertThat(Hyperband.brackets(one.get("max_t").asInt(), one.get("eta").asInt()))
                .isEqualTo(expected);
    }

    private static Hyperband.Rung rung(JsonNode pair) {
        return new Hyperband.Rung(pair.get(0).asInt(), pair.get(1).asInt());
    }

    private static void ends(JsonNode one) {
        List<List<Hyperband.Rung>> brackets =
                Hyperband.brackets(one.get("max_t").asInt(), one.get("eta").asInt());
        JsonNode expected = one.get("expected");
        assertThat(brackets).hasSize(expected.get("brackets").asInt());
        assertThat(brackets.get(0).get(0)).isEqualTo(rung(expected.get("first")));
        assertThat(brackets.get(brackets.size() - 1).get(0)).isEqualTo(rung(expected.get("last")));
    }

    private static void sizes(JsonNode one) {
        List<Integer> expected = new ArrayList<>();
        one.get("expected").forEach(size -> expected.add(size.asInt()));
        assertThat(Hyperband.sizes(
                        one.get("n").asInt(), expected.size(), one.get("eta").asInt()))
                .isEqualTo(expected);
    }

    private interface Making {
        Pruner of(JsonNode config);
    }

    private static Pruner asha(JsonNode config) {
        return Pruner.asha(
                config.path("grace_period").asDouble(1),
                config.path("max_t").asDouble(100),
                config.path("reduction_factor").asDouble(4),
                config.path("stop_last_trials").asBoolean(true) ? Pruner.AtTheEnd.STOP : Pruner.AtTheEnd.GO_ON);
    }

    private static Pruner median(JsonNode config) {
        return Pruner.median(
                config.get("grace_period").asDouble(), config.get("min_samples").asInt());
    }

    /** What was reported to a pruner, so that it can be made again. */
    private record Report(String trial, double step, double value) {}

    private static void stopping(JsonNode one, Making making) {
        Pruner pruner = making.of(one.get("config"));
        List<Report> before = new ArrayList<>();
        for (JsonNode trial : one.get("setup")) {
            String name = trial.get("trial").asText();
            for (JsonNode result : trial.get("results")) {
                Report report =
                        new Report(name, result.get(0).asDouble(), result.get(1).asDouble());
                before.add(report);
                assertThat(pruner.prunes(name, report.step, report.value))
                        .as("setup %s", report)
                        .isFalse();
            }
        }
        for (JsonNode step : one.get("steps")) {
            switch (step.get(0).asText()) {
                case "save+restore" -> {
                    pruner = making.of(one.get("config"));
                    for (Report report : before) {
                        pruner.prunes(report.trial, report.step, report.value);
                    }
                }
                case "complete" ->
                    pruner.completed(
                            step.get(1).asText(),
                            step.get(2).asDouble(),
                            step.get(3).asDouble());
                default ->
                    names(step.get(1).asText())
                            .map(name -> new Report(
                                    name, step.get(2).asDouble(), step.get(3).asDouble()))
                            .forEach(reporting(pruner, step.get(4).asText(), before));
            }
        }
    }

    private static Consumer<Report> reporting(Pruner pruner, String expected, List<Report> before) {
        return report -> {
            before.add(report);
            assertThat(pruner.prunes(report.trial, report.step, report.value))
                    .as("%s, expected %s", report, expected)
                    .isEqualTo(expected.equals("STOP"));
        };
    }

    private static Stream<String> names(String text) {
        return switch (text) {
            case "x0..x4" -> Stream.of("x0", "x1", "x2", "x3", "x4");
            case "any of 10 trials" -> Stream.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j");
            default -> Stream.of(text);
        };
    }

    /** Values to be minimized, so all change their sign. */
    private static void halving(JsonNode one) {
        JsonNode config = one.get("config");
        HalvingPruner pruner = (HalvingPruner) Pruner.halving(
                config.get("min_resource").asInt(), config.get("eta").asInt());
        int number = 0;
        for (JsonNode trial : one.path("trials")) {
            pruner.prunes(
                    "t" + number++,
                    trial.get("step").asDouble(),
                    -trial.get("value").asDouble());
        }
        for (JsonNode trial : one.path("then")) {
            String name = "t" + number++;
            pruner.prunes(
                    name, trial.get("step").asDouble(), -trial.get("value").asDouble());
            assertThat(pruner.rungsOf(name))
                    .isEqualTo(trial.get("completed_rungs").size());
        }
        for (JsonNode nan : one.path("cases")) {
            assertThat(pruner.prunes("t", nan.get("step").asDouble(), Double.NaN))
                    .isEqualTo(nan.get("prune").asBoolean());
        }
    }

    private static double sign(JsonNode one) {
        return one.get("mode").asText().equals("max") ? 1 : -1;
    }

    private static PercentilePruner completed(JsonNode one, JsonNode values) {
        PercentilePruner pruner =
                (PercentilePruner) Pruner.percentile(one.get("percentile").asDouble(), 0, 1);
        int number = 0;
        for (JsonNode value : values) {
            pruner.completed("t" + number++, 1, sign(one) * value.asDouble());
        }
        return pruner;
    }

    private static void percentile(JsonNode one) {
        assertThat(completed(one, one.get("completed_values"))
                        .prunes("new", 1, sign(one) * one.get("value").asDouble()))
                .isEqualTo(one.get("prune").asBoolean());
    }

    private static void percentileValue(JsonNode one) {
        assertThat(sign(one) * completed(one, one.get("values")).cut(1))
                .isCloseTo(one.get("expected").asDouble(), within(1e-12));
    }

    private static void wilcoxon(JsonNode one) {
        Pruner pruner = Pruner.wilcoxon(
                one.get("p_threshold").asDouble(), one.get("n_startup_steps").asInt());
        int step = 0;
        for (JsonNode value : one.get("best_trial_values")) {
            pruner.completed("best", step++, sign(one) * value.asDouble());
        }
        for (step = 0; step < one.get("reported").size(); step++) {
            assertThat(pruner.prunes(
                            "new",
                            step,
                            sign(one) * one.get("reported").get(step).asDouble()))
                    .as("step %s", step)
                    .isEqualTo(one.get("should_prune").get(step).asBoolean());
        }
    }

    private static ThrowingCallable broken(String input) {
        return switch (input) {
            case "reduction_factor<2" -> () -> Pruner.halving(1, 1);
            case "min_resource<1" -> () -> Pruner.halving(0, 2);
            case "percentile<0 or >100" ->
                () -> {
                    assertThatIllegalArgumentException().isThrownBy(() -> Pruner.percentile(-1, 0, 1));
                    Pruner.percentile(101, 0, 1);
                };
            case "n_startup_trials<0" -> () -> Pruner.percentile(25, -1, 1);
            case "interval_steps<1" -> () -> Pruner.percentile(25, 0, 0);
            default -> throw new AssertionError("unknown contract " + input);
        };
    }
}
