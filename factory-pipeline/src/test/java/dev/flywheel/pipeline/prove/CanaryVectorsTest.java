package dev.flywheel.pipeline.prove;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.prove.Decision.Action;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The decision table of Argo Rollouts' analysis: all 26 cases. */
class CanaryVectorsTest {

    private static final Instant NOW = Instant.parse("2026-03-01T00:00:00Z");

    @Test
    void reachesThePhaseOfTheDecisionTable() throws IOException {
        int checked = 0;
        for (JsonNode c : cases()) {
            if (c.get("kind").asText().equals("rule")) {
                continue;
            }
            JsonNode result = c.get("result");
            Tally tally = new Tally(
                    result.path("successful").asInt(),
                    result.path("failed").asInt(),
                    result.path("inconclusive").asInt(),
                    result.path("consecutiveError").asInt(),
                    result.path("consecutiveSuccess").asInt(),
                    NOW,
                    0.5);
            Measure measure = measure(c.get("metric"));
            assertThat(measure.phase(tally)).as(c.toString()).hasToString(phase(c, "expected_phase"));
            if (!c.get("expected_phase_if_terminating").isNull()) {
                assertThat(measure.phaseAtEnd(tally))
                        .as(c.toString())
                        .hasToString(phase(c, "expected_phase_if_terminating"));
            }
            checked++;
        }
        assertThat(checked).isEqualTo(25);
    }

    /** The one case that is a rule in words. */
    @Test
    void followsTheRule() throws IOException {
        assertThat(cases().get(25).get("text").asText())
                .startsWith(
                        "neither successCondition nor failureCondition true -> Inconclusive (pauses, does not abort)");
        Canary plan = Canary.steps(0.5)
                .each(Duration.ofHours(1))
                .measure(Measure.of("x").success(Bound.atLeast(0.9)).failure(Bound.below(0.5)))
                .measure(Measure.of("y")
                        .success(Bound.atLeast(0.9))
                        .failure(Bound.atLeast(0))
                        .failureLimit(-1));
        CanaryState state = plan.start(2, NOW);
        assertThat(plan.next(state, 1, Map.of("x", 0.7, "y", 1.0), NOW)
                        .decision()
                        .action())
                .isEqualTo(Action.HOLD);
        assertThat(plan.next(state, 1, Map.of("x", 0.1, "y", 1.0), NOW)
                        .decision()
                        .action())
                .as("failureLimit is 0 by default, and one failed measure ends the others")
                .isEqualTo(Action.ROLL_BACK);
        Canary.Turn turn = plan.next(state, 1, Map.of("x", 1.0, "y", 1.0), NOW);
        assertThat(turn.decision().action()).as("-1 disables").isEqualTo(Action.CONTINUE);
        assertThat(turn.state().tallies().get("y")).as("failure beats success").satisfies(y -> {
            assertThat(Objects.requireNonNull(y).failed()).isEqualTo(1);
            assertThat(y.successful()).isZero();
        });
        assertThat(turn.decision().evidence().stream().collect(Collectors.toMap(Verdict::gate, Verdict::outcome)))
                .containsEntry("x, success at least 0.9, failure below 0.5", Verdict.Outcome.PASS);
    }

    private static Measure measure(JsonNode config) {
        Measure measure = Measure.of("m").success(Bound.atMost(1));
        if (config.has("interval")) {
            measure = measure.every(
                    Duration.parse("PT" + config.get("interval").asText().toUpperCase(Locale.ROOT)));
        }
        if (config.has("count")) {
            measure = measure.count(config.get("count").asInt());
        }
        if (config.has("failureLimit")) {
            measure = measure.failureLimit(config.get("failureLimit").asInt());
        }
        if (config.has("inconclusiveLimit")) {
            measure = measure.inconclusiveLimit(config.get("inconclusiveLimit").asInt());
        }
        if (config.has("consecutiveSuccessLimit")) {
            measure = measure.consecutiveSuccessLimit(
                    config.get("consecutiveSuccessLimit").asInt());
        }
        return measure;
    }

    private static String phase(JsonNode c, String field) {
        return c.get(field).asText().toUpperCase(Locale.ROOT);
    }

    private static JsonNode cases() throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        String name = "shared/vectors/canary_analysis.json";
        while (folder != null && !Files.exists(folder.resolve(name))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no " + name + " beside the checkout");
        JsonNode cases = new ObjectMapper()
                .readTree(Objects.requireNonNull(folder).resolve(name).toFile())
                .get("cases");
        assertThat(cases).hasSize(26);
        return cases;
    }
}
