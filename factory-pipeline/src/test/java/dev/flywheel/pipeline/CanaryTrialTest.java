package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditEvent;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.TrialReport.Status;
import dev.flywheel.pipeline.prove.Bound;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.prove.Goal;
import dev.flywheel.pipeline.prove.Measure;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Candidates that are proven by a canary. */
class CanaryTrialTest extends TrialFixture {

    private static final Measure ERRORS =
            Measure.of("errors").failure(Bound.above(0.1)).every(Duration.ofMinutes(10));
    private static final Canary CANARY =
            Canary.steps(0.2, 0.5).each(Duration.ofHours(1)).minObservations(10).measure(ERRORS);

    /** Visitors come for a time, one every 30 seconds, and the host reports what went wrong. */
    private void visitsFor(Deployment<Point, Boolean, Double> live, Duration time, double errors) {
        Instant end = now.plus(time);
        while (now.isBefore(end)) {
            now = now.plusSeconds(29);
            Prediction<Double> prediction = visit(live, CrashChild.point(random));
            boolean wrong = prediction.version() != 1 && random.nextDouble() < errors;
            live.metric("errors", prediction.id(), wrong ? 1 : 0);
        }
    }

    @Test
    void aCanaryGoesStepByStep() throws IOException {
        Deployment<Point, Boolean, Double> live =
                betterChallenger(points().prove(CANARY.pauseAt(0.5)).build());
        assertThat(report(live).share()).isEqualTo(0.2);

        visitsFor(live, Duration.ofMinutes(62), 0);
        assertThat(report(live).share()).isEqualTo(0.5);
        visitsFor(live, Duration.ofMinutes(62), 0);

        assertThat(report(live).status()).isEqualTo(Status.HELD);
        assertThat(report(live).reason())
                .isEqualTo("Version 2 is held at 50% of the traffic: the plan wants a person's word here.");
        visitsFor(live, Duration.ofMinutes(5), 0);
        live.proceed("ann");

        assertThat(report(live).status()).isEqualTo(Status.PROMOTED);
        assertThat(live.version()).isEqualTo(2);
        assertThat(Objects.requireNonNull(report(live).gain().offline()).value())
                .isPositive();
        assertThat(story())
                .containsExactly(
                        "promoted 1",
                        "trial-started 2",
                        "trial-advanced 2",
                        "trial-held 2",
                        "trial-ended 2",
                        "promoted 2");
        assertThat(factory.audit("points"))
                .anySatisfy(entry -> assertThat(entry.event().details().get("why"))
                        .contains("ann let it go on at 50% of the traffic"));
    }

    @Test
    void aCanaryThatFailsIsTakenBack() throws IOException {
        Deployment<Point, Boolean, Double> live =
                betterChallenger(points().prove(CANARY).build());

        visitsFor(live, Duration.ofMinutes(62), 1);

        assertThat(report(live).status()).isEqualTo(Status.ROLLED_BACK);
        assertThat(report(live).reason())
                .startsWith("Version 2 is taken back because it failed \"errors, failure above 0.1");
        assertThat(live.predict(CrashChild.point(random)).version()).isEqualTo(1);
        assertThat(rejections()).hasSize(1);
        assertThat(story()).containsExactly("promoted 1", "trial-started 2", "trial-ended 2");
    }

    @Test
    void aCanaryMeasuresTheModelBesideTheChampion() throws IOException {
        Canary plan = Canary.steps(0.5)
                .each(Duration.ofDays(1))
                .measure(Measure.advantage(Metric.LOG_LOSS).failure(Bound.below(-0.2)));
        Deployment<Point, Boolean, Double> live =
                worseChallenger(points().prove(plan).build());

        int visits = visitsUntilTheEnd(live, 2_000);

        assertThat(visits).isBetween(2 * Readings.LEAST, 400);
        assertThat(report(live).status()).isEqualTo(Status.ROLLED_BACK);
        assertThat(report(live).reason()).contains("\"Log loss advantage, failure below -0.2\"");
        assertThat(report(live).gain().online().high()).isNegative();
    }

    @Test
    void aFrozenCanaryIsHeldAndGoesOnAfterwardsAndAfterARestart() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = points().prove(CANARY).build();
        Deployment<Point, Boolean, Double> live = betterChallenger(pipeline);
        factory.freeze("a holiday", "ann");
        visitsFor(live, Duration.ofMinutes(90), 0);
        assertThat(report(live).status()).isEqualTo(Status.HELD);
        assertThat(report(live).share()).isEqualTo(0.2);
        assertThatIllegalStateException()
                .isThrownBy(() -> live.proceed("bob"))
                .withMessageStartingWith("the trial of version 2 cannot go on: promotions are frozen by ann");
        reopen();
        Deployment<Point, Boolean, Double> again = start(pipeline);
        assertThat(report(again).share()).isEqualTo(0.2);

        factory.unfreeze("back", "ann");
        visitsFor(again, Duration.ofMinutes(15), 0);

