package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.TrialReport.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Trials that something comes between: a restart, a freeze, a rollback, damage, another plan. */
class InterruptedTrialTest extends TrialFixture {

    private long labels() throws IOException {
        long n = 0;
        for (JsonNode arm : json(home.resolve("pipelines/points/trial.json")).at("/sums/arms")) {
            n += arm.path("sums").path("Log loss").path("values").path("n").asLong();
        }
        return n;
    }

    @Test
    void anExperimentGoesOnAfterARestart() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = points().prove(EXPERIMENT).build();
        Deployment<Point, Boolean, Double> live = betterChallenger(pipeline);
        List<UUID> late = new ArrayList<>();
        List<Boolean> truths = new ArrayList<>();
        for (int visit = 0; visit < 40; visit++) {
            Point point = CrashChild.point(random);
            UUID id = visit(live, point).id();
            if (visit % 2 == 0) {
                live.feedback(id, truth(point));
                live.feedback(id, truth(point)); // a repetition
            } else {
                late.add(id);
                truths.add(truth(point));
            }
        }
        TrialReport before = report(live);
        reopen();
        assertThat(labels()).isEqualTo(20);

        live = start(pipeline);
        assertThat(report(live))
                .usingRecursiveComparison()
                .ignoringFields("gain")
                .isEqualTo(before);
        for (int i = 0; i < late.size(); i++) {
            live.feedback(late.get(i), truths.get(i));
        }
        reopen();
        assertThat(labels()).isEqualTo(40);

        live = start(pipeline);
        visitsUntilTheEnd(live, 2_000);
        assertThat(report(live).status()).isEqualTo(Status.PROMOTED);
        assertThat(story()).containsExactly("promoted 1", "trial-started 2", "trial-ended 2", "promoted 2");
        reopen();
        assertThat(report(start(pipeline)).status()).isEqualTo(Status.PROMOTED);
    }

    @Test
    void aTrialWhoseChallengerIsDamagedEndsAtTheRestart() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = points().prove(EXPERIMENT).build();
        betterChallenger(pipeline);
        factory.close();
        Path model = home.resolve("pipelines/points/versions/2/model.onnx");
        byte[] bytes = Files.readAllBytes(model);
        bytes[bytes.length / 2] ^= 1;
        Files.write(model, bytes);
        reopen();

        Deployment<Point, Boolean, Double> live = start(pipeline);

        assertThat(report(live).status()).isEqualTo(Status.INCONCLUSIVE);
        assertThat(report(live).reason())
                .startsWith("The trial of version 2 was ended because it cannot go on after a restart: artifact ")
                .contains("is damaged");
        assertThat(live.predict(CrashChild.point(random)).version()).isEqualTo(1);
        assertThat(story()).containsExactly("promoted 1", "trial-started 2", "trial-ended 2");
    }

    @Test
    void aTrialEndsWhenItsPlanHasChanged() throws IOException {
        betterChallenger(points().prove(EXPERIMENT).build());
        reopen();

        Deployment<Point, Boolean, Double> live = start(points().build());

        assertThat(report(live).reason())
                .isEqualTo("The trial of version 2 was ended because the definition has another plan by now.");
        assertThat(live.predict(CrashChild.point(random)).version()).isEqualTo(1);
    }

    @Test
    void aProvenChallengerWaitsForTheEndOfAFreezeAlsoOverARestart() throws IOException {
        Pipeline<Point, Boolean, Double> pipeline = points().prove(EXPERIMENT).build();
        Deployment<Point, Boolean, Double> live = betterChallenger(pipeline);
        factory.freeze("a holiday", "ann");

        visitsUntilTheEnd(live, 400);

        assertThat(report(live).status()).isEqualTo(Status.HELD);
        assertThat(report(live).reason()).startsWith("promotions are frozen by ann since ");
        assertThat(live.version()).isEqualTo(1);
        reopen();
        live = start(pipeline);
        assertThat(report(live).status()).isEqualTo(Status.HELD);
        visitsUntilTheEnd(live, 5);
        assertThat(live.version()).isEqualTo(1);

        factory.unfreeze("back", "ann");
        visitsUntilTheEnd(live, 1);

        assertThat(report(live).status()).isEqualTo(Status.PROMOTED);
        assertThat(live.version()).isEqualTo(2);
        assertThat(story())
                .containsExactly("promoted 1", "trial-started 2", "trial-ended 2", "trial-held 2", "promoted 2");
    }

    @Test
    void noTrialBeginsWhilePromotionsAreFrozen() throws IOException {
        write(200, false);
        Deployment<Point, Boolean, Double> live =
                start(points().prove(EXPERIMENT).build());
        factory.freeze("a holiday", "ann");

        Run run = live.retrain().join();

        assertThat(run.outcome()).isEqualTo(Run.Outcome.REJECTED);
        assertThat(run.reason()).startsWith("it passed every gate, but promotions are frozen by ann");
        assertThat(live.trial()).isEmpty();
    }

    @Test
    void aRollbackEndsTheTrialAndAnotherCandidateWaitsForItsEnd() throws IOException {
        Deployment<Point, Boolean, Double> live =
                betterChallenger(points().prove(EXPERIMENT).build());
        Run second = live.retrain().join();
        assertThat(second.outcome()).isEqualTo(Run.Outcome.REJECTED);
        assertThat(second.reason()).isEqualTo("it passed every gate, but version 2 is on trial");
        assertThat(second.version()).hasValue(3);

        assertThat(live.rollback()).isEqualTo(1);

        assertThat(report(live).status()).isEqualTo(Status.INCONCLUSIVE);
        assertThat(report(live).reason())
                .isEqualTo("The trial of version 2 was ended because the host asked for a rollback.");
        assertThat(live.paused()).hasValueSatisfying(why -> assertThat(why).startsWith("rolled back to version 1"));
        assertThat(live.predict(CrashChild.point(random)).version()).isEqualTo(1);
        assertThatIllegalStateException()
                .isThrownBy(() -> live.endTrial("ann", "enough"))
                .withMessage("no version of pipeline \"points\" is on trial");
    }

    @Test
    void anApprovedCandidateIsProvenToo() throws IOException {
        write(200, false);
        List<ApprovalRequest> asked = new ArrayList<>();
        start(points().build()).close();
        Deployment<Point, Boolean, Double> live =
                start(points().approve(Approval.within(Duration.ofHours(1)).onAsked(Runnable::run, asked::add))
                        .prove(EXPERIMENT)
                        .build());
        live.retrain().join();
        assertThat(live.trial()).isEmpty();

        factory.approve("points", asked.get(0).artifact(), "ann", "yes");

        assertThat(report(live).status()).isEqualTo(Status.RUNNING);
        assertThat(factory.approvals("points")).isEmpty();
        assertThat(live.version()).isEqualTo(1);
    }
}
