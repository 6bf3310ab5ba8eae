package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.core.audit.AuditEntry;
import dev.flywheel.core.audit.AuditVerification;
import dev.flywheel.core.model.Prediction;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.CrashChild.Point;
import dev.flywheel.pipeline.TrialReport.Status;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.prove.Bound;
import dev.flywheel.pipeline.prove.Canary;
import dev.flywheel.pipeline.prove.Experiment;
import dev.flywheel.pipeline.prove.Gain;
import dev.flywheel.pipeline.prove.Goal;
import dev.flywheel.pipeline.prove.Measure;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import dev.flywheel.serving.CallOptions;
import dev.flywheel.serving.route.Route;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Candidates that are proven in traffic. Requests have keys, so that each is answered by the same version in every run
 * of these tests.
 */
class TrialTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
    private static final Experiment EXPERIMENT =
            Experiment.on(Goal.model(Metric.LOG_LOSS)).minObservations(50).tuning(500);
    private static final Measure ERRORS =
            Measure.of("errors").failure(Bound.above(0.1)).every(Duration.ofMinutes(10));
    private static final Canary CANARY =
            Canary.steps(0.2, 0.5).each(Duration.ofHours(1)).minObservations(10).measure(ERRORS);

    /** Outcomes that become known at the same time. */
    private static final int TOGETHER = 20;

    @TempDir
    Path directory;

    private volatile Instant now = NOON;
    private final Random random = new Random(7);
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private int visitors;
    private Path home;
    private Path csv;
    private Factory factory;

    @BeforeEach
    void open() throws IOException {
        home = directory.resolve("home");
        csv = directory.resolve("points.csv");
        factory = Factory.open(
                home, Factory.options().clock(() -> now).withoutTicks().listeners(Runnable::run));
    }

    @AfterEach
    void close() {
        factory.close();
    }

    private void reopen() {
        factory.close();
        factory = Factory.open(
                home, Factory.options().clock(() -> now).withoutTicks().listeners(Runnable::run));
    }

    private Pipeline.Ready<Point, Boolean, Double> points() {
        return Pipeline.named("points")
                .from(Csv.files(csv).examples(Point.class, Target.isTrue("inside")))
                .features(Features.auto(Point.class))
                .train(Trainers.logistic())
                .gate(Gate.atLeast(Metric.ROC_AUC, 0.01)) // lets nearly everything pass
                .respond(p -> p);
    }

    private Deployment<Point, Boolean, Double> start(Pipeline<Point, Boolean, Double> pipeline) {
        Deployment<Point, Boolean, Double> live = factory.start(pipeline);
        live.onTrial(events::add).onPromotion(events::add).onRejected(events::add);
        return live;
    }

    /** A champion that says the contrary of what is true, and a challenger that has learned from the truth. */
    private Deployment<Point, Boolean, Double> betterChallenger(Pipeline<Point, Boolean, Double> pipeline)
            throws IOException {
        write(200, true);
        Deployment<Point, Boolean, Double> live = start(pipeline);
        teach(live, 1_500, false);
        return live;
    }

    /** A champion that is right, and a challenger that has learned from poisoned feedback. */
    private Deployment<Point, Boolean, Double> worseChallenger(Pipeline<Point, Boolean, Double> pipeline)
            throws IOException {
        write(200, false);
        Deployment<Point, Boolean, Double> live = start(pipeline);
        teach(live, 1_500, true);
        return live;
    }

    private void write(int rows, boolean inverted) throws IOException {
        StringBuilder text = new StringBuilder("x,y,colour,inside\n");
        for (int row = 0; row < rows; row++) {
            Point point = CrashChild.point(random);
            text.append(point.x()).append(',').append(point.y()).append(',').append(point.colour());
            text.append(',').append(truth(point) != inverted).append('\n');
        }
        Files.writeString(csv, text);
    }

    /** What is true a few percent of the time is not: so no model is certain, and no loss without bounds. */
    private static boolean truth(Point point) {
        return CrashChild.inside(point) != (Math.floorMod(point.hashCode(), 20) == 0);
    }

    private void teach(Deployment<Point, Boolean, Double> live, int outcomes, boolean inverted) {
        Map<UUID, Boolean> labels = new LinkedHashMap<>();
        for (int i = 0; i < outcomes; i++) {
            Point point = CrashChild.point(random);
            labels.put(live.predict(point).id(), truth(point) != inverted);
        }
        live.feedback(labels);
        now = now.plusSeconds(60);
        Run run = live.retrain().join();
        assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.ON_TRIAL);
    }

    private Prediction<Double> visit(Deployment<Point, Boolean, Double> live, Point point) {
        now = now.plusSeconds(1);
        return live.predict(point, CallOptions.key("visitor " + visitors++));
    }

    /** Visitors come, and what was true becomes known at once, until the trial ends; {@return how many came}. */
    private int visitsUntilTheEnd(Deployment<Point, Boolean, Double> live, int most) {
        int visits = 0;
        while (!report(live).status().ended() && visits < most) {
            Map<UUID, Boolean> truths = new LinkedHashMap<>();
            for (int i = 0; i < TOGETHER; i++) {
                Point point = CrashChild.point(random);
                truths.put(visit(live, point).id(), truth(point));
            }
            visits += TOGETHER;
            live.feedback(truths);
        }
        return visits;
    }

    private static TrialReport report(Deployment<Point, Boolean, Double> live) {
        return live.trial().orElseThrow();
    }

    /** What was done of trials and of the champion, as the audit log tells it. */
    private List<String> story() {
        AuditVerification verified =
                AuditVerification.of(home.resolve("audit"), factory.audit().publicKey(), Optional.empty(), entry -> {});
        assertThat(verified.problem()).isEmpty();
        return factory.audit("points").stream()
                .map(AuditEntry::event)
                .filter(event -> event.action().startsWith("trial-")
                        || event.action().equals("promoted")
                        || event.action().equals("rolled-back"))
                .map(event -> event.action() + " " + event.details().get("version"))
                .toList();
    }

    private List<Status> statuses() {
        return events.stream()
                .filter(Event.TrialChanged.class::isInstance)
                .map(event -> ((Event.TrialChanged) event).trial().status())
                .toList();
    }

    private List<Event.Rejected> rejections() {
        return events.stream()
                .filter(Event.Rejected.class::isInstance)
                .map(Event.Rejected.class::cast)
                .toList();
    }

    private JsonNode json(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }

    private long labels() throws IOException {
        long n = 0;
        for (JsonNode arm : json(home.resolve("pipelines/points/trial.json")).at("/sums/arms")) {
            n += arm.path("sums").path("Log loss").path("values").path("n").asLong();
        }
        return n;
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
}