        assertThat(report(again).status()).isEqualTo(Status.RUNNING);
        assertThat(report(again).share()).isEqualTo(0.5);
        again.endTrial("bob", "enough seen");
        assertThat(report(again).reason())
                .isEqualTo("The trial of version 2 was ended because bob ended it: enough seen.");
        assertThat(story())
                .containsExactly(
                        "promoted 1",
                        "trial-started 2",
                        "trial-held 2",
                        "trial-resumed 2",
                        "trial-advanced 2",
                        "trial-ended 2");
    }

    @Test
    void refusesNonsense() throws IOException {
        write(200, false);
        assertThatIllegalStateException()
                .isThrownBy(() -> points().prove(EXPERIMENT).prove(CANARY))
                .withMessage("option prove was already set to experiment, " + EXPERIMENT);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> points().prove(Experiment.on(Goal.model(Metric.RMSE))))
                .withMessageContaining("of pipeline \"points\" judges RMSE, which is not a metric of a BINARY target");
        assertThat(points().prove(CANARY).build().describe()).contains("\nprove canary, " + CANARY + "\n");
        assertThat(points().build().describe()).doesNotContain("prove");
        Deployment<Point, Boolean, Double> live = start(points().prove(CANARY).build());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> live.metric("errors", UUID.randomUUID(), Double.NaN))
                .withMessage("metric \"errors\" must be finite, found NaN");
    }

    @Test
    void aVersionThatWasTakenBackIsTriedAgainFromTheFirstStep() throws IOException {
        Deployment<Point, Boolean, Double> live =
                betterChallenger(points().prove(CANARY).build());
        visitsFor(live, Duration.ofMinutes(62), 1);
        assertThat(report(live).status()).isEqualTo(Status.ROLLED_BACK);
        factory.freeze("a holiday", "ann");
        assertThatIllegalStateException()
                .isThrownBy(() -> live.tryAgain("ann"))
                .withMessageStartingWith("version 2 cannot be tried again: promotions are frozen by ann since ");
        factory.unfreeze("back", "ann");

        live.tryAgain("ann");
        live.endTrial("bob", "not yet");
        live.tryAgain("ann");

        assertThat(report(live).status()).isEqualTo(Status.RUNNING);
        assertThat(report(live).share()).isEqualTo(0.2);
        assertThatIllegalStateException()
                .isThrownBy(() -> live.tryAgain("ann"))
                .withMessage("the canary of version 2 is not held");
        visitsFor(live, Duration.ofMinutes(125), 0);
        assertThat(report(live).status()).isEqualTo(Status.PROMOTED);
        assertThat(live.version()).isEqualTo(2);
        assertThatIllegalStateException()
                .isThrownBy(() -> live.tryAgain("ann"))
                .withMessage("no version of pipeline \"points\" is there to be tried again");
        assertThat(story())
                .containsExactly(
                        "promoted 1",
                        "trial-started 2",
                        "trial-ended 2",
                        "trial-started 2",
                        "trial-ended 2",
                        "trial-started 2",
                        "trial-advanced 2",
                        "trial-ended 2",
                        "promoted 2");
        assertThat(factory.audit("points").stream()
                        .map(AuditEntry::event)
                        .filter(event -> event.action().equals(AuditEvent.TRIAL_STARTED))
                        .map(AuditEvent::actor))
                .containsExactly("flywheel", "ann", "ann");
        assertThat(factory.audit("points").stream()
                        .map(entry -> entry.event().details())
                        .filter(details -> details.containsKey(AuditEvent.FACT))
                        .map(details -> details.get(AuditEvent.FACT)))
                .doesNotHaveDuplicates();
    }

    @Test
    void aVersionIsNotTriedAgainBesideAnotherChampionOrWhilePaused() throws IOException {
        Deployment<Point, Boolean, Double> live =
                betterChallenger(points().prove(CANARY).build());
        assertThat(live.rollback()).isEqualTo(1);
        assertThatIllegalStateException()
                .isThrownBy(() -> live.tryAgain("ann"))
                .withMessage("version 2 cannot be tried again: a rollback has paused promotions");
        live.resume();
        live.tryAgain("ann");
        visitsFor(live, Duration.ofMinutes(125), 0);
        assertThat(live.version()).isEqualTo(2);
        teach(live, 200, false);
        visitsFor(live, Duration.ofMinutes(62), 1);
        assertThat(report(live).challenger()).isEqualTo(3);
        assertThat(report(live).status()).isEqualTo(Status.ROLLED_BACK);
        live.rollback();
        live.resume();

        assertThatIllegalStateException()
                .isThrownBy(() -> live.tryAgain("ann"))
                .withMessage("version 3 cannot be tried again: the gates compared it with version 2, now version 1 is"
                        + " champion");
    }

    @Test
    void aHeldCanaryBeginsItsStepAnewAlsoOverARestart() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline =
                points().prove(CANARY.pauseAt(0.2)).build();
        Deployment<Point, Boolean, Double> live = betterChallenger(pipeline);
        visitsFor(live, Duration.ofMinutes(62), 0);
        assertThat(report(live).status()).isEqualTo(Status.HELD);

        live.tryAgain("ann");

        assertThat(report(live).status()).isEqualTo(Status.RUNNING);
        assertThat(report(live).reason())
                .isEqualTo("Version 2 begins its step at 20% of the traffic again: ann wants to see more.");
        visitsFor(live, Duration.ofMinutes(30), 0);
        reopen();
        Deployment<Point, Boolean, Double> again = start(pipeline);
        assertThat(report(again).share()).isEqualTo(0.2);
        assertThat(report(again).status()).isEqualTo(Status.RUNNING);
        visitsFor(again, Duration.ofMinutes(35), 0);
        assertThat(report(again).status()).isEqualTo(Status.HELD);
        assertThat(story())
                .containsExactly("promoted 1", "trial-started 2", "trial-held 2", "trial-resumed 2", "trial-held 2");
    }
}
