package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.energy.Forecast;
import dev.flywheel.core.energy.PowerPlan;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.Decision.Outcome;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TriggersTest {

    private static final Instant START = Instant.parse("2001-01-29T00:00:00Z");
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration NO_TIME = Duration.ZERO;

    /** What monitors say, said by the test. */
    private static final class Said implements Signals {

        private final List<Drift> drifts = new ArrayList<>();
        private final List<Quality> qualities = new ArrayList<>();
        private final List<Quality> estimates = new ArrayList<>();

        @Override
        public List<Drift> drift() {
            return List.copyOf(drifts);
        }

        @Override
        public Optional<Quality> quality(Metric metric) {
            return qualities.stream().filter(q -> q.metric() == metric).findFirst();
        }

        @Override
        public Optional<Quality> estimatedQuality(Metric metric) {
            return estimates.stream().filter(q -> q.metric() == metric).findFirst();
        }

        void drift(double psi, Instant at) {
            drifts.clear();
            drifts.add(new Drift("distance", "PSI", psi, at, at));
        }
    }

    private final Said said = new Said();
    private final List<Decision> heard = new ArrayList<>();

    private Triggers triggers(Retrain rules) {
        return triggers(rules, TriggerState.empty(0), START, 0);
    }

    private Triggers triggers(Retrain rules, TriggerState kept, Instant lastRun, long outcomes) {
        Triggers triggers = new Triggers(rules, said, kept, lastRun, outcomes, heard::add);
        triggers.serving(1);
        return triggers;
    }

    private static Optional<String> due(Triggers triggers, Instant now) {
        triggers.lookForPower(now, Optional.empty());
        return triggers.due(now, Optional.empty());
    }

    private static String sentence(Triggers triggers, Instant now) {
        triggers.lookForPower(now, Optional.empty());
        return triggers.decision(now, Optional.empty()).sentence();
    }

    private static void run(Triggers triggers, Instant now, Run.Outcome outcome) {
        triggers.runStarted(now, "a test");
        triggers.runEnded(now, outcome, false, NO_TIME);
    }

    @Test
    void aRunThatWasAskedForIsOwedUntilPowerIsCheapEvenIfTheRuleNoLongerHolds() {
        PowerPlan plan = PowerPlan.of(
                (from, until) -> List.of(
                        new Forecast.Slot(START, START.plus(HOUR), 0.3, 0),
                        new Forecast.Slot(START.plus(HOUR), START.plus(HOUR.multipliedBy(2)), 0.1, 0)),
                HOUR,
                HOUR.multipliedBy(3));
        Retrain rules = Retrain.onDrift(0.2).atMostEvery(HOUR).whenCheap(plan);
        Instant before = START.minus(Duration.ofDays(1));
        Triggers triggers = triggers(rules, TriggerState.empty(0), before, 0);
        said.drift(0.3, START);
        assertThat(due(triggers, START)).isEmpty();
        assertThat(sentence(triggers, START))
                .isEqualTo("did not retrain: drift of distance PSI 0.30 >= 0.2 seen, but power is cheaper later:"
                        + " planned from 2001-01-29T01:00:00Z at 0.1000 a kWh instead of 0.3000 now, done by"
                        + " 2001-01-29T03:00:00Z at the latest");
        assertThat(due(triggers, START.plusSeconds(60))).isEmpty();
        assertThat(heard).extracting(Decision::outcome).containsExactly(Outcome.HOLD);

        said.drifts.clear();
        Triggers later = triggers(rules, triggers.state(), before, 0);
        assertThat(due(later, START.plusSeconds(3_000))).isEmpty();
        Optional<String> reason = due(later, START.plus(HOUR));
        assertThat(reason).contains("drift of distance PSI 0.30 >= 0.2 seen");
        later.runStarted(START.plus(HOUR), reason.orElseThrow());
        Triggers killed = triggers(rules, later.state(), before, 0);
        assertThat(sentence(killed, START.plus(HOUR)))
                .as("the budget holds it back, too")
                .contains("1 h of the cooldown of 1 h are left");
        assertThat(due(killed, START.plus(HOUR.multipliedBy(2)))).isPresent();
        later.runEnded(START.plus(HOUR), Run.Outcome.PROMOTED, true, NO_TIME);
        assertThat(due(later, START.plus(HOUR.multipliedBy(2)))).isEmpty();
        assertThat(later.state().owed()).isNull();
    }

    @Test
    void startsARunOnceEnoughLabelsHaveComeIn() {
        Triggers triggers = triggers(Retrain.afterLabels(3));
        assertThat(triggers.labelled(2)).isEqualTo(2);
        assertThat(due(triggers, START)).isEmpty();
        assertThat(sentence(triggers, START)).isEqualTo("did not retrain: 2 of 3 new labels");
        triggers.labelled(1);
        assertThat(due(triggers, START)).contains("3 new labels since the last run, the rule is 3");
        run(triggers, START, Run.Outcome.PROMOTED);
        assertThat(due(triggers, START)).isEmpty();
    }

    @Test
    void startsARunOnceEnoughPredictionsWereMade() {
        Triggers triggers = triggers(Retrain.afterPredictions(3));
        triggers.predicted();
        triggers.predicted();
        assertThat(due(triggers, START)).isEmpty();
        assertThat(sentence(triggers, START)).isEqualTo("did not retrain: 2 of 3 new predictions");
        triggers.predicted();
        assertThat(due(triggers, START)).contains("3 predictions since the last run, the rule is 3");
        run(triggers, START, Run.Outcome.REJECTED);
        assertThat(due(triggers, START)).isEmpty();
    }

    @Test
    void startsARunOnSchedule() {
        Triggers triggers = triggers(Retrain.every(Duration.ofDays(7)));
        Instant sixth = START.plus(Duration.ofDays(6));
        assertThat(due(triggers, sixth)).isEmpty();
        assertThat(sentence(triggers, sixth)).isEqualTo("did not retrain: 1 d to the next run of every 7 d");
        assertThat(due(triggers, START.plus(Duration.ofDays(7))))
                .contains("7 d since the last run, the rule is every 7 d");
    }

    @Test
    void aDecisionNotTakenSaysWhatHoldsWhatDoesNotAndWhatIsLeftOfTheCooldown() {
        Triggers triggers = triggers(Retrain.afterLabels(10_000).orOnDrift(0.2).atMostEvery(HOUR));
        triggers.labelled(8_200);
        Instant later = START.plus(Duration.ofMinutes(37));
        said.drift(0.31, later);
        assertThat(due(triggers, later)).isEmpty();
        assertThat(triggers.decision(later, Optional.empty()))
                .isEqualTo(new Decision(
                        later,
                        Outcome.HOLD,
                        "did not retrain: 8,200 of 10,000 new labels; drift of distance PSI 0.31 >= 0.2 seen, but 23 min"
                                + " of the cooldown of 1 h are left"));
        assertThat(heard).containsExactly(triggers.decision(later, Optional.empty()));
        assertThat(due(triggers, START.plus(HOUR))).contains("drift of distance PSI 0.31 >= 0.2 seen");
    }

    @Test
    void aDecisionIsToldOnceAndNotForEveryNumberThatChanges() {
        Triggers triggers = triggers(Retrain.afterLabels(100));
        for (int i = 0; i < 99; i++) {
            triggers.labelled(1);
            due(triggers, START.plusSeconds(i));
        }
        assertThat(heard).extracting(Decision::sentence).containsExactly("did not retrain: 1 of 100 new labels");
        triggers.labelled(1);
        String why = due(triggers, START).orElseThrow();
        triggers.runStarted(START, why);
        assertThat(heard.get(1).sentence()).isEqualTo("retrains: 100 new labels since the last run, the rule is 100");
        assertThat(triggers.decision(START, Optional.empty()))
                .as("while it runs")
                .isEqualTo(heard.get(1));
    }

    @Test
    void theLastDecisionsAreRememberedAndNoMore() {
        Triggers triggers = triggers(Retrain.never());
        for (int i = 0; i < 250; i++) {
            run(triggers, START.plusSeconds(i), Run.Outcome.PROMOTED);
        }
        assertThat(triggers.decisions()).hasSize(Triggers.REMEMBERED);
        assertThat(triggers.decisions().get(Triggers.REMEMBERED - 1).at()).isEqualTo(START.plusSeconds(249));
        assertThat(sentence(triggers, START)).isEqualTo("did not retrain: no rule asks for it, only the host can");
    }

    @Test
    void conditionsMustHoldTogether() {
        Triggers triggers = triggers(Retrain.onDrift(0.2).and(Retrain.afterLabels(2)));
        Instant now = START.plusSeconds(1);
        said.drift(0.3, now);
        assertThat(due(triggers, now)).isEmpty();
        assertThat(sentence(triggers, now))
                .isEqualTo("did not retrain: drift of distance PSI 0.30 >= 0.2 seen; still needed: 0 of 2 new labels");
        triggers.labelled(2);
        assertThat(due(triggers, now))
                .contains("drift of distance PSI 0.30 >= 0.2 seen and 2 new labels since the last run, the rule is 2");
    }

    @Test
    void aDriftThatHasStartedARunStartsAnotherOnlyWhenItIsSeenAgain() {
        Triggers triggers = triggers(Retrain.onDrift(0.2));
        Instant now = START.plusSeconds(1);
        assertThat(sentence(triggers, now)).isEqualTo("did not retrain: no drift seen");
        said.drift(0.1, now);
        assertThat(sentence(triggers, now))
                .isEqualTo("did not retrain: the largest drift is distance PSI 0.10, below 0.2");
        said.drift(0.3, now);
        assertThat(due(triggers, now)).isPresent();
        assertThat(triggers.lastDrift()).contains(now);
        run(triggers, now, Run.Outcome.REJECTED);
        assertThat(due(triggers, now.plusSeconds(5))).isEmpty();
        assertThat(sentence(triggers, now.plusSeconds(5)))
                .isEqualTo("did not retrain: drift of distance PSI 0.30 not measured again since the last run");
        said.drift(0.3, now.plusSeconds(6));
        assertThat(due(triggers, now.plusSeconds(6))).isPresent();
    }

    @Test
    void qualityThatFallsOrMustHaveFallenStartsARun() {
        Triggers triggers =
                triggers(Retrain.onQualityDrop(Metric.ROC_AUC, 0.05).orOnEstimatedDrop(Metric.LOG_LOSS, 0.1));
        Instant now = START.plusSeconds(1);
        assertThat(sentence(triggers, now))
                .isEqualTo("did not retrain: too few outcomes for ROC_AUC yet; no estimate of LOG_LOSS yet");
        said.qualities.add(new Signals.Quality(Metric.ROC_AUC, 0.80, 0.84, now, "AUC is 0.80, it was 0.84"));
        said.estimates.add(new Signals.Quality(Metric.LOG_LOSS, 0.3, 0.5, now, "log loss should be 0.3"));
        assertThat(due(triggers, now)).as("lower is better").isEmpty();
        assertThat(sentence(triggers, now))
                .isEqualTo("did not retrain: AUC is 0.80, it was 0.84, no drop of 0.05; log loss should be 0.3, no drop"
                        + " of 0.1");
        said.estimates.set(0, new Signals.Quality(Metric.LOG_LOSS, 0.7, 0.5, now, "log loss should be 0.7"));
        assertThat(due(triggers, now)).contains("log loss should be 0.7; the rule is a drop of 0.1");
    }

    @Test
    void theDaysRunsAndTheirTimeAreLimited() {
        Triggers triggers = triggers(Retrain.every(HOUR).atMostPerDay(3).runningAtMostPerDay(Duration.ofMinutes(30)));
        for (int hour = 1; hour <= 2; hour++) {
            Instant now = START.plus(Duration.ofHours(hour));
            assertThat(due(triggers, now)).isPresent();
            triggers.runStarted(now, "");
            triggers.runEnded(now, Run.Outcome.PROMOTED, true, Duration.ofMinutes(15));
        }
        Instant third = START.plus(Duration.ofHours(3));
        assertThat(due(triggers, third)).isEmpty();
        assertThat(sentence(triggers, third))
                .isEqualTo(
                        "did not retrain: 1 h since the last run, the rule is every 1 h, but 30 min of the 30 min for"
                                + " runs of this day (UTC) are used up, and the next day begins in 21 h");
        run(triggers, third, Run.Outcome.PROMOTED);
        assertThat(sentence(triggers, START.plus(Duration.ofHours(4))))
                .contains("3 of 3 runs of this day (UTC) are made, and the next day begins in 20 h");
        assertThat(due(triggers, START.plus(Duration.ofDays(1)))).isPresent();
    }

    @Test
    void tooFewLabelsHoldARunBack() {
        Triggers triggers = triggers(Retrain.every(HOUR).withAtLeastLabels(1_500));
        triggers.labelled(1_499);
        assertThat(due(triggers, START.plus(HOUR))).isEmpty();
        assertThat(sentence(triggers, START.plus(HOUR)))
                .endsWith(", but only 1,499 of at least 1,500 new labels have come in");
        triggers.labelled(1);
        assertThat(due(triggers, START.plus(HOUR))).isPresent();
    }

    @Test
    void stopsAfterRefusalsInARowUntilTheEvidenceHasDoubled() {
        Triggers triggers = triggers(Retrain.afterLabels(100).untilRefused(2));
        refuse(triggers, 100);
        assertThat(triggers.stopped()).isEmpty();
        refuse(triggers, 100);
        assertThat(triggers.stopped()).contains("2 runs in a row have brought no better model");
        triggers.labelled(150);
        assertThat(due(triggers, START)).isEmpty();
        assertThat(triggers.decision(START, Optional.empty()))
                .isEqualTo(new Decision(
                        START,
                        Outcome.PAUSE,
                        "did not retrain: paused, 2 runs in a row have brought no better model; resume() or 50 more labels"
                                + " start another"));
        refuse(triggers, 50);
        assertThat(triggers.stopped())
                .as("one try for twice the evidence")
                .contains("3 runs in a row have brought no better model");
        triggers.labelled(399);
        assertThat(due(triggers, START)).isEmpty();
        triggers.labelled(1);
        assertThat(due(triggers, START)).isPresent();
    }

    private static void refuse(Triggers triggers, int labels) {
        triggers.labelled(labels);
        assertThat(due(triggers, START)).isPresent();
        run(triggers, START, Run.Outcome.REJECTED);
    }

    @Test
    void aPauseAfterRefusalsEndsByResumeAndByAnotherVersion() {
        Triggers triggers = triggers(Retrain.afterLabels(1).untilRefused(1));
        refuse(triggers, 1);
        triggers.labelled(1);
        assertThat(due(triggers, START)).isEmpty();
        triggers.resume();
        assertThat(due(triggers, START)).isPresent();
        refuse(triggers, 1);
        triggers.labelled(1);
        assertThat(due(triggers, START)).isEmpty();
        triggers.serving(2);
        assertThat(due(triggers, START)).isPresent();
    }

    @Test
    void aCandidateThatOnlyAPauseKeptFromServingIsNoRefusal() {
        Triggers triggers = triggers(Retrain.afterLabels(1).untilRefused(1));
        triggers.runStarted(START, "");
        triggers.runEnded(START, Run.Outcome.REJECTED, true, NO_TIME);
        assertThat(triggers.stopped()).isEmpty();
    }

    @Test
    void aPauseIsSaidWhateverTheRules() {
        Triggers triggers = triggers(Retrain.afterLabels(1));
        triggers.labelled(1);
        assertThat(triggers.due(START, Optional.of("rolled back"))).isEmpty();
        assertThat(heard).containsExactly(new Decision(START, Outcome.PAUSE, "did not retrain: paused, rolled back"));
    }

    @Test
    void everythingSurvivesARestart() {
        Retrain rules =
                Retrain.afterLabels(10).orAfterPredictions(5).atMostPerDay(2).untilRefused(2);
        Triggers before = triggers(rules);
        said.drift(0.3, START.plusSeconds(7));
        before.labelled(10);
        due(before, START);
        run(before, START, Run.Outcome.REJECTED);
        run(before, START, Run.Outcome.REJECTED);
        before.labelled(4);
        before.predicted();
        due(before, START);
        Triggers after = triggers(rules, before.state(), Instant.MIN, 15);
        assertThat(after.labelled(0)).as("one came in that was never counted").isEqualTo(5);
        assertThat(after.state()).isEqualTo(before.state());
        int told = heard.size();
        due(after, START);
        assertThat(heard).as("nothing new").hasSize(told);
        assertThat(after.lastDrift()).contains(START.plusSeconds(7));
        assertThat(after.stopped()).isEqualTo(before.stopped()).isPresent();
    }

    @Test
    void aRunThatWasCutShortUsesNothingUp() {
        Retrain rules = Retrain.afterLabels(3).orAfterPredictions(2);
        Triggers before = triggers(rules);
        before.labelled(3);
        before.predicted();
        before.runStarted(START, "");
        TriggerState killed = before.state();
        before.runAbandoned();
        for (TriggerState kept : List.of(killed, before.state())) {
            Triggers after = triggers(rules, kept, START, 3);
            assertThat(due(after, START)).isPresent();
            assertThat(after.state().predictions()).isEqualTo(1);
        }
    }

    @Test
    void countsAreKeptNowAndThenAndDecisionsAtOnce() {
        Triggers triggers = triggers(Retrain.afterPredictions(100));
        due(triggers, START);
        assertThat(triggers.toSave(Duration.ZERO)).isPresent();
        assertThat(triggers.toSave(Duration.ofHours(1)))
                .as("nothing has changed")
                .isEmpty();
        triggers.predicted();
        assertThat(triggers.toSave(Duration.ofSeconds(59))).isEmpty();
        assertThat(triggers.toSave(Duration.ofSeconds(60)).orElseThrow().predictions())
                .isEqualTo(1);
        triggers.runStarted(START.plusSeconds(61), "");
        assertThat(triggers.toSave(Duration.ofSeconds(61))).isPresent();
    }

    @Test
    void aClockThatIsSetBackDoesNotPutARunOffUntilItHasCaughtUp() {
        Triggers triggers = triggers(
                Retrain.every(Duration.ofDays(7)).orAfterLabels(1).atMostEvery(HOUR),
                TriggerState.empty(0),
                START.plus(Duration.ofDays(36_500)),
                0);
        assertThat(due(triggers, START)).isEmpty();
        assertThat(due(triggers, START.plus(Duration.ofDays(7)))).isPresent();
        triggers.labelled(1);
        assertThat(due(triggers, START.plus(HOUR))).contains("1 new labels since the last run, the rule is 1");
    }

    @Test
    void aPipelineThatNeverRanIsDue() {
        assertThat(due(triggers(Retrain.every(Duration.ofDays(7)), TriggerState.empty(0), Instant.MIN, 0), START))
                .contains("no run yet, the rule is every 7 d");
    }

    @Test
    void theReferencePolicyIsFollowed() throws Exception {
        JsonNode policy = policy();
        Instant zero = Instant.EPOCH;
        JsonNode rule = policy.get("policy");
        double seconds = 3_600 * rule.get("energy_budget_kwh_per_day").doubleValue(); // a machine of 1 kW
        long cost = (long) (3_600 * rule.get("cost_per_retrain_kwh").doubleValue());
        Triggers triggers = triggers(
                Retrain.onDrift(0.2)
                        .orEvery(Duration.ofHours(24))
                        .orOnQualityDrop(Metric.ROC_AUC, 0.02)
                        .atMostEvery(Duration.ofSeconds(rule.get("cooldown_s").longValue()))
                        .atMostPerDay(rule.get("max_retrains_per_day").intValue())
                        .withAtLeastLabels(rule.get("min_new_labels").intValue())
                        .runningAtMostPerDay(Duration.ofSeconds((long) seconds))
                        .untilRefused(
                                rule.get("stop_after_consecutive_rejected").intValue()),
                TriggerState.empty(0),
                zero.minus(Duration.ofDays(1)).plusSeconds(1),
                0);
        int checked = 0;
        for (JsonNode event : policy.get("events")) {
            long t = event.get("t").longValue();
            Instant now = zero.plusSeconds(t);
            triggers.labelled(policy.get("new_labels_at").get(Long.toString(t)).intValue());
            said.drifts.clear();
            said.qualities.clear();
            if (event.has("psi")) {
                said.drift(event.get("psi").doubleValue(), now);
            } else if (event.has("auc_drop")) {
                double drop = event.get("auc_drop").doubleValue();
                said.qualities.add(new Signals.Quality(Metric.ROC_AUC, 0.8 - drop, 0.8, now, "AUC fell"));
            }
            JsonNode expected = policy.get("expected").get(checked++);
            assertThat(expected.get("t").longValue()).isEqualTo(t);
            Optional<String> found = due(triggers, now);
            assertThat(found.isPresent())
                    .as("at %s: %s", t, sentence(triggers, now))
                    .isEqualTo(expected.get("run").booleanValue());
            if (found.isEmpty()) {
                assertThat(sentence(triggers, now)).contains(expected.get("why").textValue());
            } else {
                triggers.runStarted(now, found.get());
                triggers.runEnded(now, Run.Outcome.PROMOTED, true, Duration.ofSeconds(cost));
            }
        }
        assertThat(checked).isEqualTo(5);
    }

    private static JsonNode policy() throws Exception {
        JsonNode cases = new ObjectMapper()
                .readTree(Files.readAllBytes(SharedData.vectors("sketches_and_triggers.json")))
                .get("cases");
        for (JsonNode found : cases) {
            if (found.get("kind").textValue().equals("retrain_trigger_policy")) {
                return found;
            }
        }
        throw new AssertionError("there is no policy among " + cases.size() + " cases");
    }
}
