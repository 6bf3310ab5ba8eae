package dev.flywheel.pipeline.prove;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.pipeline.prove.Canary.Turn;
import dev.flywheel.pipeline.prove.Decision.Action;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CanaryTest {

    private static final Instant START = Instant.parse("2026-03-01T00:00:00Z");
    private static final Measure ERRORS = Measure.of("error rate")
            .success(Bound.atMost(0.01))
            .failure(Bound.above(0.05))
            .every(Duration.ofMinutes(1));
    private static final Canary PLAN = Canary.steps(0.05, 0.25, 0.5)
            .each(Duration.ofMinutes(10))
            .minObservations(100)
            .measure(ERRORS);

    private static Instant minute(double minutes) {
        return START.plusMillis(Math.round(minutes * 60_000));
    }

    private static Turn next(CanaryState state, long observations, double errors, double minutes) {
        return PLAN.next(state, observations, Map.of("error rate", errors), minute(minutes));
    }

    @Test
    void walksThroughItsStepsAndPromotes() {
        CanaryState state = PLAN.start(7, START);
        assertThat(state.share()).isEqualTo(0.05);
        List<String> story = new ArrayList<>();
        Decision last = null;
        for (int m = 0; state.end() == null; m++) {
            Turn turn = next(state, 20, 0.001, m);
            state = turn.state();
            last = turn.decision();
            if (last.action() != Action.CONTINUE) {
                story.add(last.action() + " " + last.share() + ": " + last.reason());
            }
        }
        assertThat(story)
                .containsExactly(
                        "ADVANCE 0.25: Version 7 goes from 5% to 25% of the traffic: every measure holds after 10 minutes and "
                                + "220 observations.",
                        "ADVANCE 0.5: Version 7 goes from 25% to 50% of the traffic: every measure holds after 10 minutes and "
                                + "200 observations.",
                        "PROMOTE 1.0: Version 7 is promoted: every measure holds at 50% of the traffic, the last of 3 steps, "
                                + "after 30 minutes in all.");
        assertThat(state.share()).as("until that is done").isEqualTo(0.5);
        assertThat(last).isNotNull();
        assertThat(last.evidence())
                .containsExactly(new Verdict(
                        "error rate, success at most 0.01, failure above 0.05, every PT1M",
                        Verdict.Outcome.PASS,
                        "10 successful, 0 failed, 0 inconclusive, last value 0.001"));
    }

    @Test
    void saysWhatItWaitsFor() {
        CanaryState state = PLAN.start(7, START);
        assertThat(next(state, 500, 0, 4).decision().reason())
                .isEqualTo("Version 7 stays at 5% of the traffic: the step has lasted 4 minutes of 10 minutes.");
        assertThat(next(state, 40, 0, 11).decision().reason())
                .isEqualTo("Version 7 stays at 5% of the traffic: 40 of 100 observations so far.");
        Canary counted = Canary.steps(0.1).measure(ERRORS.count(3));
        Turn turn = counted.next(counted.start(7, START), 1, Map.of("error rate", 0.0), START);
        assertThat(turn.decision().reason())
                .isEqualTo("Version 7 stays at 10% of the traffic: \"error rate\" has had 1 reading.");
    }

    @Test
    void readsAMeasureOnlyWhenItsIntervalHasPassed() {
        CanaryState state = PLAN.start(7, START);
        assertThat(PLAN.due(state, START)).containsExactly("error rate");
        state = next(state, 1, 0, 0).state();
        assertThat(PLAN.due(state, minute(0.5))).isEmpty();
        // a failure that nobody was to read yet
        state = next(state, 1, 0.9, 0.5).state();
        assertThat(state.tallies().get("error rate")).extracting("failed").isEqualTo(0);
        assertThat(state.observations()).isEqualTo(2);
        assertThat(next(state, 1, 0.9, 1).decision().action()).isEqualTo(Action.ROLL_BACK);
    }

    @Test
    void takesAVersionThatFailsBack() {
        CanaryState state = next(PLAN.start(7, START), 50, 0.001, 0).state();
        Turn turn = next(state, 50, 0.06, 1);
        assertThat(turn.decision().action()).isEqualTo(Action.ROLL_BACK);
        assertThat(turn.decision().share()).isZero();
        assertThat(turn.decision().reason())
                .isEqualTo(
                        "Version 7 is taken back because it failed \"error rate, success at most 0.01, failure above "
                                + "0.05, every PT1M\" at 5% of the traffic: 1 successful, 1 failed, 0 inconclusive, last value 0.06.");
        assertThat(turn.decision().evidence()).extracting(Verdict::outcome).containsExactly(Verdict.Outcome.FAIL);
        // the end is the end
        assertThat(next(turn.state(), 50, 0.0, 2).decision()).isEqualTo(turn.decision());
        assertThat(PLAN.due(turn.state(), minute(5))).isEmpty();
        assertThat(PLAN.abort(turn.state(), "of a test", minute(5)).decision()).isEqualTo(turn.decision());
    }

    @Test
    void takesAVersionThatCannotBeMeasuredBack() {
        CanaryState state = PLAN.start(7, START);
        for (int m = 0; m < 4; m++) {
            Turn turn = PLAN.next(state, 1, Map.of(), minute(m));
            assertThat(turn.decision().action()).isEqualTo(Action.CONTINUE);
            state = turn.state();
        }
        Turn turn = next(state, 1, Double.NaN, 4);
        assertThat(turn.decision().action()).isEqualTo(Action.ROLL_BACK);
        assertThat(turn.decision().reason())
                .startsWith("Version 7 is taken back because nobody could read \"error rate")
                .endsWith("0 successful, 0 failed, 0 inconclusive, no value the last 5 times.");
    }

    @Test
    void doesNotAdvanceOnWhatWasNeverRead() {
        CanaryState state =
                PLAN.next(PLAN.start(7, START), 500, Map.of(), minute(30)).state();
        assertThat(state.step()).isZero();
        assertThat(next(state, 0, 0, 31).decision().action()).isEqualTo(Action.ADVANCE);
    }

    @Test
    void holdsWhereNobodyCanTellUntilAPersonDecides() {
        CanaryState state = next(PLAN.start(7, START), 50, 0.03, 0).state();
        assertThat(state.held())
                .isEqualTo(
                        "Version 7 is held because nobody can tell \"error rate, success at most 0.01, failure above "
                                + "0.05, every PT1M\" at 5% of the traffic: 0 successful, 0 failed, 1 inconclusive, last value 0.03.");
        Turn still = next(state, 50, 0.9, 20);
        assertThat(still.decision().action()).isEqualTo(Action.HOLD);
        assertThat(still.state()).isEqualTo(state);
        assertThat(PLAN.due(state, minute(20))).isEmpty();

        Turn proceeded = PLAN.proceed(state, "Ada", minute(21));
        assertThat(proceeded.decision().action()).isEqualTo(Action.ADVANCE);
        assertThat(proceeded.decision().reason())
                .isEqualTo("Version 7 goes from 5% to 25% of the traffic: Ada let it go on after 21 minutes and 50 "
                        + "observations.");
        assertThat(proceeded.state().tallies()).isEmpty();

        Turn again = PLAN.again(state, "Ada", minute(21));
        assertThat(again.decision().action()).isEqualTo(Action.CONTINUE);
        assertThat(again.state().stepAt()).isEqualTo(minute(21));
        assertThat(again.state().held()).isNull();
        assertThat(next(again.state(), 1, 0, 21).decision().action()).isEqualTo(Action.CONTINUE);

        Turn aborted = PLAN.abort(state, "Ada saw angry customers", minute(22));
        assertThat(aborted.decision().reason()).isEqualTo("Version 7 is taken back because Ada saw angry customers.");
        assertThatThrownBy(() -> PLAN.proceed(aborted.state(), "Ada", minute(23)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the canary of version 7 is not held");
    }

    @Test
    void pausesWhereThePlanWantsAPerson() {
        Canary plan = Canary.steps(0.1, 0.5).pauseAt(0.5);
        CanaryState state = plan.next(plan.start(3, START), 0, Map.of(), START).state();
        Turn held = plan.next(state, 0, Map.of(), minute(1));
        assertThat(held.decision().action()).isEqualTo(Action.HOLD);
        assertThat(held.decision().reason())
                .isEqualTo("Version 3 is held at 50% of the traffic: the plan wants a person's word here.");
        assertThat(plan.proceed(held.state(), "Ada", minute(2)).decision().action())
                .isEqualTo(Action.PROMOTE);
    }

    @Test
    void aClockThatWasSetBackHoldsNothingUpForLong() {
        CanaryState state = next(PLAN.start(7, START), 500, 0, 0).state();
        state = next(state, 1, 0, -600).state();
        assertThat(state.stepAt()).isEqualTo(minute(-600));
        assertThat(next(state, 1, 0, -590).decision().action()).isEqualTo(Action.ADVANCE);
    }

    /** Whatever happens, a restart after each move changes nothing. */
    @Test
    void aRestartAtAnyMoveChangesNothing(@TempDir Path folder) throws IOException {
        Canary plan = PLAN.pauseAt(0.25)
                .measure(Measure.of("latency")
                        .success(Bound.below(20))
                        .failure(Bound.atLeast(40))
                        .inconclusiveLimit(3)
                        .failureLimit(1));
        for (int seed = 0; seed < 30; seed++) {
            Random random = new Random(seed);
            CanaryState steady = plan.start(seed, START);
            CanaryState restarted = steady;
            Path file = folder.resolve("canary-" + seed + ".json");
            for (int m = 0; m < 80; m++) {
                Map<String, Double> values = Map.of(
                        "error rate", random.nextInt(40) == 0 ? 0.03 : 0.001, "latency", random.nextInt(100) / 2.5);
                long observations = random.nextInt(40);
                byte[] json = Json.write(restarted);
                if (m % 40 == seed) {
                    Durable.write(file, json);
                    json = Files.readAllBytes(file);
                }
                restarted = Json.read(json, CanaryState.class, file.toString());
                assertThat(restarted).isEqualTo(steady);
                assertThat(plan.owns(restarted)).isTrue();
                Turn one = move(plan, steady, observations, values, minute(m));
                Turn other = move(plan, restarted, observations, values, minute(m));
                assertThat(other).isEqualTo(one);
                steady = one.state();
                restarted = other.state();
            }
        }
    }

    private static Turn move(
            Canary plan, CanaryState state, long observations, Map<String, Double> values, Instant now) {
        return state.held() != null && observations > 30
                ? plan.proceed(state, "Ada", now)
                : plan.next(state, observations, values, now);
    }

    @Test
    void aStateOfAnotherPlanIsRefusedButCanBeAborted() {
        CanaryState state = PLAN.start(7, START);
        Canary other = Canary.steps(0.1);
        assertThatThrownBy(() -> other.next(state, 0, Map.of(), START))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the canary of version 7 follows the plan \"steps 0.05, 0.25, 0.5; each PT10M; at least 100 "
                                + "observations each; error rate, success at most 0.01, failure above 0.05, every PT1M\", not "
                                + "\"steps 0.1\"");
        assertThat(other.abort(state, "its plan has changed", START).decision().reason())
                .isEqualTo("Version 7 is taken back because its plan has changed.");
    }

    @Test
    void aDamagedStateIsRefused() {
        byte[] json = new String(Json.write(PLAN.start(7, START)), StandardCharsets.UTF_8)
                .replace("\"startedAt\" : \"2026-03-01T00:00:00Z\"", "\"startedAt\" : null")
                .getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> Json.read(json, CanaryState.class, "canary.json"))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("reading canary.json");
    }

    @Test
    void refusesAPlanThatMakesNoSense() {
        assertThatThrownBy(() -> Canary.steps(0.5, 0.2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the steps of a canary are shares above 0 and below 1, increasing, found [0.5, 0.2]");
        assertThatThrownBy(Canary::steps)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a canary needs a step");
        assertThatThrownBy(() -> PLAN.measure(ERRORS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is a measure \"error rate\" already");
        assertThatThrownBy(() -> PLAN.measure(Measure.of("x")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("measure \"x\" needs a success or a failure condition");
        assertThatThrownBy(() -> PLAN.pauseAt(0.1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no step of 0.1, only [0.05, 0.25, 0.5]");
        assertThatThrownBy(() -> ERRORS.failureLimit(-2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("failureLimit of measure \"error rate\" must be at least -1, found -2");
        assertThatThrownBy(() -> Bound.atLeast(Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a bound must be finite, found NaN");
    }
}
