package dev.flywheel.pipeline.prove;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.prove.Decision.Action;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ExperimentTest {

    private static final Instant START = Instant.parse("2026-03-01T00:00:00Z");
    private static final int CHAMPION = 3;
    private static final int CHALLENGER = 7;
    private static final Experiment ERROR = Experiment.on(Goal.model(Metric.RMSE));

    private static Instant second(long seconds) {
        return START.plusSeconds(seconds);
    }

    private static Trial begin(Experiment plan) {
        return plan.begin(CHAMPION, List.of(CHALLENGER), Map.of(), START);
    }

    /** One request a second, decided upon every ten seconds; errors are normal with these deviations. */
    private static Decision run(Trial trial, int requests, double champion, double challenger, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Decision decision = trial.decide(START);
        for (int i = 1; i <= requests && !decision.action().ends(); i++) {
            int version = random.nextDouble() < 0.5 ? CHAMPION : CHALLENGER;
            trial.assigned(version);
            double label = random.nextDouble();
            double error = random.nextGaussian() * (version == CHAMPION ? champion : challenger);
            trial.labelled(version, second(i), label + error, label);
            if (i % 10 == 0) {
                decision = trial.decide(second(i));
            }
        }
        return decision;
    }

    @Test
    void promotesAChallengerThatIsProvenBetter() {
        Trial trial = begin(ERROR);
        Decision decision = run(trial, 50_000, 1.0, 0.9, 1);
        assertThat(decision.action()).isEqualTo(Action.PROMOTE);
        assertThat(decision.version()).isEqualTo(CHALLENGER);
        assertThat(decision.share()).isEqualTo(1);
        assertThat(decision.reason())
                .matches(
                        "Version 7 is promoted: it meets better RMSE than the champion's, after .+; online \\+0\\.\\d+ "
                                + "\\(\\+[\\d.E-]+ to \\+0\\.\\d+\\)\\.");
        assertThat(decision.evidence()).extracting(Verdict::outcome).containsOnly(Verdict.Outcome.PASS);
        assertThat(decision.evidence().get(1).evidence()).contains("always-valid t");
        Estimate online = trial.gains().get(0).online();
        assertThat(online.low()).isPositive();
        // the end is the end, whatever comes after it
        TrialState kept = trial.state();
        trial.assigned(CHAMPION);
        trial.assigned(CHALLENGER);
        assertThat(trial.state()).isEqualTo(kept);
        trial.labelled(CHALLENGER, second(60_000), 1e6, 0);
        assertThat(trial.decide(second(99_999_999))).isEqualTo(decision);
        assertThat(trial.end()).contains(decision);
        assertThat(trial.gains().get(0).online()).isEqualTo(online);
    }

    @Test
    void rollsAChallengerThatIsProvenWorseBack() {
        Decision decision = run(begin(ERROR), 50_000, 1.0, 1.1, 2);
        assertThat(decision.action()).isEqualTo(Action.ROLL_BACK);
        assertThat(decision.version()).isEqualTo(CHALLENGER);
        assertThat(decision.share()).isZero();
        assertThat(decision.reason())
                .startsWith("Version 3 stays champion after ")
                .contains(
                        "; ruled out: version 7, of which \"better RMSE than the champion's is proven wrong: version 7 1.");
    }

    @Test
    void endsInconclusiveAfterItsTime() {
        Trial trial = begin(ERROR.atMost(Duration.ofHours(1)));
        Decision decision = run(trial, 5_000, 1.0, 1.0, 3);
        assertThat(decision.action()).isEqualTo(Action.INCONCLUSIVE);
        assertThat(decision.at()).isEqualTo(second(3_600));
        assertThat(decision.version()).isEqualTo(CHAMPION);
        assertThat(decision.reason())
                .startsWith("The experiment is inconclusive after 1 hour, the most it was given: online ")
                .endsWith("; version 3 stays champion.");
    }

    @Test
    void decidesNothingOnFewObservations() {
        Trial trial = begin(ERROR.minObservations(50).tuning(100));
        for (int i = 0; i < 49; i++) {
            trial.labelled(CHAMPION, START, i % 2 * 100, 0);
            trial.labelled(CHALLENGER, START, i % 2, 0);
        }
        Decision decision = trial.decide(second(1));
        assertThat(decision.action()).isEqualTo(Action.CONTINUE);
        assertThat(decision.reason())
                .isEqualTo("The experiment goes on: after 1 second nothing is proven yet of version 7.");
        assertThat(decision.evidence())
                .contains(new Verdict(
                        "better RMSE than the champion's",
                        Verdict.Outcome.INCONCLUSIVE,
                        "version 7 has had 49 of the 50 observations that each needs at least"));
        trial.labelled(CHAMPION, START, 100, 0);
        trial.labelled(CHALLENGER, START, 1, 0);
        assertThat(trial.decide(second(2)).action()).isEqualTo(Action.PROMOTE);
    }

    @Test
    void withoutADifferenceItDecidesWronglyAtMostAlphaOfTheTime() {
        Experiment plan = Experiment.on(Goal.model(Metric.ACCURACY))
                .alpha(0.1)
                .minObservations(100)
                .tuning(1_000)
                .atMost(Duration.ofSeconds(4_000));
        int wrong = 0;
        for (int seed = 0; seed < 100; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Trial trial = begin(plan);
            Decision decision = trial.decide(START);
            for (int i = 1; !decision.action().ends(); i++) {
                int version = random.nextDouble() < 0.5 ? CHAMPION : CHALLENGER;
                trial.labelled(version, START, random.nextDouble() < 0.8 ? 1 : 0, 1);
                if (i % 10 == 0) {
                    decision = trial.decide(second(i));
                }
            }
            wrong += decision.action() == Action.INCONCLUSIVE ? 0 : 1;
        }
        assertThat(wrong).isLessThanOrEqualTo(10);
    }

    @Test
    void aGuardKeepsABetterModelFromCostingMoney() {
        Experiment plan = ERROR.guard(Goal.more("revenue").notWorseBy(0.5));
        Decision decision = withRevenue(begin(plan), 10, 8);
        assertThat(decision.action()).isEqualTo(Action.ROLL_BACK);
        assertThat(decision.reason())
                .contains("revenue not worse than the champion's by 0.5 or more is proven wrong: version 7 ");
        Decision fine = withRevenue(begin(plan), 10, 10);
        assertThat(fine.action()).isEqualTo(Action.PROMOTE);
        assertThat(fine.reason())
                .contains(
                        "it meets better RMSE than the champion's and revenue not worse than the champion's by 0.5 or "
                                + "more, after ");
    }

    private static Decision withRevenue(Trial trial, double champion, double challenger) {
        assertThat(trial.wants("revenue")).isTrue();
        assertThat(trial.wants("RMSE")).isFalse();
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 2_000; i++) {
            trial.labelled(CHAMPION, START, random.nextGaussian(), 0);
            trial.labelled(CHALLENGER, START, 0.5 * random.nextGaussian(), 0);
            trial.metric("revenue", CHAMPION, START, champion + random.nextGaussian());
            trial.metric("revenue", CHALLENGER, START, challenger + random.nextGaussian());
        }
        return trial.decide(second(1));
    }

    @Test
    void aCovariateMakesTheIntervalNarrower() {
        Experiment plan = Experiment.on(Goal.less("minutes"));
        Trial plain = begin(plan);
        Trial adjusted = begin(plan);
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 2_000; i++) {
            int version = i % 2 == 0 ? CHAMPION : CHALLENGER;
            double before = 30 + 10 * random.nextGaussian();
            double minutes = before + random.nextGaussian() - (version == CHALLENGER ? 0.5 : 0);
            plain.metric("minutes", version, START, minutes);
            adjusted.metric("minutes", version, START, minutes, before);
        }
        assertThat(plain.decide(second(1)).action()).isEqualTo(Action.CONTINUE);
        Decision decision = adjusted.decide(second(1));
        assertThat(decision.action()).isEqualTo(Action.PROMOTE);
        assertThat(decision.evidence().get(1).evidence()).endsWith("always-valid t, adjusted by its covariate)");
        assertThat(adjusted.gains().get(0).online().value()).isCloseTo(0.5, within(0.2));
        // one without a covariate, and the plain interval holds again
        Trial mixed = plan.resume(adjusted.state());
        assertThat(mixed.end()).isPresent();
        Trial half = begin(plan);
        for (int i = 0; i < 1_000; i++) {
            half.metric("minutes", i % 2 == 0 ? CHAMPION : CHALLENGER, START, i, i);
        }
        half.metric("minutes", CHAMPION, START, 1);
        assertThat(half.decide(second(1)).evidence().get(1).evidence()).endsWith("always-valid t)");
    }

    @Test
    void aRatioIsOfTheSums() {
        Trial trial = begin(Experiment.on(Goal.more("clicks").per("view")));
        SplittableRandom random = new SplittableRandom(6);
        for (int visitor = 0; visitor < 4_000; visitor++) {
            int version = visitor % 2 == 0 ? CHAMPION : CHALLENGER;
            int views = 1 + random.nextInt(9);
            double rate = version == CHAMPION ? 0.3 : 0.4;
            long clicks = IntStream.range(0, views)
                    .filter(view -> random.nextDouble() < rate)
                    .count();
            trial.ratio("clicks", version, START, (double) clicks, views);
        }
        assertThat(trial.decide(second(1)).action()).isEqualTo(Action.PROMOTE);
        assertThat(trial.gains().get(0).online().value()).isCloseTo(0.1, within(0.02));
        assertThatThrownBy(() -> trial.metric("clicks", CHAMPION, START, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the experiment has no goal \"clicks\" that is one number, only: more clicks per view than the "
                                + "champion's");
    }

    @Test
    void sharesThatAreNotAsPlannedEndIt() {
        Trial trial = begin(ERROR.share(0.1));
        for (int i = 0; i < 10_000; i++) {
            trial.assigned(i % 8 == 0 ? CHALLENGER : CHAMPION);
        }
        Decision decision = trial.decide(second(1));
        assertThat(decision.action()).isEqualTo(Action.INCONCLUSIVE);
        assertThat(decision.reason())
                .isEqualTo(
                        "The experiment is inconclusive: its arms did not get the shares of the traffic that they should, "
                                + "so assignment or logging is broken and no difference can be trusted.");
        assertThat(decision.evidence()).singleElement().satisfies(verdict -> {
            assertThat(verdict.outcome()).isEqualTo(Verdict.Outcome.FAIL);
            assertThat(verdict.evidence())
                    .startsWith("8,750 for 90% to version 3, 1,250 for 10% to version 7; always-valid p ");
        });
    }

    @Test
    void theRouteGivesTheSharesItChecks() {
        Trial trial = begin(ERROR.share(0.1));
        List<Integer> versions = trial.route().versions();
        assertThat(versions).containsExactly(CHAMPION, CHALLENGER);
        for (int i = 0; i < 100_000; i++) {
            int place = trial.route().choose("customer " + i);
            trial.assigned(versions.get(place));
            if (i < 1_000) {
                assertThat(ERROR.share(0.1).resume(trial.state()).route().choose("customer " + i))
                        .isEqualTo(place);
            }
        }
        assertThat(trial.decide(second(1)).action()).isEqualTo(Action.CONTINUE);
    }

    @Test
    void ofSeveralChallengersTheBestIsPromotedAndTheWorstRuledOut() {
        Trial trial = ERROR.begin(1, List.of(2, 3, 4), Map.of(), START);
        SplittableRandom random = new SplittableRandom(7);
        double[] deviations = {1, 1.3, 0.7, 0.6};
        for (int i = 0; i < 2_000; i++) {
            for (int arm = 0; arm < 4; arm++) {
                trial.labelled(arm + 1, START, deviations[arm] * random.nextGaussian(), 0);
            }
        }
        Decision decision = trial.decide(second(1));
        assertThat(decision.action()).isEqualTo(Action.PROMOTE);
        assertThat(decision.version()).isEqualTo(4);
        assertThat(trial.state().arms().get(1).ruledOut())
                .startsWith("better RMSE than the champion's is proven wrong");
        assertThat(trial.state().arms().get(2).ruledOut()).isNull();
    }

    @Test
    void anArmThatNeverVariesIsStillJudged() {
        Trial trial = begin(Experiment.on(Goal.less("failures").notWorseBy(0.01)));
        for (int i = 0; i < 300; i++) {
            trial.metric("failures", CHAMPION, START, 0);
            trial.metric("failures", CHALLENGER, START, 1);
        }
        assertThat(trial.decide(second(1)).action()).isEqualTo(Action.ROLL_BACK);
        Trial equal = begin(Experiment.on(Goal.less("failures").notWorseBy(0.01)));
        for (int i = 0; i < 300; i++) {
            equal.metric("failures", CHAMPION, START, 0);
            equal.metric("failures", CHALLENGER, START, 0);
        }
        assertThat(equal.decide(second(1)).action()).isEqualTo(Action.CONTINUE);
    }

    @Test
    void offlineGainStandsBesideOnlineGain() {
        SplittableRandom random = new SplittableRandom(8);
        double[] labels = new double[4_000];
        double[] champion = new double[4_000];
        double[] challenger = new double[4_000];
        Estimate measured = new Estimate(-0.2, -0.25, -0.15, "paired normal, delta method");
        Trial trial =
                ERROR.minObservations(2_000).begin(CHAMPION, List.of(CHALLENGER), Map.of(CHALLENGER, measured), START);
        for (int i = 0; i < labels.length; i++) {
            labels[i] = random.nextDouble();
            champion[i] = labels[i] + random.nextGaussian();
            challenger[i] = labels[i] + 0.9 * random.nextGaussian();
            trial.labelled(CHAMPION, START, champion[i], labels[i]);
            trial.labelled(CHALLENGER, START, challenger[i], labels[i]);
        }
        Gain gain = trial.gains().get(0);
        assertThat(gain.offline()).isEqualTo(new Estimate(0.2, 0.15, 0.25, "paired normal, delta method"));
        // the same figure as the evaluation's own
        double expected = Metrics.estimate(Metric.RMSE, labels, champion).value()
                - Metrics.estimate(Metric.RMSE, labels, challenger).value();
        assertThat(gain.online().value()).isCloseTo(expected, within(1e-9));
        assertThat(gain.describe()).startsWith("offline +0.2 (+0.15 to +0.25), online +0.");
        assertThat(trial.decide(second(1)).reason()).contains("; offline +0.2 (+0.15 to +0.25), online +0.");
    }

    @Test
    void everyModelMetricIsThatOfTheEvaluation() {
        SplittableRandom random = new SplittableRandom(9);
        double[] labels = new double[300];
        double[] outputs = new double[300];
        for (int i = 0; i < labels.length; i++) {
            outputs[i] = random.nextDouble();
            labels[i] = random.nextDouble() < outputs[i] ? 1 : 0;
        }
        for (Metric metric : List.of(Metric.LOG_LOSS, Metric.BRIER, Metric.ACCURACY, Metric.MAE, Metric.RMSE)) {
            Trial trial = begin(Experiment.on(Goal.model(metric)));
            for (int i = 0; i < labels.length; i++) {
                trial.labelled(CHAMPION, START, outputs[i], labels[i]);
            }
            double mean = Objects.requireNonNull(
                            trial.state().arms().get(0).sums().get(metric.label()))
                    .values()
                    .mean();
            assertThat(metric == Metric.RMSE ? Math.sqrt(mean) : mean)
                    .isCloseTo(Metrics.estimate(metric, labels, outputs).value(), within(1e-12));
        }
        assertThatThrownBy(() -> Goal.model(Metric.ROC_AUC))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "ROC_AUC is no mean over predictions, so an experiment cannot keep it as a sum; take LOG_LOSS, "
                                + "BRIER, ACCURACY, RMSE or MAE");
    }

    @Test
    void aRestartAnywhereChangesNothing() {
        Experiment plan = ERROR.guard(Goal.less("minutes")).minObservations(20).tuning(500);
        Trial steady = begin(plan);
        Trial restarted = begin(plan);
        SplittableRandom random = new SplittableRandom(10);
        for (int i = 0; i < 2_000; i++) {
            if (i % 37 == 0) {
                byte[] json = Json.write(restarted.state("feedback " + i));
                restarted = plan.resume(Json.read(json, TrialState.class, "trial.json"));
                assertThat(restarted.state().mark()).isEqualTo("feedback " + i);
            }
            int version = random.nextInt(2) == 0 ? CHAMPION : CHALLENGER;
            double error = random.nextGaussian() * (version == CHAMPION ? 1 : 0.7);
            double minutes = random.nextGaussian() - (version == CHALLENGER ? 0.5 : 0);
            for (Trial trial : List.of(steady, restarted)) {
                trial.assigned(version);
                trial.labelled(version, second(i), error, 0);
                trial.metric("minutes", version, second(i), minutes, minutes / 2);
            }
            assertThat(restarted.decide(second(i))).isEqualTo(steady.decide(second(i)));
        }
        assertThat(steady.end()).isPresent();
    }

    @Test
    void partsThatWereCountedApartMerge() {
        Trial whole = begin(ERROR);
        Trial first = begin(ERROR);
        Trial second = begin(ERROR);
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 1_000; i++) {
            int version = random.nextInt(2) == 0 ? CHAMPION : CHALLENGER;
            double output = random.nextGaussian();
            Trial part = random.nextInt(3) == 0 ? first : second;
            for (Trial trial : List.of(whole, part)) {
                trial.assigned(version);
                trial.labelled(version, START, output, 0.5);
            }
        }
        TrialState merged = first.state().merge(second.state());
        Decision decision = ERROR.resume(merged).decide(second(1));
        assertThat(decision.reason()).isEqualTo(whole.decide(second(1)).reason());
        assertThat(decision.evidence()).isEqualTo(whole.decide(second(1)).evidence());
        assertThatThrownBy(() -> merged.merge(begin(ERROR.alpha(0.1)).state()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(
                        "an experiment over versions [3, 7] by the plan \"better RMSE than the champion's; "
                                + "equal shares; alpha 0.05; at least 200 observations of each; tuned for 10,000; at most "
                                + "PT336H\" has no part over versions [3, 7] by the plan \"");
    }

    @Test
    void countsWhatManyThreadsTellWhileItIsAskedAndKept() {
        Trial trial = begin(ERROR);
        IntStream.range(0, 8).parallel().forEach(thread -> {
            for (int i = 0; i < 2_000; i++) {
                int version = i % 2 == 0 ? CHAMPION : CHALLENGER;
                trial.assigned(version);
                trial.labelled(version, START, i / 2 % 2, 0);
                if (i % 100 == thread) {
                    assertThat(trial.decide(second(i)).action()).isEqualTo(Action.CONTINUE);
                    assertThat(ERROR.owns(trial.state())).isTrue();
                }
            }
        });
        assertThat(trial.state().arms()).allSatisfy(arm -> {
            assertThat(arm.assigned()).isEqualTo(8_000);
            assertThat(arm.sums(Goal.model(Metric.RMSE)).values().n()).isEqualTo(8_000);
            assertThat(arm.sums(Goal.model(Metric.RMSE)).values().mean()).isCloseTo(0.5, within(1e-12));
        });
    }

    @Test
    void plansTravelAndAreEqualInWords() throws IOException, ClassNotFoundException {
        Experiment plan =
                ERROR.guard(Goal.more("clicks").per("view").notWorseBy(0.01)).share(0.1);
        Canary canary = Canary.steps(0.1, 0.5)
                .pauseAt(0.5)
                .measure(Measure.of("x").success(Bound.atLeast(1)).every(Duration.ofSeconds(90)));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(plan);
            out.writeObject(canary);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject())
                    .hasToString(
                            "better RMSE than the champion's; clicks per view not worse than the champion's by 0.01 or "
                                    + "more; a share of 0.1 for each challenger; alpha 0.05; at least 200 observations of each; "
                                    + "tuned for 10,000; at most PT336H");
            assertThat(in.readObject())
                    .hasToString("steps 0.1, 0.5; a person's word at 0.5; x, success at least 1, every PT1M30S");
        }
    }

    @Test
    void passesOverWhatIsNotItsOwn() {
        Trial trial = begin(ERROR);
        trial.assigned(99);
        trial.labelled(99, START, 1, 0);
        trial.labelled(CHAMPION, START.minusSeconds(1), 1, 0);
        assertThat(trial.state()).isEqualTo(begin(ERROR).state());
        Decision aborted = trial.abort("Ada wanted the traffic", second(5));
        assertThat(aborted.action()).isEqualTo(Action.INCONCLUSIVE);
        assertThat(aborted.reason()).isEqualTo("The experiment was ended because Ada wanted the traffic.");
        assertThat(trial.decide(second(6))).isEqualTo(aborted);
    }

    @Test
    void refusesWhatMakesNoSense() {
        assertThatThrownBy(() -> ERROR.begin(1, List.of(1), Map.of(), START))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "an experiment needs a champion and challengers, each once, found champion 1 and challengers [1]");
        assertThatThrownBy(() -> ERROR.share(0.5).begin(1, List.of(2, 3), Map.of(), START))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("2 challengers with a share of 0.5 each leave nothing to the champion");
        assertThatThrownBy(() -> begin(ERROR).labelled(CHAMPION, START, Double.NaN, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("output must be finite, found NaN");
        assertThatThrownBy(() -> ERROR.guard(Goal.model(Metric.RMSE)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is a goal \"RMSE\" already");
        assertThatThrownBy(() -> ERROR.minObservations(9))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an experiment needs 10 observations of each arm or more, found 9");
        assertThatThrownBy(() -> ERROR.alpha(0.1).resume(begin(ERROR).state()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("follows the plan");
    }
}
