package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.TrialReport.Status;
import dev.flywheel.pipeline.prove.Gain;
import dev.flywheel.serving.CallOptions;
import dev.flywheel.serving.route.Route;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Candidates that are proven by an experiment. */
class TrialTest extends TrialFixture {

    private List<Status> statuses() {
        return events.stream()
                .filter(Event.TrialChanged.class::isInstance)
                .map(event -> ((Event.TrialChanged) event).trial().status())
                .toList();
    }

    @Test
    void aBetterChallengerIsPromotedOnceThatIsProven() throws IOException {
        Deployment<Point, Boolean, Double> live =
                betterChallenger(points().prove(EXPERIMENT).build());
        assertThat(live.version()).isEqualTo(1);
        assertThat(report(live).status()).isEqualTo(Status.RUNNING);
        assertThat(live.decision().sentence()).isEqualTo("did not retrain: paused, version 2 is on trial");

        int visits = visitsUntilTheEnd(live, 2_000);

        TrialReport report = report(live);
        assertThat(visits).isBetween(100, 1_999);
        assertThat(report.status()).isEqualTo(Status.PROMOTED);
        assertThat(report.share()).isEqualTo(1);
        assertThat(live.version()).isEqualTo(2);
        assertThat(live.predict(CrashChild.point(random)).version()).isEqualTo(2);
        Gain gain = report.gain();
        assertThat(Objects.requireNonNull(gain.offline()).low()).isPositive();
        assertThat(gain.online().low()).isPositive();
        assertThat(factory.history("points").get(1).why()).isEqualTo(report.reason());
        assertThat(factory.history("points").get(1).evidence())
                .isEqualTo(report.evidence())
                .hasSize(2);
        assertThat(story()).containsExactly("promoted 1", "trial-started 2", "trial-ended 2", "promoted 2");
        assertThat(factory.audit("points"))
                .anySatisfy(entry -> assertThat(entry.event().details())
                        .containsEntry("outcome", "PROMOTE")
                        .containsEntry("gain", gain.describe()));
        assertThat(json(home.resolve("pipelines/points/runs/" + report.run() + "/trial.json"))
                        .at("/gain/offline/value")
                        .asDouble())
                .isEqualTo(gain.offline().value());
        assertThat(statuses()).containsExactly(Status.RUNNING, Status.PROMOTED);
        assertThat(events)
                .anySatisfy(event -> assertThat(event).isInstanceOfSatisfying(Event.Promoted.class, promoted -> {
                    assertThat(promoted.version()).isEqualTo(2);
                    assertThat(promoted.previous()).hasValue(1);
                }));
        assertThat(live.snapshot().versions()).hasSizeGreaterThanOrEqualTo(1);
        assertThat(live.rollback()).isEqualTo(1);
    }

    @Test
    void aWorseChallengerIsRolledBackEarly() throws IOException {
        Deployment<Point, Boolean, Double> live =
                worseChallenger(points().prove(EXPERIMENT).build());

        int visits = visitsUntilTheEnd(live, 2_000);

        assertThat(visits).isBetween(100, 500);
        TrialReport report = report(live);
        assertThat(report.status()).isEqualTo(Status.ROLLED_BACK);
        assertThat(report.reason())
                .startsWith("Version 1 stays champion after ")
                .contains("ruled out: version 2, of which \"better Log loss than the champion's is proven wrong: ");
        assertThat(live.version()).isEqualTo(1);
        assertThat(live.predict(CrashChild.point(random)).version()).isEqualTo(1);
        assertThat(rejections()).hasSize(1);
        assertThat(rejections().get(0).run().version()).hasValue(2);
        assertThat(rejections().get(0).run().reason()).isEqualTo(report.reason());
        assertThat(rejections().get(0).reasons()).isEqualTo(report.evidence());
        assertThat(story()).containsExactly("promoted 1", "trial-started 2", "trial-ended 2");
        // what was learned in the trial goes into the next run, of both versions
        Run next = live.retrain().join();
        assertThat(next.outcome()).isEqualTo(Run.Outcome.ON_TRIAL);
        assertThat(report(live).challenger()).isEqualTo(3);
        assertThat(told(live, "Tried in traffic"))
                .containsSubsequence("v3 running beside v1 from ", "goes on", "started", "Version 3 is on trial")
                .containsSubsequence("v2 rolled back beside v1 from ", "to 2026-01-31", "Plan: experiment, ", "started")
                .containsSubsequence("ended", report.reason().substring(0, 40), "Evidence: ", "fail better Log loss")
                .contains("Offline ", "Online too few outcomes yet")
                .containsPattern("Online \u2212\\d");
    }

    /** {@return the text of a section of the pipeline's report over time} */
    private static String told(Deployment<?, ?, ?> live, String section) throws IOException {
        String page = Files.readString(live.report());
        int from = page.indexOf(">" + section + "</h2>");
        assertThat(from).isPositive();
        return page.substring(from, page.indexOf("</section>", from))
                .replaceAll("<[^>]*>", " ")
                .replaceAll(" +", " ");
    }

    @Test
    void anEqualChallengerIsInconclusiveWhenItsTimeIsUp() throws IOException {
        write(400, false);
        Deployment<Point, Boolean, Double> live =
                start(points().prove(EXPERIMENT.atMost(Duration.ofMinutes(10))).build());
        teach(live, 20, false);

        int visits = visitsUntilTheEnd(live, 2_000);

        assertThat(visits).isEqualTo(600);
        TrialReport report = report(live);
        assertThat(report.status()).isEqualTo(Status.INCONCLUSIVE);
        assertThat(report.reason())
                .startsWith("The experiment is inconclusive after 10 minutes, the most it was given: offline ")
                .endsWith("; version 1 stays champion.");
        assertThat(live.version()).isEqualTo(1);
        assertThat(rejections()).hasSize(1);
        assertThat(story()).containsExactly("promoted 1", "trial-started 2", "trial-ended 2");
    }

    @Test
    void sharesThatAreNotAsPlannedEndTheExperiment() throws IOException {
        Deployment<Point, Boolean, Double> live =
                betterChallenger(points().prove(EXPERIMENT).build());
        Route split = Route.split(1, 2)
                .weights(0.5, 0.5)
                .seed("experiment of " + report(live).startedAt());
        int visits = 0;
        for (; !report(live).status().ended() && visits < 1_000; visitors++) {
            if (split.choose("visitor " + visitors) == 0) {
                visits++;
                Point point = CrashChild.point(random);
                Prediction<Double> prediction = live.predict(point, CallOptions.key("visitor " + visitors));
                assertThat(prediction.version()).isEqualTo(1);
                now = now.plusSeconds(1);
                live.feedback(prediction.id(), truth(point));
            }
        }

        assertThat(visits).isLessThan(100);
        assertThat(report(live).status()).isEqualTo(Status.INCONCLUSIVE);
        assertThat(report(live).reason()).contains("its arms did not get the shares of the traffic that they should");
        assertThat(live.version()).isEqualTo(1);
        assertThat(story()).containsExactly("promoted 1", "trial-started 2", "trial-ended 2");
    }
}
